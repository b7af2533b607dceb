"""`otumat classifiers` and `otumat info`."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from otumat.cli.connection import transport
from otumat.cli.console import BOLD, printable, size_text
from otumat.cli.credentials import for_reading
from otumat.discover import classifiers as listing
from otumat.discover.project import find_project
from otumat.errors import NotFound, OtumatError

if TYPE_CHECKING:
    import argparse

    from otumat.cli.console import Console
    from otumat.discover.classifiers import ClassifierList
    from otumat.discover.project import ProjectFile, ProjectInfo
    from otumat.settings import Settings


def classifiers(options: argparse.Namespace, settings: Settings, console: Console) -> int:
    """The list, from the index where there is one."""
    text = " ".join(options.text)
    found = _list(options, settings, console).having(text)
    if text and not found.classifiers:
        raise NotFound(
            f"No classifier of {found.source} contains {text!r}.",
            code="classifier.none",
            hint="Try fewer or shorter words; 'otumat classifiers' lists them all.",
        )
    if console.as_json:
        console.show_json({"source": found.source, "classifiers": list(found.classifiers)})
        return 0
    count = len(found.classifiers)
    console.note(f"{count} classifier{'s' if count != 1 else ''} from {printable(found.source)}:")
    for classifier in found.classifiers:
        console.show(printable(classifier))
    return 0


def info(options: argparse.Namespace, settings: Settings, console: Console) -> int:
    """One project, as the index describes it."""
    index = settings.find_index(options.index)
    by = for_reading(settings, index)
    found = find_project(options.name, version=options.version, on=index, by=by, over=transport())
    if console.as_json:
        links = [{"label": label, "address": address} for label, address in found.links]
        console.show_json(asdict(found) | {"links": links})
        return 0
    console.show(f"{console.style(printable(found.name), BOLD)} {printable(found.version)}")
    if found.summary:
        console.show(printable(found.summary))
    console.show()
    console.show_table(_rows(found))
    return 0


def _list(options: argparse.Namespace, settings: Settings, console: Console) -> ClassifierList:
    """A list that is perhaps older beats none; which one it is, is told."""
    if not (options.index or settings.index):
        console.note("No index is set (--index or OTUMAT_INDEX); this is the list that is installed here.")
        return listing.listed_offline()
    index = settings.find_index(options.index)
    try:
        return listing.listed_by(index, over=transport())
    except OtumatError as exc:
        console.note(f"{printable(str(exc))} This is the list that is installed here.")
        return listing.listed_offline()


def _rows(found: ProjectInfo) -> list[tuple[str, list[str]]]:
    return [
        ("author", [found.author]),
        ("license", [found.license.partition("\n")[0]]),
        ("python", [found.requires_python]),
        ("links", [f"{label}: {address}" for label, address in found.links]),
        ("classifiers", list(found.classifiers)),
        ("requires", list(found.requires)),
        ("files", [_file_line(file) for file in found.files]),
    ]


def _file_line(file: ProjectFile) -> str:
    parts = [file.filename, size_text(file.size_bytes) if file.size_bytes else "", file.uploaded[:10]]
    return "  ".join(part for part in [*parts, "yanked" if file.yanked else ""] if part)
