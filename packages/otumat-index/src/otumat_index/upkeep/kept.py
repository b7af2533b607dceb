"""
How a copy of an index lies in its folder.

    backup.json            what this is, and which state counts; written last, in one move
    state-20261122T101500/ databases, keys, settings, and files.jsonl: the files that the catalogue names
    files/ab/…             those files; they never change, so the next copy into this folder adds only new ones
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import NamedTuple

from otumat.errors import NotFound, OtumatError
from otumat_index.publish.files import sync

FORMAT = 1
NOTE = "backup.json"
KEYS, SETTINGS = "*.key", "settings.toml"


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
        missing: Keys of files that the catalogue names and the store no longer had.
    """

    made_at: str
    version: str
    serial: int
    state: str
    databases: dict[str, str]
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
        told = json.loads((folder / NOTE).read_text("utf-8"))
    except FileNotFoundError:
        hint = "Name the folder that `otumat-index backup` wrote."
        raise NotFound(f"{folder} has no finished backup: there is no {NOTE}.", hint=hint) from None
    except ValueError as exc:
        raise OtumatError(f"{folder / NOTE} cannot be read: {exc}.", code="backup.damaged") from exc
    if told.get("format") != FORMAT:
        message = f"{folder} is a backup in format {told.get('format')!r}; this index reads {FORMAT}."
        raise OtumatError(message, code="backup.format", hint="Restore it with the index that made it, or a newer one.")
    return Note(**told)


def write_files(state: Path, files: Iterable[Kept]) -> None:
    with (state / "files.jsonl").open("w", encoding="utf-8") as lines:
        for each in files:
            lines.write(json.dumps(each) + "\n")
    sync(state / "files.jsonl")


def read_files(state: Path) -> Iterator[Kept]:
    with (state / "files.jsonl").open(encoding="utf-8") as lines:
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
