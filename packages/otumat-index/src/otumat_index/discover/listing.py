"""
The list of all projects, `/simple/`: built beside the requests, never inside one when it is long.

Each build is five files named by the journal's serial: JSON and HTML, plain and gzip, and names with their serials for
mirrors' XML-RPC, gzip alone. The newest two builds are kept.
"""

from __future__ import annotations

import gzip
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from django.conf import settings
from django.db.models import Max

from otumat.spec import simple
from otumat_index.discover import queries
from otumat_index.discover.mirrors import values
from otumat_index.journal import queries as journal
from otumat_index.journal.models import Entry
from otumat_index.publish.models import Project
from otumat_index.web.packing import compressed

# Below this, rendering inside a request is quicker than explaining why the list is a second old.
LONG_PROJECTS = 5_000
HIDING = "project.visibility"
"""The change that may take a name off the list."""
ENTRIES = {
    "html": re.compile(rb'<a href="([^"]+)/">[^<]*</a><br>\n'),
    "json": re.compile(rb'\{"name":"([^"]+)"[^}]*\},?'),
    "xml": re.compile(rb"<member><name>([^<]+)</name>.*</member>\n"),
}
"""One project in each form, and its name."""
TYPES = {"json": simple.JSON, "html": "text/html; charset=utf-8"}


@dataclass(frozen=True, slots=True)
class Build:
    """One finished build."""

    serial: int
    folder: Path

    def file(self, form: str, *, packed: bool = False) -> Path:
        return self.folder / f"{self.serial}.{form}{'.gz' if packed else ''}"


@dataclass(frozen=True)
class Listed:
    """All public projects: their normalised names in order, as they were at a serial of the journal or later."""

    serial: int
    names: list[str]

    @cached_property
    def serials(self) -> dict[str, int]:
        """Newest serial of each, read when first wanted: it takes longer than the names."""
        return all_serials()

    def pairs(self) -> Iterator[tuple[str, int]]:
        """Names with their serials."""
        return ((name, self.serials.get(name, 0)) for name in self.names)


def folder() -> Path:
    return settings.CONFIG.data / "cache" / "list"


def newest() -> Build | None:
    """The newest finished build, if there is any."""
    serials = finished(folder())
    return Build(serials[-1], folder()) if serials else None


def finished(folder: Path) -> list[int]:
    """Serials of all finished builds, in order. Names of files still being written begin with `new`."""
    begins = (path.name.partition(".")[0] for path in folder.glob("*.html.gz"))
    return sorted(int(serial) for serial in begins if serial.isdigit())


def read(serial: int) -> Listed:
    """
    The names of all public projects as they are now.

    Args:
        serial: The journal's, read before: the list is at least as new as it says.
    """
    return Listed(serial, list(queries.public_names()))


def all_serials() -> dict[str, int]:
    """Newest serial of every project, in one pass over the journal's index."""
    return dict(Entry.objects.exclude(topic="").values_list("topic").annotate(newest=Max("serial")))


def render(form: str, listed: Listed) -> bytes:
    """The list for installers."""
    if form == "html":
        return simple.render_list_html(listed.names)
    return simple.render_list_json(listed.names, last_serial=listed.serial, serials=listed.serials)


def build() -> Build:
    """Write a new build; the HTML's gzip file comes last, so a build that has it is whole."""
    listed = read(journal.last_serial())
    made = Build(listed.serial, folder())
    made.folder.mkdir(parents=True, exist_ok=True)
    write(made.file("xml", packed=True), compressed(values.serials(listed.pairs())))
    for form in ("json", "html"):
        body = render(form, listed)
        write(made.file(form), [body])
        write(made.file(form, packed=True), [gzip.compress(body, 6, mtime=0)])
    discard_others(made)
    return made


def hidden_since(serial: int) -> frozenset[str]:
    """Names that a build of this serial may tell though their projects are private by now."""
    changed = journal.newest_since(serial, HIDING)
    return frozenset(
        Project.objects.filter(normalized__in=changed, is_private=True).values_list("normalized", flat=True)
    )


def without(hidden: frozenset[str], form: str, body: bytes) -> bytes:
    """
    A built list without some names, until the next build has none of them.

    >>> without(frozenset({"b"}), "json", b'{"projects":[{"name":"a"},{"name":"b","_last-serial":7}]}')
    b'{"projects":[{"name":"a"}]}'
    """
    cut = {name.encode() for name in hidden}
    left = ENTRIES[form].sub(lambda found: b"" if found[1] in cut else found[0], body)
    return left.replace(b",]}", b"]}") if form == "json" else left


def discard_others(made: Build) -> None:
    """Leave this build and the one before, which a worker may be sending. Higher serials are another database's."""
    kept = [str(serial) for serial in finished(made.folder) if serial <= made.serial][-2:]
    for path in made.folder.iterdir():
        if path.name.partition(".")[0] not in kept:
            path.unlink(missing_ok=True)


def write(path: Path, pieces: Iterable[bytes]) -> None:
    unfinished = path.with_name(f"new.{path.name}")
    with unfinished.open("wb") as file:
        file.writelines(pieces)
    os.replace(unfinished, path)


def is_long() -> bool:
    """Whether rendering inside a request would take too long."""
    return Project.objects.filter(is_private=False)[LONG_PROJECTS : LONG_PROJECTS + 1].exists()
