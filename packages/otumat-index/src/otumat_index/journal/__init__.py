"""
Who changed what, when, with which credential: one row per change, written inside every action's transaction.

Later work (prepared pages, search, mail, mirrors) listens to these rows and to nothing else. Read `actions.py` first.
May import: `web`, Django, `otumat.errors`.
"""
