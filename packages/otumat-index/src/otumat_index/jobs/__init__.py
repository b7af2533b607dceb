"""
Following the journal and doing what must happen after a commit, in processes of their own.

Rooms above register listeners in their `tasks.py`; this room knows none of them. Read `follower.py` for what is derived
(safe to run twice), `outbox.py` and `mailer.py` for mail (once).
May import: `journal`, `web`.
"""
