"""
The policies in force. All of them must agree: each one more can only refuse more.

1. The site's, `/etc/otumat/trust.json`, where there is one.
2. The host's own, which it passes; where it passes none and the site has none, the user's (`otumat keys`).
3. The file that OTUMAT_POLICY names. Beside one of the first two it only adds; it takes the place of the user's alone,
   which is found through the environment as well.

Likewise the mode is the strictest that anybody asks for, OTUMAT_TRUST in the environment among them; where nobody asks
for one it is `enforce`.
"""

from __future__ import annotations

import os

from otumat.errors import OtumatError
from otumat.spec.vouching.verdict import ERROR, Finding
from otumat.trust import policy as files
from otumat.trust.enforce.rules import ENFORCE, OWN, Dependencies, strictest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from otumat.trust.policy import Policy

SITE_POLICY = r"C:\ProgramData\otumat\trust.json" if os.name == "nt" else "/etc/otumat/trust.json"
MODE_VARIABLE = "OTUMAT_TRUST"


class InForce:
    """
    What is asked of a group's plugins.

    Attributes:
        policies: At least one; with the group's own signers in their places.
        mode: `off`, `warn` or `enforce`.
        own_checkouts: Whether editable installs of one's own are let in.
        dependencies: The strictest that any policy asks of what plugins require; excepted is what all of those except.
        finding: Why nothing at all can be trusted: a policy that cannot be read.
    """

    __slots__ = ("dependencies", "finding", "mode", "own_checkouts", "policies")

    def __init__(
        self,
        policies: list[Policy],
        mode: str,
        *,
        own_checkouts: bool = False,
        dependencies: Dependencies | None = None,
        finding: Finding | None = None,
    ) -> None:
        self.policies, self.mode, self.own_checkouts, self.finding = policies, mode, own_checkouts, finding
        self.dependencies = dependencies or Dependencies()


def in_force(
    group: str, policy: Policy | str | os.PathLike[str] | None, mode: str | None, *, environ: Mapping[str, str]
) -> InForce:
    """
    The policies in force for a group. Raises nothing: one that cannot be read trusts nobody, in the mode `enforce`.

    Args:
        policy: The host's own, or the file it is in. mode: The one the host asks for.
        environ: Usually `os.environ`.
    """
    try:
        found = _all(policy, environ)
    except OtumatError as exc:
        problems = getattr(exc, "problems", ())
        told = " ".join(str(each.message) for each in problems) or str(exc)
        return InForce([files.Policy()], ENFORCE, finding=Finding(ERROR, "policy.unreadable", told))
    asked = strictest([mode or "", *(each.enforcement.mode_of(group) for each in found)]) or ENFORCE
    return InForce(
        [each.for_group(group) for each in found],
        strictest([asked, environ.get(MODE_VARIABLE, "")]),
        own_checkouts=all(each.enforcement.editable == OWN for each in found),
        dependencies=_of_dependencies(
            [each.enforcement.dependencies for each in found if each.enforcement.dependencies]
        ),
    )


def _of_dependencies(asked: list[Dependencies]) -> Dependencies:
    if not asked:
        return Dependencies()
    return Dependencies(
        strictest(each.mode for each in asked), frozenset.intersection(*(each.excepted for each in asked))
    )


def _all(policy: Policy | str | os.PathLike[str] | None, environ: Mapping[str, str]) -> list[Policy]:
    found = [files.load(SITE_POLICY)] if os.path.lexists(SITE_POLICY) else []
    if isinstance(policy, files.Policy):
        found.append(policy)
    elif policy is not None:
        found.append(files.load(os.fspath(policy)))
    named = environ.get("OTUMAT_POLICY", "")
    if named:
        found.append(files.load(named))
    return found or [files.load(files.default_path(environ, os.path.expanduser("~")))]
