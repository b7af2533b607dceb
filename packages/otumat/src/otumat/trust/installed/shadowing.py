"""
Whether an import would find the signed module, or something that lies earlier on the path.

Folders are looked into as Python's own finder does; a zip on the path is asked for its names. Nothing is imported.
"""

from __future__ import annotations

import os
import sys

from otumat.spec.vouching.verdict import SHADOWED, Finding
from otumat.trust.installed.observing import SUFFIXES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from otumat.spec.statement import Statement
    from otumat.trust.installed.places import Places


def shadows(statement: Statement, places: Places, path: Iterable[str]) -> list[Finding]:
    """
    What lies before the site folder on the path and would be imported in place of what was signed.

    Args:
        path: Absolute folders and zips, in order, as `sys.path` has them.
    """
    units = _units(places.site_path(file.path, statement.dist_info) for file in statement.files)
    found = []
    for unit in sorted(units):
        top = unit.partition("/")[0]
        if top in sys.builtin_module_names:
            told = f"{top} is built into Python, which finds that first."
            found.append(Finding(SHADOWED, "module.shadowed", told, path=unit))
    for entry in _before(path, places.site):
        for unit in sorted(units):
            if hidden_by := _hiding(entry, unit):
                told = f"{unit} would be imported from {entry!r} instead: {hidden_by} lies earlier on the path."
                found.append(Finding(SHADOWED, "module.shadowed", told, path=f"{entry}/{hidden_by}"))
    return found


def _before(path: Iterable[str], site: str) -> list[str]:
    entries: list[str] = []
    for entry in path:
        if os.path.realpath(entry) == os.path.realpath(site):
            return entries
        entries.append(entry)
    return []  # not on the path at all: nothing is imported from there, so nothing is hidden


def _units(paths: Iterable[str]) -> set[str]:
    """Modules and packages, the uppermost of each: what an import looks for on the path."""
    modules = {path for path in paths if path.endswith(SUFFIXES)}
    packages = {path.rpartition("/")[0] for path in modules if path.rpartition("/")[2].partition(".")[0] == "__init__"}
    units = set()
    for path in modules:
        parts = path.split("/")
        parents = ["/".join(parts[: count + 1]) for count in range(len(parts) - 1)]
        package = next((parent for parent in parents if parent in packages), None)
        units.add(package or "/".join([*parts[:-1], parts[-1].partition(".")[0]]))
    return {unit for unit in units if ".dist-info" not in unit}


def _hiding(entry: str, unit: str) -> str:
    """The name below this entry that an import of the unit would find; empty when there is none."""
    parts = unit.split("/")
    for count in range(1, len(parts) + 1):
        part = "/".join(parts[:count])
        for suffix in SUFFIXES:
            for name in (f"{part}/__init__{suffix}", f"{part}{suffix}"):
                if _is_there(entry, name):
                    return name
    return ""


def _is_there(entry: str, name: str) -> bool:
    if os.path.isfile(entry):
        return name in _names_in_zip(entry)
    return os.path.isfile(os.path.join(entry, name))


def _names_in_zip(path: str) -> frozenset[str]:
    import zlib
    from zipfile import BadZipFile, ZipFile

    try:
        with ZipFile(path) as archive:
            return frozenset(archive.namelist())
    except (BadZipFile, OSError, ValueError, zlib.error):
        return frozenset()
