"""
What every door shares: the error table, base templates, style, mail and log settings, and the hot lane.

The lowest room: imports Django, `otumat.errors` and `otumat.spec`, no other room.
"""
