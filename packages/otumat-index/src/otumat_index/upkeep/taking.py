"""A copy of the whole index, taken beside a running server."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable
from datetime import datetime
from pathlib import Path

from otumat.errors import Conflict
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


def take(config: Config, folder: Path, *, at: datetime, progress: Callable[[float], object] = lambda _: None) -> Note:
    """
    Copy databases, keys, settings and published files into a folder; a copy that lies there is brought up to date.

    Until the last step the old copy counts. What it had and the index has no more is deleted then.

    Args:
        progress: Told after each file which part of the bytes is done.

    Returns:
        What the copy says of itself; `missing` names files that the store has lost.

    Raises:
        Conflict: The folder is the index's own, or has something that is no backup.
    """
    check_folder(config, folder)
    serial = journal.last_serial()
    state = folder / f"state-{at:%Y%m%dT%H%M%S%f}"
    for _ in range(TRIES):
        before = set(named())
        shutil.rmtree(state, ignore_errors=True)
        state.mkdir(mode=0o700, parents=True)
        dumped = dump(config, state)
        wanted = before.union(named())
        absent = copy_files(folder, sorted(wanted), progress)
        missing = before & absent  # of what came later and went again, the copied catalogue knows nothing
        if not missing:
            break
    held = wanted - absent
    kept.write_files(state, sorted(held))
    for path in (*config.data.glob(kept.KEYS), config.data / kept.SETTINGS):
        if path.is_file():
            kept.write_private(state / path.name, path.read_bytes())
    sync(state)
    note = Note(
        made_at=f"{at:%Y-%m-%dT%H:%M:%SZ}",
        version=__version__,
        serial=serial,
        state=state.name,
        databases=dumped,
        files=len(held),
        bytes=sum(each.size_bytes for each in held),
        missing=sorted(each.key for each in missing),
    )
    kept.write_note(folder, note)
    forget_others(folder, note, {each.key for each in wanted})
    return note


def check_folder(config: Config, folder: Path) -> None:
    inside = folder.resolve()
    if inside == config.data.resolve() or config.data.resolve() in inside.parents:
        hint = "Choose a folder elsewhere, best on another disk."
        raise Conflict(f"{folder} is in the index's own data folder.", code="backup.inside", hint=hint)
    there = list(folder.iterdir()) if folder.exists() else []
    if there and not any(path.name == kept.NOTE or path.name.startswith("state-") for path in there):
        hint = "Choose a new folder, or one that has a backup."
        raise Conflict(
            f"{folder} has something that is no backup, such as {there[0].name!r}.", code="exists", hint=hint
        )
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)


def named() -> Iterable[Kept]:
    """The files that the catalogue names now."""
    return (Kept(*row) for row in queries.stored_files())


def dump(config: Config, state: Path) -> dict[str, str]:
    """Copy the databases; returns the SHA-256 of each copy."""
    found = {}
    for name, database in databases_of(config).items():
        target = state / f"{name}.{database.kind}"
        database.dump(target)
        target.chmod(0o600)
        found[target.name] = kept.sha256_of(target)
    return found


def copy_files(folder: Path, wanted: list[Kept], progress: Callable[[float], object]) -> set[Kept]:
    """Copy what is not there yet; returns those that the store has not."""
    missing, done, total = set(), 0, sum(each.size_bytes for each in wanted)
    for each in wanted:
        target = kept.place(folder, each.key)
        if not target.exists() and not copy_file(each.key, target):
            missing.add(each)
        done += each.size_bytes
        progress(done / total if total else 1)
    return missing


def copy_file(key: str, target: Path) -> bool:
    """Copy one file from the store, whole or not at all; False: the store has it not."""
    target.parent.mkdir(parents=True, exist_ok=True)
    unfinished = target.with_name(f".{target.name[:200]}.new")
    try:
        local = files.store().local_path(key)
        if local is not None:
            shutil.copyfile(local, unfinished)
        else:
            unfinished.write_bytes(files.store().read(key))
    except FileNotFoundError:
        unfinished.unlink(missing_ok=True)
        return False
    sync(unfinished)
    unfinished.replace(target)
    sync(target.parent)
    return True


def forget_others(folder: Path, note: Note, keys: set[str]) -> None:
    """Delete older states, and files that no row names any more."""
    for path in folder.glob("state-*"):
        if path.name != note.state:
            shutil.rmtree(path)
    wanted = {kept.place(folder, key) for key in keys}
    for path in (folder / "files").glob("*/*"):
        if path not in wanted:
            path.unlink()
