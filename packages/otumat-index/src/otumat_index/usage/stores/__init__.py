"""
Where uses are kept and counted: an engine is a swap behind `protocol.EventStore`, held to one conformance suite.

`orm.py` is SQLite or PostgreSQL: a database of its own (`routing.py`), or the catalogue's PostgreSQL.
"""

from __future__ import annotations
