"""An attestation object and the statement inside it, by their form. Pure: nothing is believed yet."""

from __future__ import annotations

import binascii
import re
from dataclasses import dataclass
from typing import Any

from otumat.spec.statement import Malformed, pae, strict_json
from otumat.spec.statement.wheel import PAYLOAD_TYPE, STATEMENT_TYPE

PREDICATES = ("https://docs.pypi.org/attestations/publish/v1", "https://slsa.dev/provenance/v1")
"""The predicate types of PEP 740; one of each kind belongs to a file."""
FIELD_MAX_CHARS = 256 * 1024
LOG_ENTRIES_MAX = 4
UNKEPT = re.compile(r"\\u(?:0000|[dD][89a-fA-F])")
"""Escapes that not every database keeps; nothing in an attestation needs them."""


@dataclass(frozen=True, slots=True)
class Attested:
    """
    One attestation.

    Attributes:
        body: The object as it came.
        certificate: DER. signature: Over `message`.
        statement: The bytes that were signed.
        subject, sha256: The file that the statement names.
        predicate_type: One of `PREDICATES`.
    """

    body: dict[str, Any]
    certificate: bytes
    signature: bytes
    statement: bytes
    subject: str
    sha256: str
    predicate_type: str

    @property
    def message(self) -> bytes:
        """The bytes that the signature is over."""
        return pae(PAYLOAD_TYPE, self.statement)


def read(text: str) -> list[Attested]:
    """
    The attestations of an upload form's field.

    Errors:
        Malformed: It is no list of them, has too many, or two of one kind (A60).
    """
    if len(text) > FIELD_MAX_CHARS:
        raise Malformed(f"it has {len(text)} characters; {FIELD_MAX_CHARS} are read at most")
    if UNKEPT.search(text):
        raise Malformed("it holds a NUL or half a character")
    listed = strict_json.read(text.encode("utf-8", "replace"))
    if type(listed) is not list or not 1 <= len(listed) <= len(PREDICATES):
        raise Malformed(f"expected a list of 1 to {len(PREDICATES)} attestations")
    found = [read_one(each) for each in listed]
    if len({each.predicate_type for each in found}) != len(found):
        raise Malformed("two of them are of one kind")
    return found


def read_one(body: Any) -> Attested:
    """One object, version 1."""
    if strict_json.get(body, "version", int) != 1:
        raise Malformed("its version is not 1")
    material = strict_json.get(body, "verification_material", dict)
    envelope = strict_json.get(body, "envelope", dict)
    entries = strict_json.get(material, "transparency_entries", list)
    if len(entries) > LOG_ENTRIES_MAX or any(type(each) is not dict for each in entries):
        raise Malformed("its transparency entries are not of the form they must have")
    statement = decoded(strict_json.get(envelope, "statement", str))
    subject, sha256, predicate_type = read_statement(statement)
    return Attested(
        body=body,
        certificate=decoded(strict_json.get(material, "certificate", str)),
        signature=decoded(strict_json.get(envelope, "signature", str)),
        statement=statement,
        subject=subject,
        sha256=sha256,
        predicate_type=predicate_type,
    )


def read_statement(statement: bytes) -> tuple[str, str, str]:
    """The one file that a statement names, its SHA-256, and what kind of statement it is."""
    told = strict_json.read(statement)
    if strict_json.get(told, "_type", str) != STATEMENT_TYPE:
        raise Malformed("its statement is of another type")
    predicate_type = strict_json.get(told, "predicateType", str)
    if predicate_type not in PREDICATES:
        raise Malformed(f"its predicate is of the type {predicate_type[:100]!r}; {' or '.join(PREDICATES)} is taken")
    subjects = strict_json.get(told, "subject", list)
    if len(subjects) != 1:
        raise Malformed(f"its statement names {len(subjects)} files; one is meant")
    digest = strict_json.get(strict_json.get(subjects[0], "digest", dict), "sha256", str)
    return strict_json.get(subjects[0], "name", str), digest, predicate_type


def decoded(text: str) -> bytes:
    """Base64, strictly."""
    try:
        return binascii.a2b_base64(text, strict_mode=True)
    except ValueError:
        raise Malformed("what should be base64 is not") from None
