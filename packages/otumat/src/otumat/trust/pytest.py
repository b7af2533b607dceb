"""
pytest: plugins of third parties are checked before they are loaded, with `-p otumat.trust.pytest`.

On the command line or as `addopts = -p otumat.trust.pytest` in the configuration, pytest imports this module before it
looks for entry points, and from then on its plugins of the group `pytest11` are loaded as the policies in force allow.

What runs before that, unchecked: Python's own start (`.pth`, `sitecustomize`), pytest with what it is built of, and
whatever plugins the command line names with `-p` before this one. No entry points, so not checked at all: modules named
by `-p` or PYTEST_PLUGINS, and conftest files, which belong to the tests. And whoever may write the command line or
PYTEST_ADDOPTS can leave this out (`-p no:otumat.trust.pytest`).

Assertions inside plugins that are loaded so are not rewritten: they run as they were signed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from otumat.trust.pluggy import load_setuptools_entrypoints

if TYPE_CHECKING:
    from otumat.trust.enforce.deciding import Decision

GROUP = "pytest11"
REFUSED = pytest.StashKey[list["Decision"]]()
_own_way: dict[pytest.PytestPluginManager, list[Decision]] = {}


def pytest_plugin_registered(plugin: object, manager: pytest.PytestPluginManager) -> None:
    """Take over as soon as we are told which manager we are in: right after our own import."""
    if manager not in _own_way:
        _own_way[manager] = []
        manager.load_setuptools_entrypoints = _Loading(manager)  # type: ignore[method-assign]


class _Loading:
    """In place of the manager's method of that name. It warns of nothing: pytest may take warnings for errors."""

    def __init__(self, manager: pytest.PytestPluginManager) -> None:
        self.manager = manager

    def __call__(self, group: str, name: str | None = None) -> int:
        count, refused = load_setuptools_entrypoints(self.manager, group, name, quiet=True)
        _own_way[self.manager] += refused
        if name is not None and refused:
            # pytest would go on and import a module of that name.
            raise pytest.UsageError(f"-p {name}: {refused[0].why}")
        return count


def pytest_configure(config: pytest.Config) -> None:
    config.stash[REFUSED] = _own_way.get(config.pluginmanager, [])


def pytest_report_header(config: pytest.Config) -> list[str]:
    """Which plugins are missing, where a person looks for them."""
    return [f"otumat: refused {each.name} ({each.verdict.state}): {each.why}" for each in config.stash[REFUSED]]
