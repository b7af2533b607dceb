"""From what was found to a verdict: whatever carries an envelope ends here, installed or in a wheel."""

from __future__ import annotations

from otumat.spec.vouching.checking import check_envelope
from otumat.spec.vouching.comparing import FILE, Observed, Seen, differences
from otumat.spec.vouching.verdict import Verdict

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from otumat.spec.statement import Statement
    from otumat.spec.vouching.checking import Vouched
    from otumat.spec.vouching.keyring import ProjectTrust
    from otumat.spec.vouching.verdict import Finding
    from otumat.spec.vouching.wheel import Wheel


def judged_wheel(
    wheel: Wheel, envelope: bytes, trust: ProjectTrust, *, at: str, signed_before: str = ""
) -> tuple[Verdict, Statement | None]:
    """
    Check what is in a wheel against its envelope and a project's keys.

    Args:
        at, signed_before: As for `check_envelope`.

    Returns:
        The verdict, and the statement where it can be read; it is to be believed only where the verdict is true.
    """
    vouched = check_envelope(
        envelope, project=wheel.project, version=wheel.version, trust=trust, at=at, signed_before=signed_before
    )
    found = list(vouched.findings)
    if vouched.statement:
        found += differences(vouched.statement, _observed(wheel, {each.path for each in vouched.statement.files}))
    return verdict(wheel.name, wheel.version, vouched, found, location=wheel.filename), vouched.statement


def verdict(
    name: str,
    version: str,
    vouched: Vouched,
    findings: Iterable[Finding],
    *,
    location: str = "",
    protected_by: str = "same-user",
) -> Verdict:
    """The verdict on something that carries an envelope."""
    return Verdict(
        name,
        version,
        findings=findings,
        scheme="dsse",
        keys=vouched.keys,
        location=location,
        sequence=vouched.statement.sequence if vouched.statement else 0,
        protected_by=protected_by,
    )


def _observed(wheel: Wheel, signed: set[str]) -> Observed:
    observed = Observed()
    for each in wheel.files:
        if each.path in signed:
            observed.seen[each.path] = Seen(FILE, each.sha256, executable=each.mode == "100755")
        else:
            observed.added.append((each.path, FILE))
    return observed
