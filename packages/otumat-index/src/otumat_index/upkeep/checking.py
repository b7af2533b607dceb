"""Whether everything that the catalogue names is there and whole; nothing is changed."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing

from django.db import connections
from django.db.migrations.executor import MigrationExecutor

from otumat.errors import Problem
from otumat_index.config import Config
from otumat_index.publish import files, queries
from otumat_index.upkeep.dumps import Sqlite, databases_of
from otumat_index.upkeep.kept import Kept

MOST_NAMED = 20


def check(config: Config, *, reads_all: bool, progress: Callable[[float], object] = lambda _: None) -> list[Problem]:
    """
    Look at databases, then at their shape, then at files: at each only if all before is well.

    Args:
        reads_all: Compare the SHA-256 of every file; else only its size.
        progress: Told after each file which part is done.
    """
    return list(database_problems(config)) or list(shape_problems()) or list(file_problems(reads_all, progress))


def database_problems(config: Config) -> Iterator[Problem]:
    for name, database in databases_of(config).items():
        if not isinstance(database, Sqlite):
            continue
        if not database.path.exists():
            yield Problem("database.missing", name, f"There is no {database.path}.", hint="Restore a backup.")
            continue
        for told in said_of(database):
            if told != "ok":
                hint = "Stop the index and restore a backup."
                yield Problem("database.damaged", name, f"{database.path.name}: {told}.", hint=hint)


def said_of(database: Sqlite) -> list[str]:
    """What SQLite says of a file, `ok` or up to 20 faults."""
    try:
        with closing(sqlite3.connect(f"{database.path.absolute().as_uri()}?mode=ro", uri=True, timeout=60)) as opened:
            return [told for (told,) in opened.execute("PRAGMA quick_check(20)").fetchall()]
    except sqlite3.DatabaseError as exc:
        return [str(exc)]


def shape_problems() -> Iterator[Problem]:
    for alias in connections:
        executor = MigrationExecutor(connections[alias])
        plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
        if plan:
            hint = "`otumat-index serve` brings it up to date."
            yield Problem("database.old", alias, f"{len(plan)} changes of its shape are to be made.", hint=hint)


def file_problems(reads_all: bool, progress: Callable[[float], object]) -> Iterator[Problem]:
    named = [Kept(*row) for row in queries.stored_files()]
    total, done = sum(each.size_bytes for each in named), 0
    for each in named:
        why = fault(each, reads_all)
        if why and queries.file_key_is_known(each.key):  # it was not removed meanwhile
            yield Problem("file.damaged", each.key, f"{each.key} {why}.", hint="Put it back from a backup.")
        done += each.size_bytes
        progress(done / total if total else 1)
    yield from strays({each.key for each in named})


def fault(each: Kept, reads_all: bool) -> str:
    """What is wrong with a file; "" if nothing is."""
    try:
        size = files.store().size_bytes(each.key)
        digest = digest_of(each.key) if reads_all and size == each.size_bytes else each.sha256
    except FileNotFoundError:
        return "is not in the store"
    except OSError as exc:
        return f"cannot be read: {exc}"
    if size != each.size_bytes:
        return f"has {size} bytes, not {each.size_bytes}"
    return "" if digest == each.sha256 else "has other bytes than were published"


def digest_of(key: str) -> str:
    digest = hashlib.sha256()
    for chunk in files.store().chunks(key):
        digest.update(chunk)
    return digest.hexdigest()


def strays(named: set[str]) -> Iterator[Problem]:
    """Files in the folder that no row names, and that no upload under way has marked; they only take room."""
    store = files.store()
    if not isinstance(store, files.LocalFiles):
        return
    known = {store.place(key) for key in named}
    found = [path for path in store.root.glob("*/*") if path not in known and path.is_file()]
    gone = sorted(path for path in found if not is_wanted(f"{path.parent.name}/{path.name.replace('~', '/')}"))
    if gone:
        shown = ", ".join(str(path.relative_to(store.root)) for path in gone[:MOST_NAMED])
        message = f"No release names {len(gone)} files in {store.root}: {shown}."
        yield Problem("file.stray", "files", message, severity="warning", hint="They can be deleted.")


def is_wanted(key: str) -> bool:
    """Whether an upload under way marked it, or a row that came meanwhile names it."""
    return files.marker_of(key).exists() or queries.file_key_is_known(key)
