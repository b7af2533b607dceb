"""A wheel that carries an envelope, and the keys of its scope: the verdict, and what is kept of it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import BinaryIO

from otumat.errors import Invalid
from otumat.spec.statement import ENVELOPE_NAME, SignedFile, read_envelope
from otumat.spec.vouching.judged import judged_wheel
from otumat.spec.vouching.keyring import KeyRecord, ProjectTrust
from otumat.spec.vouching.verdict import ERROR, Finding, Verdict
from otumat.spec.vouching.wheel import Wheel
from otumat.trust.policy import Policy
from otumat.trust.wheel import verify_wheel
from otumat_index.trust import models, rules

ENVELOPE_MAX_BYTES = 8_000_000
"""Of 100,000 files with long paths; reading one takes some ten times as much for a moment."""
MEMBERS_MAX = 5_000
"""Of one wheel that can be looked up by their digests; the rest of a larger one cannot."""
FINDINGS_MAX = 20
COMMON_BYTES = 64
"""Smaller files, `__init__.py` above all, are in every other wheel and tell nothing."""


@dataclass(frozen=True, slots=True)
class Judged:
    """
    The verdict on a wheel; where it can be relied on, the files that its signers list, and the SHA-256 of what they
    signed.
    """

    verdict: Verdict
    files: tuple[SignedFile, ...] = ()
    envelope: str = ""


def judge(file: BinaryIO, filename: str, records: Iterable[KeyRecord], *, at: datetime) -> Judged:
    """
    Check a wheel that passed inspection. Never raises for what its bytes are.

    Args:
        file: Seekable; read once more from its first byte to its last.
        records: The keys of the scope, those that ended included.
    """
    try:
        wheel = Wheel(file, filename, lean=True)
    except Invalid as exc:
        found = [Finding(ERROR, each.code, each.message, hint=each.hint) for each in exc.problems]
        return Judged(Verdict(filename, "", findings=found))
    if len(wheel.envelope) > ENVELOPE_MAX_BYTES:
        told = f"{ENVELOPE_NAME} has {len(wheel.envelope)} bytes; this index reads {ENVELOPE_MAX_BYTES} at most."
        return Judged(Verdict(wheel.name, wheel.version, findings=[Finding(ERROR, "envelope.large", told)]))
    verdict, statement = judged_wheel(wheel, wheel.envelope, ProjectTrust(records), at=rules.moment(at))
    if not (verdict and statement):
        return Judged(verdict)
    payload = read_envelope(wheel.envelope).payload
    return Judged(verdict, statement.files, hashlib.sha256(payload).hexdigest())


def judge_legacy(file: BinaryIO, filename: str, project: str, records: Iterable[KeyRecord], *, at: datetime) -> Judged:
    """
    Check a wheel that carries `.sig` files alone. Never raises for what its bytes are.

    It is read whole, so the caller has looked at how large it is. The verdict is told as what it is, and is never as
    good as that on an envelope: it covers folders, neither version nor metadata nor entry points.
    """
    policy = Policy({project: ProjectTrust(records, legacy=True)})
    return Judged(verify_wheel(file, filename, policy, at=rules.moment(at)))


def keep(judged: Judged, *, scope: str, sha256: str, at: datetime) -> None:
    """
    Write a verdict, and what can be looked up of the wheel; in the caller's transaction.

    The same bytes may be published twice, with another build number in the name: the newest verdict counts.
    """
    verdict = judged.verdict
    found = {
        "state": verdict.state,
        "scheme": "legacy" if verdict.scheme == "legacy" else "dsse",
        "envelope": judged.envelope,
        "keys": [key.to_dict() for key in verdict.keys],
        "findings": [finding.to_dict() for finding in verdict.findings[:FINDINGS_MAX]],
        "sequence": min(verdict.sequence, 2**63 - 1),
        "at": at,
    }
    row, _ = models.SignedFile.objects.update_or_create(scope=scope, sha256=sha256, defaults=found)
    row.members.all().delete()
    telling = [each for each in judged.files if each.size_bytes > COMMON_BYTES][:MEMBERS_MAX]
    models.Member.objects.bulk_create(
        [models.Member(of=row, sha256=each.sha256, path=each.path) for each in telling], batch_size=500
    )


def forget(*, scope: str, sha256: str) -> None:
    """A file was taken away: nothing is told of it any more."""
    models.SignedFile.objects.filter(scope=scope, sha256=sha256).delete()
    models.Attestation.objects.filter(scope=scope, sha256=sha256).delete()
