"""
Pure decisions about identity tokens: what a publisher may ask of one, and whether one says it.

Which claims are looked at depends on the kind of issuer, which the operator's setting fixes (`otumat_index.issuers`).

    described.py  what a publisher asks of a token, and how it is found;  said.py  what a token says
"""

from __future__ import annotations

from otumat_index.publish.trusted.rules.described import (
    FIELDS,
    PENDING_DAYS,
    TOKEN_LIFE_S,
    Claims,
    Field,
    check_claims,
    describe,
    lookup,
    lookup_of,
)
from otumat_index.publish.trusted.rules.said import (
    LEEWAY_S,
    STRANGERS_EVENTS,
    STRANGERS_PIPELINES,
    check_run,
    check_token,
    matches,
    moment,
    pins,
    told,
    used_mark,
)

__all__ = [
    "FIELDS",
    "LEEWAY_S",
    "PENDING_DAYS",
    "STRANGERS_EVENTS",
    "STRANGERS_PIPELINES",
    "TOKEN_LIFE_S",
    "Claims",
    "Field",
    "check_claims",
    "check_run",
    "check_token",
    "describe",
    "lookup",
    "lookup_of",
    "matches",
    "moment",
    "pins",
    "told",
    "used_mark",
]
