"""
Mail about one's account, and how much mail about projects one wants.

`letters.py` writes security mails, `actions.py` and `queries.py` keep preferences, `views.py` shows them and takes
unsubscriptions without a login.
"""
