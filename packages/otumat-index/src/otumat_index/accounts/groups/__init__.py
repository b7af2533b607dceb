"""
Groups of people that hold roles together, and teams within them.

`actions.py` changes them, `queries.py` reads them, `ownership.py` (a file above) keeps every project an owner. Whoever
is added must say yes first: until then a membership has no `joined_at` and gives nothing.
"""
