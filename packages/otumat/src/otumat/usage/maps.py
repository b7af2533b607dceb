"""
The shared map of a process: a small file with labels and numbers, in memory as much as on disk.

    16 bytes    MAGIC, and who counts here: a random number, 0 when nobody may any more
    then, for each label: its count (8 bytes), its length (8 bytes), the label (a record of `spool.py`), padded to 8

Numbers are as this machine has them. They only ever grow; what of them was told is noted beside the batches
(`outbox.py`), so nobody has to stop for them to be sent, and nothing is told twice. A map belongs to one process at a
time, by a lock that the system gives back however it ends; then the next process goes on with the file. So there are
never more of them than processes at once, and never more than MAPS_MAX.

A map that cannot be written to its disk kills its program (SIGBUS), which must not happen on our account: only
file systems are used that write in place, and only after every block was written once. Elsewhere: no map.
"""

from __future__ import annotations

import os
import sys

from otumat.usage.answers import read as read_answer
from otumat.usage.counters import OWNER, Place
from otumat.usage.spool import give_back, is_at

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from mmap import mmap

MAGIC = b"otumatC1"
MAP_BYTES = 8192
MAPS_MAX = 32
BEGIN = 16
_WRITES_IN_PLACE = frozenset((b"ext2", b"ext3", b"ext4", b"xfs", b"tmpfs"))
_FLAGS = os.O_RDWR | getattr(os, "O_NOFOLLOW", 0)


class Map:
    """One process's map, open and held."""

    def __init__(self, fd: int, memory: mmap) -> None:
        self._fd = fd
        self._inode = os.fstat(fd).st_ino
        self._bytes = memoryview(memory)
        self._words = self._bytes.cast("Q")
        self._places: dict[bytes, Place] = {}
        self._token = int.from_bytes(os.urandom(8), "little") | 1
        self._words[OWNER] = self._token
        self._end = BEGIN
        for offset, label, _ in entries(bytes(self._bytes)):
            self._add(offset, label)

    def has_room(self, label_bytes: int) -> bool:
        """Whether another label fits."""
        return self._end + BEGIN + _padded(label_bytes) <= MAP_BYTES

    def place_of(self, label: bytes) -> Place | None:
        """Where to count a label; None when there is no room, or this file is ours no more."""
        if self._words[OWNER] != self._token or not self._is_held():
            return None
        return self._places.get(label) or self._append(label)

    def leave(self, *, is_parents: bool = False) -> None:
        """Count nothing here any more, and leave the file to others, or, in a forked child, to the parent."""
        for place in self._places.values():
            place.until = 0
        if self._is_held():
            os.close(self._fd) if is_parents else give_back(self._fd)
        self._fd = -1

    def _append(self, label: bytes) -> Place | None:
        if not self.has_room(len(label)):
            return None
        offset = self._end
        end = min(offset + 2 * BEGIN + _padded(len(label)), MAP_BYTES)
        self._bytes[offset:end] = (b"\0" * BEGIN + label).ljust(end - offset, b"\0")
        self._words[offset // 8 + 1] = len(label)  # last: half a label is none
        return self._add(offset, label)

    def _add(self, offset: int, label: bytes) -> Place:
        self._end = offset + BEGIN + _padded(len(label))
        place = self._places[label] = Place(self._words, offset // 8, self._token)
        return place

    def _is_held(self) -> bool:
        """Whether our lock is still ours: a host may have closed every descriptor it knows nothing of."""
        try:
            found = os.fstat(self._fd)
        except OSError:
            return False
        return found.st_ino == self._inode and bool(found.st_nlink)


def entries(data: bytes) -> list[tuple[int, bytes, int]]:
    """What stands in a map: (offset, label, count); nothing if it is none."""
    found: list[tuple[int, bytes, int]] = []
    offset = BEGIN
    while data.startswith(MAGIC) and offset + BEGIN <= len(data) == MAP_BYTES:
        count, length = (int.from_bytes(data[at : at + 8], sys.byteorder) for at in (offset, offset + 8))
        label = data[offset + BEGIN : offset + BEGIN + length]
        if not length or len(label) != length or label[-1:] != b"\n":
            break
        found.append((offset, label, count))
        offset += BEGIN + _padded(length)
    return found


def maps_folder(folder: str) -> str:
    """Where the maps of a package lie."""
    return os.path.join(folder, "counts")


def open_map(folder: str, level: str, label_bytes: int, *, when_forked: Callable[[], None]) -> Map | None:
    """A map for this process: one that another left behind, or a new one; None where there can be none."""
    place = maps_folder(folder)
    if not writes_in_place(folder):
        return None
    os.makedirs(place, 0o700, exist_ok=True)
    beginning = f"{level}-"
    names = sorted(os.listdir(place))
    for name in names:
        path = os.path.join(place, name)
        taken = _take(path) if name.startswith(beginning) else -1
        if taken >= 0:
            found = _mapped(taken, when_forked)
            if found.has_room(label_bytes) and _may_count(folder, level, path, taken):
                return found
            found.leave()
    if len(names) >= MAPS_MAX and not _make_room(folder):
        return None
    path = os.path.join(place, f"{beginning}{os.urandom(8).hex()}.map")
    fresh = _make(path)
    if fresh < 0:
        return None
    found = _mapped(fresh, when_forked)
    if not _may_count(folder, level, path, fresh):
        found.leave()
        _remove(path)
        return None
    return found


def _may_count(folder: str, level: str, path: str, fd: int) -> bool:
    """Asked once the map has our number: who withdraws stores the answer, then takes such numbers away."""
    return is_at(path, fd) and read_answer(folder).level == level


def _make_room(folder: str) -> bool:
    from otumat.usage.tallies import evict

    return evict(folder)


def _take(path: str) -> int:
    """A descriptor that holds a whole map whose process has ended; else -1."""
    try:
        fd = os.open(path, _FLAGS)
    except OSError:
        return -1
    try:
        found = os.fstat(fd)
        if found.st_size == MAP_BYTES and found.st_uid == os.geteuid() and hold(fd) and is_at(path, fd):
            head = os.pread(fd, BEGIN, 0)
            if head[:8] == MAGIC:
                return fd
    except OSError:
        pass
    give_back(fd)
    return -1


def _make(path: str) -> int:
    """A descriptor that holds a new map, every block of which is on the disk; -1 when there is no room for it."""
    fd = os.open(path, _FLAGS | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        if hold(fd) and os.write(fd, MAGIC.ljust(MAP_BYTES, b"\0")) == MAP_BYTES:
            if hasattr(os, "posix_fallocate"):
                os.posix_fallocate(fd, 0, MAP_BYTES)
            return fd
    except OSError:
        pass
    _remove(path)
    give_back(fd)
    return -1


def _remove(path: str) -> None:
    try:
        os.unlink(path)
    except FileNotFoundError:
        pass  # a round tidied up before we held it


def hold(fd: int) -> bool:
    """Take the lock of a map, if nobody has it."""
    import fcntl

    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _mapped(fd: int, when_forked: Callable[[], None]) -> Map:
    from mmap import mmap

    global _forks
    if _forks is None:
        _forks = _Forks(when_forked)
        os.register_at_fork(after_in_child=_forks)
    if sys.version_info >= (3, 13):
        memory = mmap(fd, MAP_BYTES, trackfd=False)
    else:
        memory = mmap(fd, MAP_BYTES)
        _forks.kept.append(memory)
    return Map(fd, memory)


class _Forks:
    """
    What the interpreter calls in forked children, and therefore keeps until every module is gone.

    Attributes:
        kept: Maps that close a descriptor of their own when they go; its number may by then be a file of the host's, so
            they go after that.
    """

    def __init__(self, then: Callable[[], None]) -> None:
        self._then = then
        self.kept: list[mmap] = []

    def __call__(self) -> None:
        self._then()


_forks: _Forks | None = None


def writes_in_place(folder: str) -> bool:
    """
    Whether a full disk, or a lost network, cannot take a page away that was written before.

    Not so where every write goes to a new place (btrfs, zfs), nor on network file systems; and nobody tells what lies
    below an overlay.
    """
    if sys.platform == "darwin":
        return True
    try:
        with open("/proc/self/mounts", "rb") as file:
            mounts = [line.split(b" ")[1:3] for line in file]
    except OSError:
        return False
    path, kind, longest = os.fsencode(os.path.realpath(folder)) + b"/", b"", -1
    for point, found in mounts:
        above = point.replace(b"\\040", b" ").rstrip(b"/") + b"/"
        if path.startswith(above) and len(above) >= longest:  # the later one lies on top
            kind, longest = found, len(above)
    return kind in _WRITES_IN_PLACE


def _padded(size: int) -> int:
    return (size + 7) // 8 * 8
