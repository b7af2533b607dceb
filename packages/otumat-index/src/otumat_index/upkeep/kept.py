"""
How a copy of an index lies in its folder.

    backup.json            what this is, and which state counts; written last, in one move
    backup.lock            held by the one backup that may write here
    state-20261122T101500/ databases, keys, settings, and files.jsonl: the files that the catalogue names
    files/ab/…             those files; they never change, so the next copy into this folder adds only new ones
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import NamedTuple

from otumat.errors import Conflict, NotFound, OtumatError
from otumat_index.publish.files import sync

FORMAT = 1
NOTE, LOCK = "backup.json", "backup.lock"
KEYS, SETTINGS, FILES = "*.key", "settings.toml", "files.jsonl"
STATE = re.compile(r"state-[0-9]{8}T[0-9]{12}")
OURS = re.compile(rf"{STATE.pattern}|files|backup\.(json|json\.new|lock)")
KEY = re.compile(r"[0-9a-f]{2}/[^/\0]+/[^/\0]+")


class Kept(NamedTuple):
    """A published file: its key in the store, its size in bytes, its SHA-256."""

    key: str
    size_bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Note:
    """
    What a copy says of itself.

    Attributes:
        databases: Name to the SHA-256 of its dump; its kind is how the dump's name ends.
        others: The same of keys, settings and the list of files.
        missing: Keys of files that the catalogue names and the store no longer had, or not as they were published.
    """

    made_at: str
    version: str
    serial: int
    state: str
    databases: dict[str, str]
    others: dict[str, str]
    files: int
    bytes: int
    missing: list[str]
    format: int = FORMAT


def write_note(folder: Path, note: Note) -> None:
    unfinished = folder / f"{NOTE}.new"
    unfinished.write_text(json.dumps(asdict(note), indent=2) + "\n", "utf-8")
    sync(unfinished)
    unfinished.replace(folder / NOTE)
    sync(folder)


def read_note(folder: Path) -> Note:
    """
    What is in a folder.

    Raises:
        NotFound: No copy, or one that was never finished. OtumatError: One of a newer index, or damaged.
    """
    try:
        told = dict(json.loads((folder / NOTE).read_text("utf-8")))
        if told.get("format") == FORMAT:
            return whole(Note(**told))
    except (FileNotFoundError, NotADirectoryError):
        hint = "Name the folder that `otumat-index backup` wrote."
        raise NotFound(f"{folder} has no finished backup: there is no {NOTE}.", hint=hint) from None
    except (TypeError, ValueError) as exc:
        raise OtumatError(f"{folder / NOTE} cannot be read: {exc}.", code="backup.damaged") from exc
    message = f"{folder} is a backup in format {told.get('format')!r}; this index reads {FORMAT}."
    raise OtumatError(message, code="backup.format", hint="Restore it with the index that made it, or a newer one.")


def whole(note: Note) -> Note:
    if not STATE.fullmatch(note.state):
        raise ValueError(f"{note.state!r} is no state")
    return note


@contextmanager
def locked(folder: Path, *, to_write: bool) -> Iterator[None]:
    """Conflict: a backup into this folder is under way, or, to write, a restore from it. Ends with its holder."""
    flags, kind = (os.O_RDWR | os.O_CREAT, fcntl.LOCK_EX) if to_write else (os.O_RDONLY, fcntl.LOCK_SH)
    try:
        handle = os.open(folder / LOCK, flags, 0o600)
    except (FileNotFoundError, NotADirectoryError):  # nobody ever wrote here
        yield
        return
    try:
        hold(handle, kind, folder)
        yield
    finally:
        os.close(handle)


def hold(handle: int, kind: int, folder: Path) -> None:
    try:
        fcntl.flock(handle, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        message = f"Another backup into {folder}, or a restore from it, is under way."
        raise Conflict(message, code="backup.busy", hint="Wait until it has ended.") from None
    except OSError:  # a network's file system that has no locks: better a copy than none
        return


def write_files(state: Path, files: Iterable[Kept]) -> None:
    with (state / FILES).open("w", encoding="utf-8") as lines:
        for each in files:
            lines.write(json.dumps(each) + "\n")
    sync(state / FILES)


def read_files(state: Path) -> Iterator[Kept]:
    with (state / FILES).open(encoding="utf-8") as lines:
        for line in lines:
            yield Kept(*json.loads(line))


def place(folder: Path, key: str) -> Path:
    """Where a file lies in a copy."""
    part, _, rest = key.partition("/")
    return folder / "files" / part / rest.replace("/", "~")


def write_private(path: Path, data: bytes) -> None:
    """A file for its owner's eyes only."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(data)
    sync(path)


def sha256_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
