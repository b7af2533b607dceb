"""
Entry points as they are declared, read from the folders of a path like `sys.path`: nothing is imported, and no finder
is asked, for a finder is code too. What only such code could find is not found here, and so not loaded.
"""

from __future__ import annotations

import os

from otumat.errors import OtumatError
from otumat.spec.spelling import normalize
from otumat.spec.statement import Malformed, texts
from otumat.spec.vouching.verdict import ERROR, SHADOWED, UNVERIFIABLE, Finding
from otumat.trust import tree
from otumat.trust.installed.finding import Installed, folders

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_FILE = "entry_points.txt"
_KINDS = (".dist-info", ".egg-info")


class Declared:
    """
    One entry point.

    Attributes:
        group, name, value: As the file has them; name and value are empty where the file cannot be read.
        installed: The distribution; None for what is in a zip or an egg.
        others: Distributions of the same name that this one hides.
        distribution, location: What it is called, and where it lies.
        finding: What speaks against it without looking any further.
    """

    __slots__ = ("distribution", "finding", "group", "installed", "location", "name", "others", "value")

    def __init__(
        self,
        group: str,
        name: str,
        value: str,
        *,
        installed: Installed | None = None,
        others: Iterable[Installed] = (),
        distribution: str = "",
        location: str = "",
        finding: Finding | None = None,
    ) -> None:
        self.group, self.name, self.value, self.finding = group, name, value, finding
        self.installed, self.others = installed, tuple(others)
        self.distribution = installed.name if installed else distribution
        self.location = installed.path if installed else location


def declared(group: str, path: Iterable[str] | None = None) -> Iterator[Declared]:
    """
    Everything that the distributions of a path declare in a group, in the order of the path.

    Args:
        path: Folders as in `sys.path`, which is the default.
    """
    entries = folders(path)
    by_project: dict[str, list[tuple[str, str]]] = {}
    for site, folder in _dist_infos(entries):
        by_project.setdefault(_project(folder), []).append((site, folder))
    for places in by_project.values():
        for place in places:
            yield from _of_folder(group, place, places)
    for entry in entries:
        yield from _of_egg(group, entry)


def _dist_infos(entries: list[str]) -> Iterator[tuple[str, str]]:
    for site in entries:
        try:
            yield from ((site, name) for name in sorted(os.listdir(site)) if name.endswith(_KINDS))
        except OSError:
            continue


def _project(folder: str) -> str:
    return normalize(folder.rpartition(".")[0].partition("-")[0])


def _of_folder(group: str, place: tuple[str, str], places: list[tuple[str, str]]) -> Iterator[Declared]:
    """What one of the folders of a project declares; `places` are all of them, of which the first counts."""
    site, folder = place
    data, finding = _read(f"{site}/{folder}/{_FILE}")
    if finding is None and group.encode() not in data:
        return
    if place != places[0]:
        if places[0][0] == site:
            return  # two in one place: the first one's verdict tells of both
        told = f"{'/'.join(places[0])} lies earlier on the path and is the one that counts."
        finding = finding or Finding(SHADOWED, "distribution.hidden", told)
    installed, others = Installed(site, folder), [Installed(*each) for each in places if each != place]
    for name, value, unclear in [("", "", finding)] if finding and not data else _lines(group, data):
        yield Declared(group, name, value, installed=installed, others=others, finding=finding or unclear)


def _lines(group: str, data: bytes) -> Iterator[tuple[str, str, Finding | None]]:
    try:
        for point in texts.entry_points(data):
            if point.group == group:
                yield point.name, point.value, None
    except Malformed as exc:
        yield "", "", Finding(ERROR, "entry.malformed", f"What it declares cannot be read: {exc}.", path=_FILE)


def _read(path: str) -> tuple[bytes, Finding | None]:
    try:
        found = tree.look_at(path)
        if found is None:
            return b"", None
        if found.kind == tree.FILE and found.size_bytes <= texts.MAX_TEXT_BYTES:
            return tree.read(path, found.size_bytes), None
        told = "is no file, or too large"
    except (OSError, OtumatError) as exc:
        told = f"cannot be read: {exc}"
    return b"", Finding(ERROR, "entry.unreadable", f"{path} {told}.", path=path)


def _of_egg(group: str, entry: str) -> Iterator[Declared]:
    """What a zip or an egg on the path declares: never to be loaded, and never passed over in silence."""
    name = os.path.basename(entry).partition("-")[0]
    if os.path.isdir(entry):
        told, code = "It is an egg: no list says what belongs to it.", "distribution.egg"
        contents = [_read(f"{entry}/EGG-INFO/{_FILE}")[0]]
    elif os.path.isfile(entry):
        told, code = "It is in a zip file, where nothing is checked.", "distribution.zipped"
        contents = _in_zip(entry)
    else:
        return
    finding = Finding(UNVERIFIABLE, code, told, hint="Install it from a signed wheel.")
    for data in contents:
        for point, value, unclear in _lines(group, data):
            yield Declared(group, point, value, distribution=name, location=entry, finding=unclear or finding)


def _in_zip(path: str) -> list[bytes]:
    import zlib
    from zipfile import BadZipFile, ZipFile

    found = []
    try:
        with ZipFile(path) as archive:
            for each in archive.infolist():
                folder, _, name = each.filename.rpartition("/")
                inside = folder == "EGG-INFO" or ("/" not in folder and folder.endswith(_KINDS))
                if name == _FILE and inside and each.file_size <= texts.MAX_TEXT_BYTES:
                    with archive.open(each) as file:
                        found.append(file.read(texts.MAX_TEXT_BYTES))
    except (BadZipFile, OSError, ValueError, RuntimeError, NotImplementedError, EOFError, zlib.error):
        pass  # nothing can be imported from it either
    return found
