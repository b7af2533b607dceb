"""
Usage: what programs tell of their use, with their users' consent.

Who may tell what is in the catalogue (`models.py`: collections, manifests, installs); what was told is in a store of
its own (`stores/`: batches, counts, activity), which knows installs by a number only. `rules.py` decides, `actions/`
writes, `api.py` is the wire of docs/protocol/usage.md, `queries.py` the dashboard's numbers. Read `actions/events.py`
first.
"""
