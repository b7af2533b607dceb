"""Which release of a package runs, without `importlib.metadata`, which would cost a host 10 ms."""

from __future__ import annotations

import os
import sys

from otumat.usage.places import key

_RELEASE = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._+!-")


def release_of(package: str) -> str:
    """
    The release by the folder that installers put beside the package, else by `__version__`; "" when neither tells.
    """
    module = sys.modules.get(package.partition(".")[0]) or sys.modules.get(package)
    release = _installed(package, getattr(module, "__file__", None)) or getattr(module, "__version__", "")
    known = isinstance(release, str) and 0 < len(release) <= 64 and _RELEASE.issuperset(release)
    return release if known and release[0].isalnum() else ""


def _installed(package: str, file: object) -> str:
    if not isinstance(file, str):
        return ""
    try:
        names = os.listdir(os.path.dirname(os.path.dirname(file)))
    except OSError:
        return ""
    for name in names:
        stem, dot, _ = name.rpartition(".dist-info")
        project, dash, release = stem.partition("-")
        if dot and dash and key(project) == key(package):
            return release
    return ""


def installed_release(package: str) -> str:
    """The same for a package that is not imported; not on any host's path, so it may take its time."""
    from importlib.metadata import PackageNotFoundError, packages_distributions, version

    for name in (package, *packages_distributions().get(package, ())):
        try:
            return version(name)
        except (PackageNotFoundError, ValueError):
            continue
    return ""
