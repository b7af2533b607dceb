"""
Trusted publishing: a workflow shows who it is with an identity token of its issuer, and gets a token for minutes.

    rules/       pure: which claims a publisher may ask for, and which token satisfies them; read this first
    tokens.py    an identity token's signature and header
    issuers.py   the issuers' keys, fetched and cached
    actions.py   add and remove publishers
    minting.py   mint, burn
    standing.py  for whom a minted token acts, asked at every use
    queries.py   rows for pages and API
    api.py       JSON doors below /api/v1/;  oidc.py  the doors of PEP 807;  views.py  pages

Why it is built this way: docs/decisions/0007-trusted-publishing.md. The protocol: docs/protocol/trusted-publishing.md.
"""
