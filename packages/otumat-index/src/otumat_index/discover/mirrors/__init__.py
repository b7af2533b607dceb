"""
What mirrors ask beside the simple API: the XML-RPC of old mirror clients (bandersnatch up to 7), at `/pypi`.

`calls.py` reads a call, `values.py` writes an answer (both pure), `changelog.py` asks the journal, `views.py` is the
door. Newer clients read `_last-serial` from `/simple/`; docs/guide/mirroring.md says what to set up.
"""
