"""
Files on disk, read without being led astray: no link is followed, no pipe is waited for, nothing unbounded is read.

`scan` tells what lies below a folder; `read` and the digests read one regular file. What is neither a regular file, a
folder nor a link (a pipe, a socket, a device) is told as such and never opened.
"""

from __future__ import annotations

import hashlib
import os
import stat

from otumat.errors import Untrusted
from otumat.spec.digest import blob_digest, blob_hasher
from otumat.spec.vouching.comparing import FILE as FILE
from otumat.spec.vouching.comparing import FOLDER as FOLDER
from otumat.spec.vouching.comparing import LINK as LINK
from otumat.spec.vouching.comparing import SPECIAL as SPECIAL

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_FILES, MAX_DEPTH = 200_000, 100
CACHE_FOLDER = "__pycache__"
_PIECE = 1024 * 1024
# O_NONBLOCK: a pipe that took the file's place is opened at once, seen to be one, and closed.
_FLAGS = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0)
_FLAGS |= getattr(os, "O_BINARY", 0)


class NoTree(Untrusted, FileNotFoundError):
    """
    There is nothing here whose value could be taken: missing, empty, a single file, or holding what is no file.

    Also a FileNotFoundError: hosts written for otumat 0.3 catch that one, and treat the plugin as unverified.
    """

    default_code = "tree.none"


class Found:
    """
    One thing below a folder.

    Attributes:
        path: From the folder on, with '/'; bytes that are no UTF-8 stand as surrogates (PEP 383).
        kind: `file`, `folder`, `link` or `special`.
        mode, size_bytes: As `lstat` has them; asked when they are first needed, for folders tell kinds by themselves.
    """

    __slots__ = ("_seen", "kind", "path")

    def __init__(self, path: str, kind: str, seen: os.stat_result | os.DirEntry[str]) -> None:
        self.path, self.kind, self._seen = path, kind, seen

    @property
    def mode(self) -> int:
        return self._stat().st_mode

    @property
    def size_bytes(self) -> int:
        return self._stat().st_size

    def _stat(self) -> os.stat_result:
        if isinstance(self._seen, os.DirEntry):
            self._seen = self._seen.stat(follow_symlinks=False)
        return self._seen

    @property
    def git_mode(self) -> str:
        """The mode as git and our signatures have it."""
        return "120000" if self.kind == LINK else git_mode(self.mode)


def git_mode(mode: int) -> str:
    """The same of a file: only the owner's x counts, and Windows has none."""
    return "100755" if mode & 0o100 and os.name != "nt" else "100644"


def scan(top: str, *, most: int = MAX_FILES) -> Iterator[Found]:
    """
    Everything below `top`, folders before what is in them, in no order beyond that.

    Errors:
        NoTree: `tree.large`, deeper or larger than the bounds. OSError: a folder cannot be listed.
    """
    waiting = [("", 0)]
    count = 0
    while waiting:
        below, depth = waiting.pop()
        with os.scandir(os.path.join(top, below) if below else top) as entries:
            for entry in entries:
                count += 1
                if count > most or depth > MAX_DEPTH:
                    raise NoTree(f"{top!r} holds more than {most} things, or more than {MAX_DEPTH} folders in a row.",
                                 code="tree.large")  # fmt: skip
                found = _found(entry, f"{below}/{entry.name}" if below else entry.name)
                if found.kind == FOLDER:
                    waiting.append((found.path, depth + 1))
                yield found


def is_cached_bytecode(path: str) -> bool:
    """
    Whether a file is what Python itself leaves behind in `__pycache__`: `x.pyc`, or `x.pyc.123` while it writes that.

    Nothing else there is left out of a value: `__pycache__/evil.py` can be imported as well as any other module.
    """
    folder, _, name = path.rpartition("/")
    if folder.rpartition("/")[2] != CACHE_FOLDER:
        return False
    stem, _, number = name.rpartition(".")
    return name.endswith(".pyc") or (stem.endswith(".pyc") and number.isdigit())


def source_name(pyc: str) -> tuple[str, str, str]:
    """
    The module, tag and optimization that a name tells; the module is empty for names that Python gives none.

    >>> source_name("core.cpython-311.opt-1.pyc")
    ('core', 'cpython-311', 'opt-1')
    """
    parts = pyc.split(".")
    if len(parts) == 3 and parts[2] == "pyc":
        return parts[0], parts[1], ""
    if len(parts) == 4 and parts[3] == "pyc":
        return parts[0], parts[1], parts[2]
    return "", "", ""


def read(path: str, size_bytes: int) -> bytes:
    """
    A regular file that has exactly this size.

    Errors:
        Untrusted: `file.changed`, it is something else by now. OSError: it cannot be read.
    """
    return b"".join(_pieces(path, size_bytes))


def blob_of(path: str) -> tuple[str, str]:
    """Mode and name as git has them of a regular file, which is opened once and asked nothing before."""
    descriptor = os.open(path, _FLAGS)
    try:
        seen = os.fstat(descriptor)
        if not stat.S_ISREG(seen.st_mode):
            raise _changed(path)
        data = os.read(descriptor, seen.st_size + 1) if seen.st_size < _PIECE else None
    finally:
        os.close(descriptor)
    if data is None:
        return git_mode(seen.st_mode), blob_digest_of(path, seen.st_size)
    if len(data) != seen.st_size:
        raise _changed(path)
    return git_mode(seen.st_mode), blob_digest(data)


def blob_digest_of(path: str, size_bytes: int) -> str:
    """What git names the file; of a large one only a piece at a time is in memory."""
    hasher = blob_hasher(size_bytes)
    if size_bytes < _PIECE:
        hasher.update(_whole(path, size_bytes))
        return hasher.hexdigest()
    for piece in _pieces(path, size_bytes):
        hasher.update(piece)
    return hasher.hexdigest()


def sha256_of(path: str, size_bytes: int) -> str:
    """The SHA-256 of the file, in hexadecimal."""
    if size_bytes < _PIECE:
        return hashlib.sha256(_whole(path, size_bytes)).hexdigest()
    hasher = hashlib.sha256()
    for piece in _pieces(path, size_bytes):
        hasher.update(piece)
    return hasher.hexdigest()


def compared(path: str, size_bytes: int) -> tuple[int, str]:
    """Mode and SHA-256 of a regular file, which is not read, and has no digest then, when it has another size."""
    descriptor = os.open(path, _FLAGS)
    try:
        seen = os.fstat(descriptor)
        if not stat.S_ISREG(seen.st_mode):
            raise _changed(path)
        if seen.st_size != size_bytes:
            return seen.st_mode, ""
        if size_bytes >= _PIECE:
            return seen.st_mode, sha256_of(path, size_bytes)
        data = os.read(descriptor, size_bytes + 1)
        return seen.st_mode, hashlib.sha256(data).hexdigest() if len(data) == size_bytes else ""
    finally:
        os.close(descriptor)


def look_at(path: str) -> Found | None:
    """What lies at exactly this path, None when nothing does; the folders above it are the caller's business."""
    try:
        seen = os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    return Found(path, _kind(seen.st_mode), seen)


def _found(entry: os.DirEntry[str], path: str) -> Found:
    if entry.is_file(follow_symlinks=False):
        kind = FILE
    elif entry.is_dir(follow_symlinks=False):
        kind = FOLDER
    else:
        kind = LINK if entry.is_symlink() else SPECIAL
    return Found(path, kind, entry)


def _kind(mode: int) -> str:
    if stat.S_ISREG(mode):
        return FILE
    if stat.S_ISDIR(mode):
        return FOLDER
    return LINK if stat.S_ISLNK(mode) else SPECIAL


def _whole(path: str, size_bytes: int) -> bytes:
    """A small file in one call."""
    descriptor = os.open(path, _FLAGS)
    try:
        if stat.S_ISREG(os.fstat(descriptor).st_mode):
            data = os.read(descriptor, size_bytes + 1)
            if len(data) == size_bytes:
                return data
    finally:
        os.close(descriptor)
    raise _changed(path)


def _pieces(path: str, size_bytes: int) -> Iterator[bytes]:
    descriptor = os.open(path, _FLAGS)
    try:
        seen = os.fstat(descriptor)
        if not stat.S_ISREG(seen.st_mode) or seen.st_size != size_bytes:
            raise _changed(path)
        left = size_bytes
        while left >= 0:
            # One byte more than is left: a file that grows is noticed, and a small one takes a single call.
            piece = os.read(descriptor, min(left + 1, _PIECE))
            left -= len(piece)
            if left < 0 or (not piece and left):
                raise _changed(path)
            if not piece or not left:
                yield piece
                return
            yield piece
    finally:
        os.close(descriptor)


def _changed(path: str) -> Untrusted:
    return Untrusted(f"{path!r} was changed while it was being read.", code="file.changed", hint="Try again.")
