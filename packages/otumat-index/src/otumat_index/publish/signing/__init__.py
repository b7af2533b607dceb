"""
The project-bound side of trust: whose keys they are, who may change them, and what an upload's signature does.

    actions.py    add, replace and end keys; what is done about signatures
    judging.py    an upload's envelope against the project's keys
    again.py      wheels by strangers, once the project lists another key
    attested.py   an upload's attestations against the project's publishers (PEP 740)
    queries.py    rows for pages and API: keys, how releases were signed, which release a file is from
    api.py, views.py, urls.py    the doors

Bytes and keys are the business of `otumat_index.trust`; a project's scope there is its normalised name.
"""
