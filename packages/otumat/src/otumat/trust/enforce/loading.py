"""`load_entry_points`: the plugins of a group, those that are what somebody trusted signed."""

from __future__ import annotations

import os
import sys
import time

from otumat.trust.enforce.code_cache import CodeCache
from otumat.trust.enforce.deciding import Deciding, Decision
from otumat.trust.enforce.entries import declared
from otumat.trust.enforce.guard import GUARD
from otumat.trust.enforce.policies import in_force
from otumat.trust.enforce.refusal import UntrustedImport, UntrustedPlugin
from otumat.trust.installed.finding import folders

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Any

    from otumat.trust.policy import Policy


_OF_DEPENDENCIES = frozenset({"dependency.untrusted", "dependency.unknown"})


class Plugin:
    """
    A plugin that was loaded.

    Attributes:
        name: Of the entry point. object: What it points at.
        decision: Why it was loaded; `decision.verdict` says by whose signature.
    """

    __slots__ = ("decision", "name", "object")

    def __init__(self, decision: Decision, loaded: Any) -> None:
        self.decision, self.name, self.object = decision, decision.name, loaded


class Failure:
    """A plugin that may be loaded, and whose own code raised an error when it was imported."""

    __slots__ = ("decision", "error")

    def __init__(self, decision: Decision, error: Exception) -> None:
        self.decision, self.error = decision, error


class Loaded:
    """
    What became of a group's entry points. Iterating gives the loaded plugins.

    Attributes:
        group, mode: What was asked for, and how strictly.
        loaded: `Plugin`s. refused: `Decision`s that say why. failed: `Failure`s.
    """

    __slots__ = ("failed", "group", "loaded", "mode", "refused")

    def __init__(self, group: str, mode: str) -> None:
        self.group, self.mode = group, mode
        self.loaded: list[Plugin] = []
        self.refused: list[Decision] = []
        self.failed: list[Failure] = []

    def __iter__(self) -> Iterator[Plugin]:
        return iter(self.loaded)

    def __len__(self) -> int:
        return len(self.loaded)

    def to_dict(self) -> dict[str, object]:
        """For logs and reports."""
        failed = [each.decision.to_dict() | {"error": repr(each.error)} for each in self.failed]
        return {
            "group": self.group,
            "mode": self.mode,
            "loaded": [each.decision.to_dict() for each in self.loaded],
            "refused": [each.to_dict() for each in self.refused],
            "failed": failed,
        }

    def __repr__(self) -> str:
        counts = f"{len(self.loaded)} loaded, {len(self.refused)} refused, {len(self.failed)} failed"
        return f"<Loaded {self.group} ({self.mode}): {counts}>"


def load_entry_points(
    group: str,
    policy: Policy | str | os.PathLike[str] | None = None,
    *,
    mode: str | None = None,
    name: str | None = None,
    path: Iterable[str] | None = None,
    at: str = "",
) -> Loaded:
    """
    Load the entry points of a group as the policies in force allow.

    Nothing of a plugin is imported before it is decided upon; then exactly the bytes run that were decided upon, in
    modules that it imports later as well. What is refused is told in the result and as an `UntrustedPlugin` warning; a
    plugin whose own code fails is in `failed`. Nothing is raised.

    Args:
        group: Such as `acme.plugins`.
        policy: Whom the host trusts, or the file that says so; the site's or the user's where it is None.
        mode: `off`, `warn` or `enforce`; a policy and OTUMAT_TRUST in the environment may be stricter, never looser.
        name: This entry point alone.
        path: Folders to look into, as in `sys.path`, which is the default.
        at: Now, as `2026-01-31T12:00:00Z`; the clock's time where it is empty.

    Source: `docs/guide/plugins.md`.
    """
    decided = decide_entry_points(group, policy, mode=mode, name=name, path=path, at=at)
    result = Loaded(group, decided.mode)
    for decision in decided:
        _load(decision, result)
    return result


class Decided:
    """What would be loaded: the mode, and a decision on each entry point."""

    __slots__ = ("decisions", "group", "mode")

    def __init__(self, group: str, mode: str, decisions: list[Decision]) -> None:
        self.group, self.mode, self.decisions = group, mode, decisions

    def __iter__(self) -> Iterator[Decision]:
        return iter(self.decisions)


def decide_entry_points(
    group: str,
    policy: Policy | str | os.PathLike[str] | None = None,
    *,
    mode: str | None = None,
    name: str | None = None,
    path: Iterable[str] | None = None,
    at: str = "",
) -> Decided:
    """Decide, as `load_entry_points` does, and load nothing."""
    force = in_force(group, policy, mode, environ=os.environ)
    entries = folders(path)
    moment = at or time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    deciding = Deciding(force, at=moment, folders=entries, cache=CodeCache.of_user(os.environ))
    found = [each for each in declared(group, entries) if name in (None, each.name)]
    return Decided(group, force.mode, [deciding.decide(each) for each in found])


def load(decision: Decision) -> Any:
    """
    The object that a decision is about.

    Errors:
        UntrustedImport: it may not be loaded, or is no longer what was decided upon. Whatever its own code raises.
    """
    if not decision.loads:
        raise UntrustedImport(_told(decision), name=decision.module, code=f"plugin.{decision.verdict.state}")
    if decision.guarded is not None:
        decision.guarded = GUARD.admit(decision.guarded)
        decision.beside = tuple(GUARD.admit(each) for each in decision.beside)
    checked = [decision.guarded, *decision.beside] if decision.guarded is not None else []
    refused_before = [len(each.findings) for each in checked]
    __import__(decision.module)
    loaded: Any = sys.modules[decision.module]
    for step in decision.attr.split(".") if decision.attr else ():
        loaded = getattr(loaded, step)
    for each in checked:
        each.keep_code()
    for each, before in zip(checked, refused_before, strict=True):
        if len(each.findings) > before:
            # Its code may have caught the error and gone on without a part of itself; we do not.
            raise UntrustedImport(f"{decision.name}: {each.findings[before].message}", name=decision.module)
    return loaded


def loaded_or_none(decision: Decision, *, quiet: bool = False) -> Any:
    """
    The object, or None where it is refused, which is warned of. For adapters: a plugin's own errors are raised.

    Args:
        quiet: Warn of nothing; whoever asks tells it in another way.
    """
    if not quiet:
        tell(decision)
    if not decision.loads:
        return None
    try:
        return load(decision)
    except UntrustedImport as exc:
        decision.loads = False
        if not quiet:
            warn(f"The plugin {decision.name!r} is refused: {exc}")
        return None


def tell(decision: Decision) -> None:
    """Warn of a plugin that is not trusted, unless nothing was asked; and of what a trusted one requires."""
    if decision.verdict:
        for each in decision.verdict.findings:
            if each.code in _OF_DEPENDENCIES:
                warn(f"The plugin {decision.name!r} of {decision.verdict.name} is loaded. {each.message}")
    elif not any(each.code == "trust.off" for each in decision.verdict.findings):
        warn(_told(decision))


def warn(message: str) -> None:
    """Tell it where the host asked for plugins."""
    import warnings  # where all is well, nobody needs it

    warnings.warn(message, UntrustedPlugin, stacklevel=_depth())


def _load(decision: Decision, result: Loaded) -> None:
    try:
        loaded = loaded_or_none(decision)
    except Exception as exc:  # noqa: BLE001  # a plugin's failure is not the host's
        result.failed.append(Failure(decision, exc))
        warn(f"The plugin {decision.name!r} ({decision.value}) failed to load: {exc!r}")
        return
    if decision.loads:
        result.loaded.append(Plugin(decision, loaded))
    else:
        result.refused.append(decision)


def _told(decision: Decision) -> str:
    verdict = decision.verdict
    done = "loaded all the same" if decision.loads else "refused"
    return (
        f"The plugin {decision.name!r} of {verdict.name} {verdict.version} is {done} ({verdict.state}). {decision.why}"
    )


def _depth() -> int:
    """How many frames lie between the warning and whoever called into this package."""
    depth, frame = 1, sys._getframe(1)
    while frame.f_back is not None and frame.f_globals.get("__name__", "").startswith("otumat.trust"):
        frame, depth = frame.f_back, depth + 1
    return depth
