"""
pluggy: a plugin manager that loads entry points only as the policies in force allow.

    from otumat.trust.pluggy import PluginManager

    manager = PluginManager("acme", policy="/etc/acme/trust.json")
    manager.load_setuptools_entrypoints("acme.plugins")
    manager.refused        # what was not loaded, and why

`load_setuptools_entrypoints` below does the same for a manager that is there already.
"""

from __future__ import annotations

import importlib
import importlib.metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pluggy

from otumat.trust.enforce import loading

if TYPE_CHECKING:
    import os

    from otumat.trust.enforce.deciding import Decision
    from otumat.trust.policy import Policy


class PluginManager(pluggy.PluginManager):
    """
    pluggy's own, but for where its plugins come from.

    Args:
        policy, mode: As for `otumat.trust.load_entry_points`.

    Attributes:
        refused: The decisions on what was not loaded; each is warned of as well.
    """

    def __init__(
        self, project_name: str, *, policy: Policy | str | os.PathLike[str] | None = None, mode: str | None = None
    ) -> None:
        super().__init__(project_name)
        self.refused: list[Decision] = []
        self._policy, self._mode = policy, mode

    def load_setuptools_entrypoints(self, group: str, name: str | None = None) -> int:
        """Load what is trusted, and return how many that were. A plugin's own errors are raised, as pluggy does."""
        count, refused = load_setuptools_entrypoints(self, group, name, policy=self._policy, mode=self._mode)
        self.refused += refused
        return count


def load_setuptools_entrypoints(
    manager: pluggy.PluginManager,
    group: str,
    name: str | None = None,
    *,
    policy: Policy | str | os.PathLike[str] | None = None,
    mode: str | None = None,
    quiet: bool = False,
) -> tuple[int, list[Decision]]:
    """
    What the method of that name does, as the policies in force allow; with `quiet`, nothing is warned of.

    Returns:
        How many plugins were registered, and the decisions on those that were refused.
    """
    count, refused = 0, []
    for decision in loading.decide_entry_points(group, policy, mode=mode, name=name):
        if manager.get_plugin(decision.name) or manager.is_blocked(decision.name):
            continue
        plugin = loading.loaded_or_none(decision, quiet=quiet)
        if plugin is None:
            refused.append(decision)
            continue
        manager.register(plugin, name=decision.name)
        _note_origin(manager, plugin, decision)
        count += 1
    return count, refused


def _note_origin(manager: pluggy.PluginManager, plugin: Any, decision: Decision) -> None:
    """For `list_plugin_distinfo`: pluggy 1.7 keeps distributions there, older ones keep them wrapped."""
    dist: Any = importlib.metadata.Distribution.at(Path(decision.verdict.location))
    if not hasattr(manager, "list_plugin_distributions"):
        dist = vars(importlib.import_module("pluggy._manager"))["DistFacade"](dist)
    manager._plugin_distinfo.append((plugin, dist))
