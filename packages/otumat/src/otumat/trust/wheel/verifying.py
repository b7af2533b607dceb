"""`verify_wheel`: the same question as for an installed distribution, asked of the archive."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, BinaryIO

from otumat.errors import Invalid
from otumat.spec.vouching.judged import judged_wheel
from otumat.spec.vouching.verdict import ERROR, UNSIGNED, Finding, Verdict
from otumat.spec.vouching.wheel import Wheel
from otumat.trust.judging import legacy_verdict
from otumat.trust.wheel import composing

if TYPE_CHECKING:
    from otumat.trust.policy import Policy


def verify_wheel(
    file: BinaryIO, filename: str, policy: Policy, *, at: str, signed_before: str = "", envelope: bytes = b""
) -> Verdict:
    """
    Check a wheel against its envelope and the keys that are trusted for its project.

    Args:
        file: Seekable, binary. filename: Without folders.
        at: Now, as `2026-01-31T12:00:00Z`. signed_before: As for `check_envelope`.
        envelope: One that came beside the wheel, instead of the one inside.

    Returns:
        Never raises for what the bytes are: a wheel that does not hold together is of the state `error`.
    """
    try:
        wheel = Wheel(file, filename)
    except Invalid as exc:
        found = [Finding(ERROR, problem.code, problem.message, hint=problem.hint) for problem in exc.problems]
        return Verdict(filename, "", findings=found, location=filename)
    data = envelope or wheel.envelope
    if not data:
        return _without_envelope(wheel, policy, at)
    return judged_wheel(wheel, data, policy.of(wheel.project), at=at, signed_before=signed_before)[0]


def _without_envelope(wheel: Wheel, policy: Policy, at: str) -> Verdict:
    if not wheel.signatures:
        hint = "Its author signs it with: otumat sign dist/*.whl"
        found = [Finding(UNSIGNED, "signature.none", "It carries no signature.", hint=hint)]
        return Verdict(wheel.name, wheel.version, findings=found, location=wheel.filename)
    values = {name: each.value for name, each in composing.legacy_values(wheel).items()}
    signatures = {os.path.basename(path).removesuffix(".sig"): data for path, data in wheel.signatures.items()}
    return legacy_verdict(
        wheel.name,
        wheel.version,
        values={name: [value] for name, value in values.items()},
        signatures=signatures,
        trust=policy.of(wheel.project),
        at=at,
        location=wheel.filename,
        findings=[],
    )
