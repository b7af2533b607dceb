"""
What a signature says, and the envelope it comes in: pure, and of the standard library alone.

    strict_json.py   JSON of which there is one reading
    envelope.py      DSSE: payload, payload type, any number of signatures
    wheel.py         the statement about one wheel: every file it installs, its entry points, its identity
    paths.py         which paths a statement may hold

Source: `docs/protocol/signature.md`; DSSE 1.0; in-toto attestation framework 1.0.
"""

from __future__ import annotations

from otumat.spec.statement.envelope import Envelope, Signature, pae, read_envelope
from otumat.spec.statement.strict_json import Malformed
from otumat.spec.statement.wheel import (
    ENVELOPE_NAME,
    PAYLOAD_TYPE,
    PREDICATE_TYPE,
    EntryPoint,
    SignedFile,
    Statement,
    is_left_out,
    read_statement,
)

__all__ = [
    "ENVELOPE_NAME",
    "PAYLOAD_TYPE",
    "PREDICATE_TYPE",
    "EntryPoint",
    "Envelope",
    "Malformed",
    "Signature",
    "SignedFile",
    "Statement",
    "is_left_out",
    "pae",
    "read_envelope",
    "read_statement",
]
