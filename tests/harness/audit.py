"""Does the catalogue agree with the files, the journal and what installers are shown?"""

from __future__ import annotations

import hashlib
import time
from pathlib import Path

from harness.server import Index


def snapshot(index: Index) -> dict[str, object]:
    """
    Everything an index keeps: every row of every table, every file of the data folder but caches and logs.

    Two equal snapshots mean that nothing was written in between. What follows earlier changes (mail) is waited for.
    """
    deadline = time.monotonic() + 40
    while not is_quiet(index) and time.monotonic() < deadline:
        time.sleep(0.1)
    tables = {
        f"table {name}": sorted(map(repr, index.catalogue.rows(f'SELECT * FROM "{name}"')))
        for name in index.catalogue.tables()
    }
    return {**tables, **{f"file {path}": digest for path, digest in tree(index.data).items()}}


def is_quiet(index: Index) -> bool:
    """Whether everything in the journal was followed, and all mail of it sent."""
    head = index.catalogue.rows("SELECT coalesce(max(serial), 0) FROM journal_head")[0][0]
    behind = index.catalogue.rows(f"SELECT count(*) FROM jobs_cursor WHERE serial < {head:d}")[0][0]
    waiting = index.catalogue.rows("SELECT count(*) FROM jobs_mail WHERE state IN ('queued', 'sending')")[0][0]
    return not behind and not waiting


def tree(data: Path) -> dict[str, str]:
    """sha256 by path of what lies in the data folder; the database is looked at by its rows instead."""
    paths = (path for path in data.rglob("*") if path.is_file())
    shown = {str(path.relative_to(data)): path for path in paths if not path.name.startswith("index.sqlite3")}
    return {name: sha256_of(path) for name, path in shown.items() if not name.startswith("cache/")}


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
