"""How strictly a host's plugins are taken, and what the policy file says of it. Pure."""

from __future__ import annotations

from otumat.spec.spelling import normalize
from otumat.spec.statement import Malformed, strict_json
from otumat.spec.vouching.keyring import ProjectTrust

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

OFF, WARN, ENFORCE = "off", "warn", "enforce"
MODES = (OFF, WARN, ENFORCE)
"""From the loosest to the strictest."""
REFUSE, OWN = "refuse", "own"
"""Editable installs: never, or those whose checkout belongs to who runs the host."""


def strictest(modes: Iterable[str]) -> str:
    """
    The strictest of these modes; an unknown one counts as `enforce`, an empty one not at all.

    >>> strictest(["off", "", "warn"]), strictest(["Warn?"]), strictest([])
    ('warn', 'enforce', '')
    """
    told = [mode if mode in MODES else ENFORCE for mode in modes if mode]
    return max(told, key=MODES.index, default="")


class GroupRules:
    """What is special to one group of entry points: its mode, and whom else is trusted for which project in it."""

    __slots__ = ("mode", "projects")

    def __init__(self, mode: str = "", projects: Mapping[str, ProjectTrust] | None = None) -> None:
        self.mode, self.projects = mode, dict(projects or {})

    def to_dict(self) -> dict[str, object]:
        told: dict[str, object] = {"mode": self.mode} if self.mode else {}
        projects = {name: trust.to_dict() for name, trust in sorted(self.projects.items())}
        return told | ({"projects": projects} if projects else {})

    @classmethod
    def from_dict(cls, told: Mapping[str, Any]) -> GroupRules:
        _check_keys(told, {"mode", "projects"})
        projects = strict_json.get(told, "projects", dict, default={})
        return cls(_mode(told), {name: ProjectTrust.from_dict(each) for name, each in projects.items()})


class Dependencies:
    """
    How strictly what plugins require is taken: `off` (also where nothing is said), `warn` or `enforce`; and which
    distributions nobody asks for: the host itself, usually, and what only it could vouch for.
    """

    __slots__ = ("excepted", "mode")

    def __init__(self, mode: str = "", excepted: Iterable[str] = ()) -> None:
        self.mode, self.excepted = mode, frozenset(normalize(name) for name in excepted)

    def __bool__(self) -> bool:
        return self.mode not in ("", OFF)

    def to_dict(self) -> dict[str, object]:
        return {"mode": self.mode} | ({"except": sorted(self.excepted)} if self.excepted else {})

    @classmethod
    def from_dict(cls, told: Mapping[str, Any]) -> Dependencies:
        _check_keys(told, {"mode", "except"})
        names = strict_json.get(told, "except", list, default=[])
        if any(type(name) is not str for name in names):
            raise Malformed("what is excepted from its dependencies are no names")
        return cls(_mode(told), names)


class Enforcement:
    """
    The part of a policy that is about loading.

    Attributes:
        mode: `off`, `warn` or `enforce`; empty where the policy does not say.
        editable: `refuse`, or `own`.
        groups: Group of entry points to its rules.
        dependencies: What is asked of the distributions that plugins require.
    """

    __slots__ = ("dependencies", "editable", "groups", "mode")

    def __init__(
        self,
        mode: str = "",
        *,
        editable: str = REFUSE,
        groups: Mapping[str, GroupRules] | None = None,
        dependencies: Dependencies | None = None,
    ) -> None:
        self.mode, self.editable, self.groups = mode, editable, dict(groups or {})
        self.dependencies = dependencies or Dependencies()

    def mode_of(self, group: str) -> str:
        """A group's own mode, or the one for all; empty where nothing is said."""
        rules = self.groups.get(group)
        return (rules.mode if rules else "") or self.mode

    def projects_of(self, group: str) -> dict[str, ProjectTrust]:
        rules = self.groups.get(group)
        return rules.projects if rules else {}

    def to_dict(self) -> dict[str, object]:
        told: dict[str, object] = {"mode": self.mode} if self.mode else {}
        told |= {"editable": self.editable} if self.editable != REFUSE else {}
        told |= {"dependencies": self.dependencies.to_dict()} if self.dependencies.mode else {}
        groups = {name: rules.to_dict() for name, rules in sorted(self.groups.items())}
        return told | ({"groups": groups} if groups else {})

    @classmethod
    def from_dict(cls, told: Mapping[str, Any]) -> Enforcement:
        """
        Errors:
            Malformed: not of this form. What is not understood might have asked for more, so it is not passed over.
        """
        _check_keys(told, {"mode", "editable", "groups", "dependencies"})
        editable = strict_json.get(told, "editable", str, default=REFUSE)
        if editable not in (REFUSE, OWN):
            raise Malformed(f"editable installs are {editable[:40]!r}; they can be {REFUSE!r} or {OWN!r}")
        groups = strict_json.get(told, "groups", dict, default={})
        return cls(
            _mode(told),
            editable=editable,
            groups={name: GroupRules.from_dict(each) for name, each in groups.items()},
            dependencies=Dependencies.from_dict(strict_json.get(told, "dependencies", dict, default={})),
        )


def _mode(told: Mapping[str, Any]) -> str:
    return strictest([strict_json.get(told, "mode", str, default="")])


def _check_keys(told: Mapping[str, Any], known: set[str]) -> None:
    if type(told) is not dict or not set(told) <= known:
        raise Malformed(f"its part about loading has settings that are not known: {str(told)[:120]!r}")
