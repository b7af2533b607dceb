"""The verdict on signatures of the 0.3 kind alone: pure. With an envelope: `otumat.spec.vouching.judged`."""

from __future__ import annotations

from otumat.spec.vouching.checking import check_downgrade, check_fresh, check_release, why_not
from otumat.spec.vouching.verdict import (
    BELOW_THRESHOLD,
    TRUSTED,
    UNSIGNED,
    UNTRUSTED_KEY,
    Finding,
    Verdict,
    Voucher,
)
from otumat.trust import legacy

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from otumat.trust.policy import KeyRecord, ProjectTrust


def legacy_verdict(
    name: str,
    version: str,
    *,
    values: Mapping[str, Iterable[str]],
    signatures: Mapping[str, bytes],
    trust: ProjectTrust,
    at: str,
    findings: Iterable[Finding],
    location: str = "",
    protected_by: str = "same-user",
) -> Verdict:
    """
    The verdict on something that carries signatures of the 0.3 kind alone.

    Args:
        values: Each top-level package to the values it has: git's, and 0.3's where the policy takes those.
        signatures: Package to the content of its `.sig`.
        findings: What else was found.
    """
    found = [*findings, *check_downgrade(version, trust), *check_release(name, version, trust)]
    found += check_fresh(trust, at)
    keys: dict[str, Voucher] = {}
    for package, signature in sorted(signatures.items()):
        by, told = _check(package, list(values.get(package, ())), signature, trust, at)
        found += told
        keys |= {by.public.id: Voucher(by.public.id, by.public.kind, by.role, by.note)} if by else {}
    for package in sorted(set(values) - set(signatures)):
        told_text = f"No signature covers the package {package!r} that it installs."
        # A single package of its own is not what a host loads; it is told, and counts when nothing else is covered.
        found.append(Finding(TRUSTED if keys else UNSIGNED, "signature.uncovered", told_text, path=package))
    if keys and trust.threshold > 1:
        told_text = f"A signature of the 0.3 kind is by one key; {trust.threshold} are asked for."
        found.append(Finding(BELOW_THRESHOLD, "signature.too_few", told_text))
    if keys:
        told_text = "A signature of the 0.3 kind covers one folder: neither version, metadata nor entry points."
        found.append(Finding(TRUSTED, "signature.legacy", told_text))
    return Verdict(
        name,
        version,
        findings=found,
        scheme="legacy",
        keys=keys.values(),
        location=location,
        protected_by=protected_by,
    )


def _check(
    package: str, values: list[str], signature: bytes, trust: ProjectTrust, at: str
) -> tuple[KeyRecord | None, list[Finding]]:
    told: list[Finding] = []
    for record in trust.keys:
        for value in values:
            reason, problems = legacy.check_with(record.public, value.encode(), signature)
            if reason:
                continue
            refused = why_not(record, at, legacy=True)
            if refused is None:
                return record, [Finding(TRUSTED, each.code, each.message, hint=each.hint) for each in problems]
            told.append(refused)
    if not told:
        text = f"No trusted key's signature holds for the package {package!r} as it is."
        told.append(Finding(UNTRUSTED_KEY, "signature.invalid", text, path=package))
    return None, told
