"""
Copies that run Otumat 0.3 and were never updated: the four routes in their dialect, while `LEGACY_AGENT` is on.

    asked.py   what their link says, and where a browser may be sent on to (pure)
    uses.py    what they post, as batches of the 1.0 dialect, without what came before (pure)
    doors.py   the routes; pages.py the consent page
    dialects.py  which of the two dialects a request is in

From `actions/legacy.py` on, a use of theirs is like any other. Source: docs/protocol/usage.md, "The 0.3 dialect".
"""
