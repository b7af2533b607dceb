"""A new index from a copy. Django is not needed, and not set up: its settings would make a key in the new folder."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from obstore.exceptions import AlreadyExistsError

from otumat.errors import Conflict, Invalid, Problem
from otumat_index.config import Config, read
from otumat_index.publish import files
from otumat_index.publish.files import FileStore, LocalFiles, sync
from otumat_index.upkeep import kept
from otumat_index.upkeep.dumps import AS_THEY_WERE, Database, databases_of
from otumat_index.upkeep.kept import Note

INDEX = ("index.sqlite3*", "events.sqlite3*", "files", "*.key")
"""A log that SQLite left beside a database that is gone, it would take for the new one's."""
USES = re.compile(r"events\.[a-z]+")
"""The one database that an index can begin anew."""
BEGINNING = datetime(2026, 1, 1, tzinfo=UTC)
"""There was no index before."""


def restore(
    folder: Path,
    data: Path,
    *,
    at: datetime,
    without_damaged: bool = False,
    progress: Callable[[float], object] = lambda _: None,
) -> tuple[Note, set[str]]:
    """
    Fill a data folder, and the databases and the store that its settings name, from a copy.

    All of the copy, and where it shall go, is looked at before anything is written. The catalogue comes last: cut off
    before, there is no index yet, and nothing that was there before is changed.

    Uses on ClickHouse are not in the copy, and know projects and installs that it does not (`never_given`).

    Args:
        data: A folder without an index; a `settings.toml` in it counts, else the copy's.
        without_damaged: Leave out what is damaged or missing in the copy, if it is published files, or uses.
        progress: Told after each file which part is done: looking at all of them, then copying.

    Returns:
        What the copy says of itself, and what was left out: keys of files, and the name of the dump of uses.

    Raises:
        NotFound, OtumatError: As `kept.read_note`. Invalid: Everything that is damaged or missing in the copy.
        Conflict: An index is there already, or the settings name other databases than the copy has, or a backup into
            the folder is under way.
    """
    with kept.locked(folder, to_write=False):
        note = kept.read_note(folder)
        check_free(data)
        left_out = check_whole(folder, note, lambda part: progress(part / 2), without_damaged=without_damaged)
        fill(folder, note, data, left_out, at, lambda part: progress(0.5 + part / 2))
        return note, left_out


def fill(
    folder: Path, note: Note, data: Path, left_out: set[str], at: datetime, progress: Callable[[float], object]
) -> None:
    state = folder / note.state
    own = (data / kept.SETTINGS).exists()
    config = replace(read(os.environ, data=data if own else state)[0], data=data)
    databases = matching(config, note)
    for database in databases.values():
        database.check_empty()
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not own and (state / kept.SETTINGS).exists():
        kept.write_private(data / kept.SETTINGS, (state / kept.SETTINGS).read_bytes())
    put_files(folder, note, config, left_out, progress)
    for path in state.glob(kept.KEYS):
        kept.write_private(data / path.name, path.read_bytes())
    sync(data)
    beyond = never_given(at) if config.events_url.startswith("clickhouse") else AS_THEY_WERE
    for name, database in databases.items():
        dump = f"{name}.{database.kind}"
        if dump not in left_out:
            database.load(state / dump, beyond=beyond)


def never_given(at: datetime) -> dict[str, int]:
    """
    Numbers that no project and no install had before: else uses of those that are lost would count for new ones.

    Time grows faster than rows come. Projects are numbered by the second, for search has 31 bits for them (until 2094).

    >>> never_given(datetime.fromisoformat("2026-11-22T10:15:00Z"))
    {'publish_project': 28116900, 'usage_install': 28116900000000}
    """
    elapsed = at - BEGINNING
    return {"publish_project": elapsed // timedelta(seconds=1), "usage_install": elapsed // timedelta(microseconds=1)}


def check_free(data: Path) -> None:
    there = [path for pattern in INDEX for path in sorted(data.glob(pattern))]
    if there:
        hint = "Restore into a new folder, named by --data; or delete what a restore that was cut off has left there."
        raise Conflict(f"{data} has an index already: there is {there[0].name}.", code="exists", hint=hint)


def check_whole(
    folder: Path, note: Note, progress: Callable[[float], object], *, without_damaged: bool = False
) -> set[str]:
    """What is damaged and can be left out. Invalid: Something else is, too, or nothing shall be; with all of it."""
    state, done, digests = folder / note.state, 0, {kept.FILES: "", **note.others, **note.databases}
    names = [name for name, digest in digests.items() if not is_whole(state / name, digest)]
    problems = [
        Problem("backup.damaged", each, f"{state / each} is missing, or not what was written.") for each in names
    ]
    needed = [name for name in names if not USES.fullmatch(name)]
    for each in kept.read_files(state) if kept.FILES not in names else ():
        path, is_ours = kept.place(folder, each.key), kept.KEY.fullmatch(each.key)
        if not is_ours or not is_whole(path, each.sha256):
            problems.append(Problem("backup.damaged", each.key, f"{path} is missing, or not what was published."))
            needed += [] if is_ours else [each.key]
        done += each.size_bytes
        progress(done / note.bytes if note.bytes else 1)
    if needed or (problems and not without_damaged):
        more = "Only published files and uses can be left out: restore another backup."
        hint = more if needed else "`--without-damaged` restores everything else."
        raise Invalid(problems, message="The backup is damaged; nothing was restored.", hint=hint)
    return {problem.field for problem in problems}


def is_whole(path: Path, sha256: str) -> bool:
    try:
        return kept.sha256_of(path) == sha256
    except OSError:
        return False


def matching(config: Config, note: Note) -> dict[str, Database]:
    """The databases that the settings name, the catalogue last."""
    databases = databases_of(config)
    ours = {f"{name}.{database.kind}" for name, database in databases.items()}
    if ours != set(note.databases):
        told, wanted = ", ".join(sorted(note.databases)), ", ".join(sorted(ours))
        hint = "Set DATABASE_URL and EVENTS_URL to databases of the same kind, or leave them empty, as it was."
        raise Conflict(f"The backup has {told}; these settings want {wanted}.", code="backup.kind", hint=hint)
    return databases


def put_files(
    folder: Path, note: Note, config: Config, left_out: set[str], progress: Callable[[float], object]
) -> None:
    store, done = files.open_store(config.files_url, config.data), 0
    for each in kept.read_files(folder / note.state):
        if each.key not in left_out:
            put_file(store, each.key, kept.place(folder, each.key))
        done += each.size_bytes
        progress(done / note.bytes if note.bytes else 1)
    for place in store.folders if isinstance(store, LocalFiles) else ():
        sync(place)


def put_file(store: FileStore, key: str, source: Path) -> None:
    if not isinstance(store, LocalFiles):
        with suppress(AlreadyExistsError):  # in a bucket that outlived its catalogue, and files never change
            store.put(key, source)
        return
    store.folders  # noqa: B018 - made at the first use
    target = store.place(key)
    shutil.copyfile(source, target)  # no link: two names of one file are no copy
    sync(target)
