"""Which release of a package runs, without `importlib.metadata`, which would cost a host 10 ms."""

from __future__ import annotations

import os
import sys

from otumat.usage.places import key

_RELEASE = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._+!-")


def release_of(package: str, *, project: str = "", manifest: object = None) -> str:
    """
    The release by the folder that installers put beside the package, else by `__version__`; "" when neither tells.

    Args:
        package: As the agent was told: the name of the import, or of the project.
        project: As the manifest says, where that differs, as of `yaml`, which `pyyaml` installs.
        manifest: Its path, where the agent was told.
    """
    try:
        release = _release(package, project or package, manifest)
    except Exception:  # noqa: BLE001 - whatever a host's module does when it is asked
        return ""
    if isinstance(release, str) and 0 < len(release) <= 64 and _RELEASE.issuperset(release) and release[0].isalnum():
        return release
    return ""


def _release(package: str, project: str, manifest: object) -> object:
    inside = os.path.dirname(os.fspath(manifest)) if isinstance(manifest, (str, os.PathLike)) else ""
    module = _module(package) or _module(os.path.basename(inside))
    file = getattr(module, "__file__", None)
    names = (key(project), key(package))
    if isinstance(file, str):
        return _installed(names, [os.path.dirname(os.path.dirname(file))]) or getattr(module, "__version__", "")
    return _installed(names, sys.path) or getattr(module, "__version__", "")


def _module(name: str) -> object:
    return sys.modules.get(name.partition(".")[0]) or sys.modules.get(name)


def _installed(names: tuple[str, ...], folders: list[str]) -> str:
    """By the first name that is installed there."""
    found: dict[str, str] = {}
    for name in (name for folder in folders if folder for name in _listed(folder) if name.endswith(".dist-info")):
        project, dash, release = name.removesuffix(".dist-info").partition("-")
        if dash:
            found.setdefault(key(project), release)
    return next((found[name] for name in names if name in found), "")


def _listed(folder: str) -> list[str]:
    try:
        return os.listdir(folder)
    except OSError:
        return []


def is_here(package: str) -> bool:
    """Whether a package is installed, or could be imported; not on any host's path either."""
    from importlib.util import find_spec

    name = package.partition(".")[0]
    return bool(installed_release(package)) or (name.isidentifier() and find_spec(name) is not None)


def installed_release(package: str) -> str:
    """The same for a package that is not imported; not on any host's path, so it may take its time."""
    from importlib.metadata import PackageNotFoundError, packages_distributions, version

    for name in (package, *packages_distributions().get(package, ())):
        try:
            return version(name)
        except (PackageNotFoundError, ValueError):
            continue
    return ""
