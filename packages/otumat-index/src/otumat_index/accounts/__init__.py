"""
People, passwords and API tokens.

May import: `jobs`, `journal`, `web`, Django and allauth. Read `credentials.py` first: who is behind a request.
"""
