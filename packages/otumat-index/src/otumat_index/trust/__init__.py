"""
Trust: keys, signatures, and what came of checking them. Bytes, digests and keys; whose they are is an opaque scope.

    rules.py         pure: does a key still count for what it signed then? what changed from one release to the next?
    judging.py       a wheel that carries an envelope, and a scope's keys: the verdict
    keys.py          every write to the table of keys
    history.py       every change of them, in a row that only grows; the list of it that the index signs
    index_keys.py    the keys that it signs by
    queries.py       every read
    attestations/    PEP 740: what an attestation says, whose certificate signed it, and what is kept of it

The room of projects (`otumat_index.publish.signing`) has the doors: it knows what a scope stands for, and who may do
what there. The arithmetic and the verdict are `otumat.spec.vouching`, the same that a client runs.
"""
