"""
stevedore: its managers, loading only as the policies in force allow.

    from otumat.trust.stevedore import ExtensionManager

    manager = ExtensionManager("acme.plugins", policy="/etc/acme/trust.json", invoke_on_load=True)
    manager.refused        # what was not loaded, and why

Its cache of entry points, a file that says what to import, is neither read nor written. For a manager of your own:
`class Mine(Verified, stevedore.enabled.EnabledExtensionManager)`.
"""

from __future__ import annotations

import importlib.metadata
from typing import TYPE_CHECKING, Any

import stevedore
from stevedore import enabled, named

from otumat.trust.enforce import loading

if TYPE_CHECKING:
    import os

    from otumat.trust.enforce.deciding import Decision
    from otumat.trust.policy import Policy


class VerifiedEntryPoint(importlib.metadata.EntryPoint):
    """An entry point whose `load()` runs what was checked."""

    decision: Decision

    @classmethod
    def of(cls, decision: Decision) -> VerifiedEntryPoint:
        made = cls(decision.name, decision.value, decision.group)
        vars(made)["decision"] = decision
        return made

    def load(self) -> Any:
        return loading.load(self.decision)


class Verified:
    """
    Goes before a manager of stevedore's: entry points are found and decided upon by us.

    Args:
        policy, mode: As for `otumat.trust.load_entry_points`.

    Attributes:
        refused: The decisions on what may not be loaded; each is warned of as well.
    """

    namespace: str

    def __init__(
        self, *words: Any, policy: Policy | str | os.PathLike[str] | None = None, mode: str | None = None, **more: Any
    ) -> None:
        self.refused: list[Decision] = []
        self._policy, self._mode = policy, mode
        self._found: list[VerifiedEntryPoint] | None = None
        super().__init__(*words, **more)

    def list_entry_points(self) -> list[Any]:
        """Those that may be loaded."""
        if self._found is None:
            decided = [*loading.decide_entry_points(self.namespace, self._policy, mode=self._mode)]
            self.refused = [each for each in decided if not each.loads]
            for each in decided:
                if not each.verdict:
                    loading.tell(each)
            self._found = [VerifiedEntryPoint.of(each) for each in decided if each.loads]
        return self._found


class ExtensionManager(Verified, stevedore.ExtensionManager[Any]):
    """All of a namespace."""


class NamedExtensionManager(Verified, named.NamedExtensionManager[Any]):
    """Those of the given names."""


class EnabledExtensionManager(Verified, enabled.EnabledExtensionManager[Any]):
    """Those that a function lets in."""


class HookManager(Verified, stevedore.HookManager[Any]):
    """All of one name."""


class DriverManager(Verified, stevedore.DriverManager[Any]):
    """The one of that name."""


__all__ = [
    "DriverManager",
    "EnabledExtensionManager",
    "ExtensionManager",
    "HookManager",
    "NamedExtensionManager",
    "Verified",
    "VerifiedEntryPoint",
]
