"""Every read of keys and verdicts: rows ready to decide by."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from otumat.spec.keys import PublicKey
from otumat.spec.vouching.keyring import KeyRecord
from otumat.spec.vouching.verdict import TRUSTED
from otumat_index.trust import rules
from otumat_index.trust.models import Attestation, Key, Member, SignedFile

FOUND_MAX = 50
WITNESSED_MAX = 2_000
"""Signed files of a scope that are looked through for what keys signed before they ended."""


def keys(scope: str) -> list[Key]:
    """A scope's keys with their history, oldest first; one query."""
    return list(Key.objects.filter(scope=scope).select_related("successor"))


def has_keys(scope: str) -> bool:
    """Whether a scope has, or ever had, a key."""
    return Key.objects.filter(scope=scope).exists()


def had_envelopes(scope: str) -> bool:
    """Whether a file of a scope was ever signed by an envelope that held."""
    return SignedFile.objects.filter(scope=scope, scheme="dsse", state=TRUSTED).exists()


def witnessed(scope: str, ended: Collection[Key]) -> dict[str, list[str]]:
    """
    By key id, the newest envelopes that each of these keys signed and that came before it ended: SHA-256 of what they
    hold. One query.
    """
    found: dict[str, list[str]] = {key.key_id: [] for key in ended}
    ends = {key.key_id: key.revoked_at for key in ended}
    rows = SignedFile.objects.filter(scope=scope, scheme="dsse", state=TRUSTED).exclude(envelope="").order_by("-pk")
    for signers, envelope, at in rows.values_list("keys", "envelope", "at")[:WITNESSED_MAX] if ended else []:
        for key_id in {str(each["key"]) for each in signers} & ends.keys():
            if (end := ends[key_id]) is not None and at < end and envelope not in found[key_id]:
                found[key_id].append(envelope)
    return {key_id: envelopes for key_id, envelopes in found.items() if envelopes}


def records(scope: str) -> list[KeyRecord]:
    """The same as signatures are checked by."""
    return [record(key) for key in keys(scope)]


def record(key: Key) -> KeyRecord:
    """A row in the shape that policies and verdicts have."""
    return KeyRecord(
        PublicKey.from_der(bytes(key.spki)),
        role=key.role,
        note=key.note,
        added=rules.moment(key.added_at),
        revoked_at=rules.moment(key.revoked_at) if key.revoked_at else "",
        revoked_for=key.revoked_for,
    )


def signed(scope: str, digests: Collection[str]) -> dict[str, SignedFile]:
    """The verdicts on these files, by SHA-256; one query."""
    rows = SignedFile.objects.filter(scope=scope, sha256__in=digests) if digests else []
    return {row.sha256: row for row in rows}


@dataclass(frozen=True, slots=True)
class Found:
    """A file, of which the digest that was asked for is a member; its path there."""

    scope: str
    sha256: str
    path: str


def holding(digest: str) -> list[Found]:
    """The wheels that a member with this SHA-256 was signed in, newest first; one query."""
    rows = Member.objects.filter(sha256=digest).order_by("-pk").values_list("of__scope", "of__sha256", "path")
    return [Found(*row) for row in rows[:FOUND_MAX]]


def attestations(scope: str, sha256: str) -> list[Attestation]:
    """What is attested of a file, in the order it came."""
    return list(Attestation.objects.filter(scope=scope, sha256=sha256))


def attestations_of(scope: str, digests: Collection[str]) -> list[Attestation]:
    """What is attested of several files, without the objects themselves; one query."""
    return list(Attestation.objects.filter(scope=scope, sha256__in=digests).defer("body"))
