"""A copy of the whole index, taken beside a running server."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from pathlib import Path

from otumat.errors import Conflict, NotFound, OtumatError
from otumat_index import __version__
from otumat_index.config import Config
from otumat_index.journal import queries as journal
from otumat_index.publish import files, queries
from otumat_index.publish.files import sync
from otumat_index.upkeep import kept
from otumat_index.upkeep.dumps import databases_of
from otumat_index.upkeep.kept import Kept, Note

TRIES = 3
"""A file that is removed while the copy is taken may be in the copied catalogue: then it is taken again."""
LISTING = 'SELECT "key", size_bytes, sha256 FROM publish_file'
"""`publish.queries.stored_files`, as of the moment that is copied: later ones may not be in it, or gone again."""


def take(config: Config, folder: Path, *, at: datetime, progress: Callable[[float], object] = lambda _: None) -> Note:
    """
    Copy databases, keys, settings and published files into a folder; a copy that lies there is brought up to date.

    Until the last step the old copy counts. What it had and the index has no more is deleted then.

    Args:
        progress: Told after each file which part of the bytes is done.

    Returns:
        What the copy says of itself; `missing` names files that the store has lost, or has with other bytes.

    Raises:
        Conflict: The folder is the index's own, or has something that is no backup of it, or another is under way.
    """
    check_folder(config, folder)
    with kept.locked(folder, to_write=True):
        check_same(config, folder)
        (folder / "files").mkdir(mode=0o700, exist_ok=True)  # of private projects, too; the folder may be anybody's
        try:
            forget_older(folder)
            return renew(config, folder, at, progress)
        finally:
            forget_older(folder)


def renew(config: Config, folder: Path, at: datetime, progress: Callable[[float], object]) -> Note:
    serial = journal.last_serial()
    state = folder / f"state-{at:%Y%m%dT%H%M%S%f}"
    for _ in range(TRIES):
        shutil.rmtree(state, ignore_errors=True)
        state.mkdir(mode=0o700, parents=True)
        dumped, wanted = dump(config, state)
        missing = copy_files(folder, sorted(wanted), progress)
        if missing <= set(named()):  # none was removed meanwhile: what is still named is lost, and stays so
            break
    held = wanted - missing
    kept.write_files(state, sorted(held))
    for path in (*config.data.glob(kept.KEYS), config.data / kept.SETTINGS):
        if path.is_file():
            kept.write_private(state / path.name, path.read_bytes())
    for place in (*(folder / "files").glob("*"), folder / "files", state):
        sync(place)
    note = Note(
        made_at=f"{at:%Y-%m-%dT%H:%M:%SZ}",
        version=__version__,
        serial=serial,
        state=state.name,
        databases=dumped,
        others={path.name: kept.sha256_of(path) for path in state.iterdir() if path.name not in dumped},
        files=len(held),
        bytes=sum(each.size_bytes for each in held),
        missing=sorted(each.key for each in missing),
    )
    kept.write_note(folder, note)
    forget_others(folder, {each.key for each in wanted})
    return note


def check_folder(config: Config, folder: Path) -> None:
    inside = folder.resolve()
    if inside == config.data.resolve() or config.data.resolve() in inside.parents:
        hint = "Choose a folder elsewhere, best on another disk."
        raise Conflict(f"{folder} is in the index's own data folder.", code="backup.inside", hint=hint)
    there = sorted(path.name for path in folder.iterdir()) if folder.exists() else []
    others = [name for name in there if kept.LOCK not in there or not kept.OURS.fullmatch(name)]
    if others and kept.NOTE not in there:
        hint = "Choose a new folder, or one that has a backup."
        raise Conflict(f"{folder} has something that is no backup, such as {others[0]!r}.", code="exists", hint=hint)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)


def check_same(config: Config, folder: Path) -> None:
    """Conflict: the copy that lies there is another index's, which has a key of its own."""
    key = config.data / "secret.key"
    try:
        theirs = kept.read_note(folder).others.get(key.name)
    except OtumatError:
        return
    if theirs and key.is_file() and kept.sha256_of(key) != theirs:
        hint = "Choose a folder of its own for each index."
        raise Conflict(f"{folder} has the backup of another index.", code="backup.other", hint=hint)


def named() -> Iterable[Kept]:
    """The files that the catalogue names now."""
    return (Kept(*row) for row in queries.stored_files())


def dump(config: Config, state: Path) -> tuple[dict[str, str], set[Kept]]:
    """Copy the databases; returns the SHA-256 of each copy, and the files that the copied catalogue names."""
    found, rows = {}, []
    for name, database in databases_of(config).items():
        target = state / f"{name}.{database.kind}"
        rows = database.dump(target, LISTING if name == "catalogue" else "")
        target.chmod(0o600)
        found[target.name] = kept.sha256_of(target)
    return found, {Kept(*row) for row in rows}


def copy_files(folder: Path, wanted: list[Kept], progress: Callable[[float], object]) -> set[Kept]:
    """Copy what is not there yet; returns those that the store has not, or not as they were published."""
    missing, done, total = set(), 0, sum(each.size_bytes for each in wanted)
    for each in wanted:
        target = kept.place(folder, each.key)
        if not is_there(target, each.size_bytes) and not copy_file(each, target):
            missing.add(each)
        done += each.size_bytes
        progress(done / total if total else 1)
    return missing


def is_there(target: Path, size_bytes: int) -> bool:
    return target.exists() and target.stat().st_size == size_bytes


def copy_file(each: Kept, target: Path) -> bool:
    """Copy one file from the store, as it was published or not at all; False: the store has it not, or not so."""
    target.parent.mkdir(exist_ok=True)
    unfinished = target.with_name(f".{target.name[:200]}.new")
    digest = hashlib.sha256()
    with unfinished.open("wb") as copy:
        for chunk in bytes_of(each.key):
            digest.update(chunk)
            copy.write(chunk)
        copy.flush()
        os.fsync(copy.fileno())
    if digest.hexdigest() != each.sha256:
        unfinished.unlink()
        return False
    unfinished.replace(target)
    return True


def bytes_of(key: str) -> Iterator[bytes]:
    """As much of a file as the store has, and its disk gives: whether that is all of it, the SHA-256 tells."""
    try:
        yield from files.store().chunks(key)
    except FileNotFoundError:
        return
    except OSError as exc:
        if exc.errno != errno.EIO:
            raise


def forget_older(folder: Path) -> None:
    """Delete every state but the one that counts: on a full disk those cut off would be one more with each try."""
    try:
        forget_states(folder, kept.read_note(folder).state)
    except NotFound:
        forget_states(folder, "")
    except OtumatError:
        return  # which one counted cannot be told


def forget_others(folder: Path, keys: set[str]) -> None:
    """Delete files that no row names any more."""
    wanted = {kept.place(folder, key) for key in keys}
    for path in (folder / "files").glob("*/*"):
        if path not in wanted:
            path.unlink()


def forget_states(folder: Path, but: str) -> None:
    for path in folder.iterdir():
        if kept.STATE.fullmatch(path.name) and path.name != but:
            shutil.rmtree(path)
