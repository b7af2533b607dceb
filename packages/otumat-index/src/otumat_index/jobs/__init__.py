"""
Following the journal and doing what must happen after a commit, in a process of its own.

Rooms above register listeners in their `tasks.py`; this room knows none of them. Read `follower.py`.
May import: `journal`, `web`.
"""
