"""
A built index on disk: a folder of arrays and a head that says what they are.

Written beside the others under a name that nobody looks at, made durable, then renamed: a folder that has its final
name is whole. Its checksums are read before it is believed, for a disk may forget what it kept.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import weakref
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

FORMAT = 2
HEAD = "head.json"
PREFIX = "index-"
UNFINISHED = "new-"
Arrays = Iterable[tuple[str, NDArray[Any]]]


class Damaged(Exception):
    """A folder is not what was written, or was written by another version of this program."""


def save(parent: Path, arrays: Arrays, head: Mapping[str, Any]) -> Path:
    """Write a folder, each array before the next is made; whoever is killed meanwhile leaves nothing that is found."""
    parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    name = f"{head['serial']:020d}-{secrets.token_hex(4)}"
    making = parent / f"{UNFINISHED}{name}"
    making.mkdir(mode=0o700)
    described = {each: write(making / f"{each}.bin", array) for each, array in arrays}
    told = json.dumps({"format": FORMAT, **head, "arrays": described}).encode()
    sync(making / HEAD, told + b"\n%08x" % crc32(told))
    sync_folder(making)
    made = parent / f"{PREFIX}{name}"
    making.rename(made)
    sync_folder(parent)
    return made


def write(path: Path, array: NDArray[Any]) -> dict[str, Any]:
    data = np.ascontiguousarray(array).view(np.uint8).data if array.size else memoryview(b"")
    sync(path, data)
    return {"type": array.dtype.str, "shape": list(array.shape), "crc32": crc32(data)}


def sync(path: Path, data: bytes | memoryview) -> None:
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def sync_folder(path: Path) -> None:
    opened = os.open(path, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def read_head(folder: Path) -> dict[str, Any]:
    """What a folder says of itself."""
    try:
        told, _, check = (folder / HEAD).read_bytes().rpartition(b"\n")
        if check != b"%08x" % crc32(told):
            raise Damaged(f"{folder / HEAD} is damaged.")
        head: dict[str, Any] = json.loads(told)
    except (OSError, ValueError) as exc:
        raise Damaged(f"{folder / HEAD} cannot be read: {exc}") from exc
    if head.get("format") != FORMAT:
        raise Damaged(f"{folder} has format {head.get('format')}; this program reads {FORMAT}.")
    return head


class Pieces:
    """
    A file of which pieces are read when they are asked for.

    What is read so stays in the system's cache and is no memory of ours, as a map of it would be.
    """

    def __init__(self, path: Path) -> None:
        self._file = path.open("rb", buffering=0)
        weakref.finalize(self, self._file.close)

    def read(self, begin: int, end: int) -> bytes:
        return os.pread(self._file.fileno(), end - begin, begin)


PIECES = frozenset({"tokens", "names", "common", "nodes", "pairs"})
"""Arrays that are only ever read in pieces."""


def load(folder: Path) -> tuple[dict[str, NDArray[Any]], dict[str, Pieces], dict[str, Any]]:
    """
    The arrays of a folder, mapped from their files, those read in pieces, and its head.

    Raises:
        Damaged: Anything is missing, or not as it was written.
    """
    head = read_head(folder)
    arrays = {name: read(folder / f"{name}.bin", about) for name, about in head["arrays"].items()}
    pieces = {name: Pieces(folder / f"{name}.bin") for name in PIECES & arrays.keys()}
    return {name: array for name, array in arrays.items() if name not in pieces}, pieces, head


def read(path: Path, about: Mapping[str, Any]) -> NDArray[Any]:
    kind, shape = np.dtype(about["type"]), tuple(about["shape"])
    wanted = kind.itemsize * int(np.prod(shape))
    try:
        if path.stat().st_size != wanted or checksum(path) != about["crc32"]:
            raise Damaged(f"{path} is damaged.")
        return np.asarray(np.memmap(path, kind, "r", shape=shape)) if wanted else np.empty(shape, kind)
    except OSError as exc:
        raise Damaged(f"{path} cannot be read: {exc}") from exc


def checksum(path: Path) -> int:
    """By reading, not through the map: what is looked at once need not count as our memory."""
    value = 0
    with path.open("rb", buffering=0) as file:
        room = memoryview(bytearray(1 << 20))
        while got := file.readinto(room):
            value = crc32(room[:got], value)
    return value


def finished(parent: Path) -> list[Path]:
    """Every finished folder, the newest first."""
    return sorted(parent.glob(f"{PREFIX}*"), key=lambda path: path.name, reverse=True) if parent.is_dir() else []


def newest(parent: Path) -> Path | None:
    """The folder written last (not the one of the highest serial: a restored catalogue begins at a lower one)."""
    return max(finished(parent), key=lambda path: (path.stat().st_mtime_ns, path.name), default=None)


def discard_others(parent: Path, kept: Path | None) -> None:
    """Delete every folder but one, and what crashes left. Only for who holds the lock of building."""
    for path in leftovers(parent, kept):
        shutil.rmtree(path, ignore_errors=True)


def leftovers(parent: Path, kept: Path | None) -> Iterator[Path]:
    if parent.is_dir():
        yield from (p for p in parent.iterdir() if p.name.startswith((PREFIX, UNFINISHED)) and p != kept)
