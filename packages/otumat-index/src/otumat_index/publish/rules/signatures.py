"""What an upload's signature must be, by what project and index ask for; and what a verdict means to its uploader."""

from __future__ import annotations

from otumat.errors import Problem
from otumat.spec.vouching.verdict import MEANINGS, TRUSTED, Verdict

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


def check_verdict(policy: str, verdict: Verdict, *, has_keys: bool) -> list[Problem]:
    """What is wrong with an envelope: an error where it must be right, a warning to its uploader elsewhere."""
    if verdict.state == TRUSTED:
        return []
    severity = "error" if policy == REFUSE and has_keys else "warning"
    told = [
        Problem("signature." + verdict.state.replace("-", "_"), "content", each.message, hint=each.hint)
        for each in verdict.findings[:5]
        if each.state != TRUSTED
    ]
    hint = "Its owners can add the key to the project." if not has_keys else told[0].hint
    message = f"The signature of this wheel does not hold here: {MEANINGS[verdict.state]}."
    first = Problem("signature." + verdict.state.replace("-", "_"), "content", message, hint=hint, severity=severity)
    return [first, *(Problem(each.code, each.field, each.message, severity=severity) for each in told)]
