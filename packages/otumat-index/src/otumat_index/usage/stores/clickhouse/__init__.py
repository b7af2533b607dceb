"""
The store on ClickHouse: one server, or shards with replicas.

ClickHouse has no transactions, so nothing here is added to anything: rows are facts, each under a key that the batch
gives, and a fact told twice is one. What they add up to is worked out when it is asked. Why so, and what it costs:
docs/decisions/0017-events-on-clickhouse.md.

`schema.py` has the tables, `link.py` the way to a server, `reads.py` the questions; start with `store.py`.
"""
