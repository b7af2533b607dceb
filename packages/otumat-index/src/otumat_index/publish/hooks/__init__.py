"""
Webhooks: what the journal says of a project, POSTed to addresses its owners name.

`rules.py` decides, `actions.py` writes, `tasks.py` turns journal rows into deliveries (each exactly once), `sending.py`
delivers them (at least once; every try carries the delivery's id). The wire: docs/protocol/webhooks.md.
"""
