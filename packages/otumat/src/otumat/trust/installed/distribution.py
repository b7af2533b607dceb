"""`verify_distribution`: from a name to a verdict, without importing anything of what is judged."""

from __future__ import annotations

import os

from otumat.errors import OtumatError
from otumat.spec.statement import Malformed
from otumat.spec.vouching.checking import check_envelope
from otumat.spec.vouching.comparing import differences
from otumat.spec.vouching.judged import verdict
from otumat.spec.vouching.verdict import ERROR, TRUSTED, UNSIGNED, UNVERIFIABLE, Finding, Verdict
from otumat.trust.installed import finding, places, shadowing
from otumat.trust.installed.observing import observe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from otumat.spec.statement import Statement
    from otumat.trust.installed.finding import Installed
    from otumat.trust.policy import Policy

_HINT_SIGN = "Its author signs it with: otumat sign dist/*.whl"


def verify_distribution(name: str, policy: Policy, *, at: str, path: Iterable[str] | None = None) -> Verdict:
    """
    Check what is installed under a name against what was signed, and whether an import would find it.

    Nothing of it is imported or run. What cannot be read, or makes no sense, is a verdict too; only a name that nothing
    is installed under is of the state `error` with the code `distribution.missing`.

    Args:
        policy: Whom is trusted for what.
        at: Now, as `2026-01-31T12:00:00Z`.
        path: Folders as in `sys.path`, which is the default.

    Source: `docs/protocol/signature.md`, "Verifying what is installed".
    """
    folders = finding.folders(path)
    found = finding.find(name, folders)
    if not found:
        told = f"Nothing named {name!r} is installed here."
        return Verdict(name, "", findings=[Finding(ERROR, "distribution.missing", told)])
    return verify_installed(found[0], policy, at=at, folders=folders, others=found[1:])


def verify_installed(
    installed: Installed, policy: Policy, *, at: str, folders: list[str], others: Iterable[Installed] = ()
) -> Verdict:
    """The same for one that has been found; `others` have the same name, later on the path."""
    return examine(installed, policy, at=at, folders=folders, others=others)[0]


def examine(
    installed: Installed,
    policy: Policy,
    *,
    at: str,
    folders: list[str],
    others: Iterable[Installed] = (),
    bytecode: bool = True,
) -> tuple[Verdict, Statement | None]:
    """
    The same, and what was signed, which is to be believed only where the verdict is true.

    Args:
        bytecode: Whether to prove compiled files; whoever never runs them (`trust.enforce`) need not.
    """
    try:
        return _examine(installed, policy, at, folders, list(others), bytecode)
    except (OSError, Malformed, OtumatError) as exc:
        told = f"It cannot be read: {exc}."
        findings = [Finding(ERROR, "distribution.unreadable", told)]
        return Verdict(installed.name, installed.version, findings=findings, location=installed.path), None


def _examine(
    installed: Installed, policy: Policy, at: str, folders: list[str], others: list[Installed], bytecode: bool
) -> tuple[Verdict, Statement | None]:
    twins = _of_others(installed, others)
    guarded = protected_by(installed, policy)
    if installed.is_editable() or installed.kind == "egg-info":
        told = _unverifiable(installed)
    elif data := installed.envelope():
        return _by_envelope(installed, data, policy, at, folders, twins, guarded, bytecode)
    elif signatures := installed.signatures():
        return _by_legacy(installed, signatures, policy, at, twins, guarded), None
    else:
        told = Finding(UNSIGNED, "signature.none", "It carries no signature.", hint=_HINT_SIGN)
    return Verdict(
        installed.name, installed.version, findings=[*twins, told], location=installed.path, protected_by=guarded
    ), None


def _by_envelope(
    installed: Installed,
    data: bytes,
    policy: Policy,
    at: str,
    folders: list[str],
    twins: list[Finding],
    guarded: str,
    bytecode: bool,
) -> tuple[Verdict, Statement | None]:
    trust = policy.of(installed.name)
    vouched = check_envelope(data, project=installed.name, version=installed.version, trust=trust, at=at)
    found = [*twins, *vouched.findings]
    if statement := vouched.statement:
        around = places.Places.around(installed.site)
        found += differences(statement, observe(statement, around, bytecode=bytecode))
        found += shadowing.shadows(statement, around, folders)
        if statement.dist_info != installed.folder:
            told = f"Its folder is {installed.folder!r}; {statement.dist_info!r} was signed."
            found.append(Finding(ERROR, "statement.folder", told))
    judged = verdict(installed.name, installed.version, vouched, found, location=installed.path, protected_by=guarded)
    return judged, vouched.statement


def _by_legacy(
    installed: Installed, signatures: dict[str, bytes], policy: Policy, at: str, twins: list[Finding], guarded: str
) -> Verdict:
    # Loaded here, for the few that carry nothing newer: it would cost every other verdict 5 ms.
    from otumat.trust.installed import by_legacy

    return by_legacy.judge(
        installed, signatures, policy.of(installed.name), at=at, findings=twins, protected_by=guarded
    )


def _of_others(installed: Installed, others: list[Installed]) -> list[Finding]:
    found = []
    for other in others:
        if other.site == installed.site:
            told = (
                f"{other.folder!r} says that it is the same project, in the same place: which one counts is not told."
            )
            found.append(Finding(ERROR, "distribution.twice", told, path=other.path))
        else:
            told = f"Another one of this name lies later on the path, in {other.site!r}; this one hides it."
            found.append(Finding(TRUSTED, "distribution.hidden", told, path=other.path))
    if installed.unclear:
        found.append(Finding(ERROR, "distribution.unclear", f"It is unclear what it is: {installed.unclear}."))
    return found


def _unverifiable(installed: Installed) -> Finding:
    if installed.kind == "egg-info":
        told = "It was installed without a wheel, so there is no list of what belongs to it."
        return Finding(UNVERIFIABLE, "distribution.egg", told, hint="Install it from a wheel.")
    told = "It is an editable install: a link to a checkout, whose files change as their author likes."
    return Finding(UNVERIFIABLE, "distribution.editable", told, hint="Install it from a signed wheel.")


def protected_by(installed: Installed, policy: Policy) -> str:
    """
    `root` when everything the verdict rests on belongs to root and nobody else may write it: the files, the policy, and
    this program; `same-user` when who runs this could have changed any of it.
    """
    own = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    if not hasattr(os, "geteuid") or os.geteuid() == 0:
        return "same-user"
    rests_on = [installed.site, installed.path, own, *([policy.source] if policy.source else [])]
    return "root" if all(_is_roots(path) for path in rests_on) else "same-user"


def _is_roots(path: str) -> bool:
    try:
        seen = os.stat(path)
    except OSError:
        return False
    return seen.st_uid == 0 and not seen.st_mode & 0o022
