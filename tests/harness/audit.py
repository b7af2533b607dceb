"""Does the catalogue agree with the files, the journal and what installers are shown?"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from harness.databases import Embedded
from harness.server import Index
from harness.waiting import until

MADE_ANEW = ("cache/", "search/")


def snapshot(index: Index) -> dict[str, object]:
    """
    Everything an index keeps: every row of every table, every file of the data folder but logs and what it can make
    anew from the rest (caches, the search index).

    Two equal snapshots mean that nothing was written in between. What follows earlier changes (mail) is waited for.
    """
    until(lambda: is_quiet(index))
    events = Embedded(index.data / "events.sqlite3", {})
    bases = {"table": index.catalogue, **({"events": events} if events.path.exists() else {})}
    rows = {
        f"{kind} {name}": sorted(map(repr, base.rows(f'SELECT * FROM "{name}"')))
        for kind, base in bases.items()
        for name in base.tables()
    }
    return {**rows, **{f"file {path}": digest for path, digest in tree(index.data).items()}}


def changed(before: dict[str, object], after: dict[str, object]) -> dict[str, tuple[object, object]]:
    """What is not the same in two snapshots, as (before, after)."""
    names = sorted({*before, *after})
    return {name: (before.get(name), after.get(name)) for name in names if before.get(name) != after.get(name)}


def is_quiet(index: Index) -> bool:
    """Whether everything in the journal was followed, and all mail of it sent."""
    head = index.catalogue.rows("SELECT coalesce(max(serial), 0) FROM journal_head")[0][0]
    behind = index.catalogue.rows(f"SELECT count(*) FROM jobs_cursor WHERE serial < {head:d}")[0][0]
    waiting = index.catalogue.rows("SELECT count(*) FROM jobs_mail WHERE state IN ('queued', 'sending')")[0][0]
    return not behind and not waiting


def tree(data: Path) -> dict[str, str]:
    """sha256 by path of what lies in the data folder; databases are looked at by their rows instead."""
    kept = {str(path.relative_to(data)): content for path, content in contents(data) if ".sqlite3" not in path.name}
    return {
        name: hashlib.sha256(content).hexdigest() for name, content in kept.items() if not name.startswith(MADE_ANEW)
    }


def contents(folder: Path) -> Iterator[tuple[Path, bytes]]:
    """Every file below a folder in which somebody is at work: what is gone when its turn comes is not there."""
    for place, _, names in os.walk(folder):
        for path in (Path(place, name) for name in names):
            with suppress(FileNotFoundError):
                if path.is_file():  # and no socket
                    yield path, path.read_bytes()


def sha256_of(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def check_journal(index: Index) -> None:
    """Serials are 1, 2, 3, … up to the head."""
    serials = [serial for (serial,) in index.catalogue.rows("SELECT serial FROM journal_entry ORDER BY serial")]
    assert serials == list(range(1, len(serials) + 1))
    assert index.catalogue.rows("SELECT serial FROM journal_head") == [(len(serials),)]


def check_rows(index: Index) -> dict[str, tuple[str, str]]:
    """
    Each file has one row, one used name and one line in the journal.

    Returns:
        (key, sha256) by filename.
    """
    rows = index.catalogue.rows("SELECT filename, key, sha256 FROM publish_file")
    files = {filename: (key, sha256) for filename, key, sha256 in rows}
    published = [
        subject
        for (subject,) in index.catalogue.rows("SELECT subject FROM journal_entry WHERE action = 'file.publish'")
    ]
    assert sorted(published) == sorted(files)
    assert index.catalogue.rows("SELECT count(*) FROM publish_usedname") == [(len(files),)]
    return files


def check_local_files(index: Index, files: dict[str, tuple[str, str]]) -> None:
    """Every row has its bytes, every file has its row, and nothing is on its way."""
    root = index.data / "files"
    lying = {
        str(path.relative_to(root)).replace("~", "/"): sha256_of(path) for path in root.rglob("*") if path.is_file()
    }
    assert lying == dict(files.values())
    assert [path for path in (index.data / "incoming").glob("*") if path.is_file()] == []


def check_shown(index: Index, files: dict[str, tuple[str, str]]) -> None:
    """Installers are shown exactly the rows, with their digests."""
    normal = index.catalogue.rows("SELECT normalized FROM publish_project")
    shown = [
        (name, file["hashes"]["sha256"]) for (project,) in normal for name, file in index.files_of(project).items()
    ]
    assert sorted(shown) == sorted((name, sha256) for name, (_, sha256) in files.items())
