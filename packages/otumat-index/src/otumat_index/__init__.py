"""
The Otumat index: a Django server that publishes, lets people discover, vouches, and (with consent) counts.

Read `urls.py` first, then one room: `publish`, `discover`, `trust`, `usage`, `accounts`. What may import what stands
in ARCHITECTURE.md and is held by the import contracts in the repository's `pyproject.toml`.
"""

__version__ = "1.0.0"
