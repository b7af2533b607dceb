"""
The user's own side: what a copy of theirs has told, and what can be done about it.

Two ways lead to the same pages: an account, for the installs that are linked to it; and a link that a copy asks for
with its own credential, for that one install, for a quarter of an hour. `holding.py` says who comes, `visits.py` keeps
the links, `views.py` are the pages, `told.py` what they show. Nobody's pages have an install's id in their address.
"""
