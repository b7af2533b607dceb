"""
What a plugin requires of other distributions: judged as plugins are, where a policy asks for it, and run from the bytes
that were checked.

What it requires says its signed METADATA, and that of each distribution which is trusted in turn. Taken is every
`Requires-Dist` but those of extras; markers are not evaluated: what is installed counts. What is not installed, nobody
can import. What a distribution imports and does not name, nobody knows of.
"""

from __future__ import annotations

import hashlib

from otumat.errors import OtumatError
from otumat.spec.spelling import normalize
from otumat.spec.statement import Malformed
from otumat.spec.statement.texts import header_lines
from otumat.spec.vouching.verdict import TRUSTED, UNVERIFIABLE, Finding
from otumat.trust.enforce.rules import ENFORCE
from otumat.trust.installed import finding

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from otumat.spec.vouching.verdict import Verdict
    from otumat.trust.enforce.guarded import Guarded
    from otumat.trust.enforce.rules import Dependencies
    from otumat.trust.installed.finding import Installed

    Examine = Callable[[Installed, list[Installed]], tuple[Verdict, Guarded | None]]

_NAME = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-")


def required(
    installed: Installed, guarded: Guarded, rules: Dependencies, *, folders: list[str], examine: Examine
) -> tuple[list[Finding], list[Guarded]]:
    """
    Everything that a trusted distribution requires, and what those require.

    Args:
        examine: Judges one distribution; the others of its name come second.

    Returns:
        What speaks against them (in the mode `warn`, of the state `trusted`), and what is to be guarded as well.
    """
    found: list[Finding] = []
    beside: list[Guarded] = []
    seen = {normalize(installed.name), *rules.excepted}
    waiting = [(installed, guarded)]
    while waiting:
        who, signed = waiting.pop()
        try:
            names = set(names_in(_metadata(who, signed))) - seen
        except (OSError, OtumatError, Malformed) as exc:
            found.append(
                _finding(rules, UNVERIFIABLE, "dependency.unknown", f"What {who.name} requires is unclear: {exc}.")
            )
            continue
        seen |= names
        for name in sorted(names):
            there = finding.find(name, folders)
            if not there:
                continue
            verdict, its = examine(there[0], there[1:])
            if not verdict or its is None:
                found.append(_of_untrusted(rules, who, verdict))
            elif its.strangers():
                told = f"{its.name} was imported by this program before it was checked; what is installed was signed."
                found.append(Finding(TRUSTED, "dependency.loaded", told, path=verdict.location))
                waiting.append((there[0], its))
            else:
                beside.append(its)
                waiting.append((there[0], its))
    return found, beside


def names_in(metadata: bytes) -> Iterator[str]:
    """
    The normalised names of what METADATA requires without an extra.

    >>> lines = ("Requires-Dist: B.c[x]>=1; python_version < '4'", "Requires-Dist: d; extra == 'x'", "", "Words.")
    >>> list(names_in("\\n".join(lines).encode()))
    ['b-c']
    """
    for line in header_lines(metadata):
        key, _, value = line.decode("utf-8", "replace").partition(":")
        wanted, _, marker = value.strip().partition(";")
        if key.lower() == "requires-dist" and "extra" not in marker:
            name = next((wanted[:at] for at, each in enumerate(wanted) if each not in _NAME), wanted)
            yield normalize(name)


def _metadata(installed: Installed, guarded: Guarded) -> bytes:
    if not guarded.metadata:
        raise Malformed("its signature does not cover its metadata")
    data = installed.read("METADATA")
    if hashlib.sha256(data).hexdigest() != guarded.metadata:
        raise Malformed("its metadata was changed while it was looked at")
    return data


def _of_untrusted(rules: Dependencies, who: Installed, verdict: Verdict) -> Finding:
    why = next((each.message for each in verdict.findings if each.state == verdict.state), "")
    told = f"{who.name} requires {verdict.name} {verdict.version}, which is {verdict.state}: {why}"
    hint = f"Trust a key for {verdict.name}, or except it in the policy."
    return _finding(rules, verdict.state, "dependency.untrusted", told, path=verdict.location, hint=hint)


def _finding(rules: Dependencies, state: str, code: str, told: str, *, path: str = "", hint: str = "") -> Finding:
    return Finding(state if rules.mode == ENFORCE else TRUSTED, code, told, path=path, hint=hint)
