"""What an upload's signature must be, by what project and index ask for; and what a verdict means to its uploader."""

from __future__ import annotations

from otumat.errors import Problem
from otumat.spec.vouching.verdict import MEANINGS, TRUSTED, UNTRUSTED_KEY, Verdict

REFUSE = "refuse"


def check_unsigned(policy: str, *, has_keys: bool) -> list[Problem]:
    """
    A wheel without an envelope: refused where a project's keys must sign.

    A project that never had a key asks nobody's signature; one whose keys all ended does, until it has another.
    """
    if policy != REFUSE or not has_keys:
        return []
    return [
        Problem(
            "signature.missing",
            "content",
            "The wheel carries no signed envelope; wheels of this project must be signed by one of its keys.",
            hint="Sign it before you publish it: otumat sign dist/*.whl",
        )
    ]


def check_legacy(verdict: Verdict, *, had_envelopes: bool) -> list[Problem]:
    """What the uploader of a wheel hears that carries legacy signatures alone: never a reason to refuse it."""
    hint = "Sign it with: otumat sign dist/*.whl"
    if verdict.state != TRUSTED:
        code, message = "signature.legacy_bad", f"Its legacy signature does not hold here: {MEANINGS[verdict.state]}."
    elif had_envelopes:
        code, message = (
            "signature.downgraded",
            "Earlier wheels carry an envelope; this one has a legacy signature only.",
        )
    else:
        code, message = "signature.legacy_only", "Its legacy signature covers folders alone: no version, no metadata."
    return [Problem(code, "content", message, hint=hint, severity="warning")]


def check_verdict(policy: str, verdict: Verdict, *, has_keys: bool) -> list[Problem]:
    """What is wrong with an envelope: an error where it must be right, a warning to its uploader elsewhere."""
    if verdict.state == TRUSTED:
        return []
    if not has_keys and verdict.state == UNTRUSTED_KEY:
        message = "The wheel is signed, and the project lists no key yet: nobody is told by whom."
        hint = "An owner lists the key with: otumat keys add FILE.pub --project NAME"
        return [Problem("signature.no_key", "content", message, hint=hint, severity="warning")]
    severity = "error" if policy == REFUSE and has_keys else "warning"
    told = [
        Problem("signature." + verdict.state.replace("-", "_"), "content", each.message, hint=each.hint)
        for each in verdict.findings[:5]
        if each.state != TRUSTED
    ]
    message = f"The signature of this wheel does not hold here: {MEANINGS[verdict.state]}."
    first = Problem(
        "signature." + verdict.state.replace("-", "_"), "content", message, hint=told[0].hint, severity=severity
    )
    return [first, *(Problem(each.code, each.field, each.message, severity=severity) for each in told)]
