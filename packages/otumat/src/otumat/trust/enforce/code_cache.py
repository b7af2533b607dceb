"""
Compiled code of signed sources: one file for each distribution, in a folder that only its owner may write.

Python's own `.pyc` files tell which source they are of and cannot prove it, so they are never run here (T10 to T12).
What lies in this folder was compiled by us from bytes with the signed digest, which is what it is looked up by; whoever
else could have put it there runs as the same user, and needs no such trick. The folder is opened once, seen to belong
to who runs this and to be closed to everybody else, and from then on only reached through that descriptor. Where that
cannot be had, nothing is kept, and every source is compiled anew.

It may be deleted at any time, and `pruning.py` does, by age and size. A file is: mark, length of the index, index, code
objects as marshal has them; written beside the old one and put in its place at once.
"""

from __future__ import annotations

import _imp
import atexit
import marshal
import os
import stat
import sys
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import CodeType

_MARK = b"otumat-code-1\0\0\0"
_HEAD_BYTES = len(_MARK) + 8
_READ = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
_WRITE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
_DAY_S = 86_400
_HAS_OWNERS = hasattr(os, "geteuid")


class CodeCache:
    """The folder of this user, this version of Python and this level of optimization."""

    __slots__ = ("_descriptor", "above", "folder")

    def __init__(self, folder: str, above: str = "") -> None:
        self.folder, self.above = folder, above
        self._descriptor = private_folder(folder)

    @classmethod
    def of_user(cls, environ: Mapping[str, str]) -> CodeCache:
        """The same object for the same folder: it holds a descriptor."""
        above = user_folder(environ)
        folder = os.path.join(above, "code", f"{_version()}-{sys.flags.optimize}")
        if folder not in _opened_folders:
            _opened_folders[folder] = cls(folder, above)
        return _opened_folders[folder]

    def pack(self, root: str) -> Pack:
        """The code of the distribution that has this digest."""
        return Pack(self, root)

    def open(self, name: str, flags: int = _READ) -> int | None:
        """A descriptor of a file of the folder; None when there is none."""
        if self._descriptor is None:
            return None
        try:
            if self._descriptor < 0:
                return os.open(os.path.join(self.folder, name), flags, 0o600)
            return os.open(name, flags, 0o600, dir_fd=self._descriptor)
        except OSError:
            return None

    def prune(self) -> None:
        """Forget what nothing has used for long, in the folders of all versions."""
        if self.above and self._descriptor is not None:
            from otumat.trust.enforce import pruning  # whoever keeps nothing new needs nothing of it

            pruning.prune(self.above, now=time.time())

    def rename(self, name: str, to: str) -> None:
        if self._descriptor is None or self._descriptor < 0:
            os.replace(os.path.join(self.folder, name), os.path.join(self.folder, to))
        else:
            os.replace(name, to, src_dir_fd=self._descriptor, dst_dir_fd=self._descriptor)


_opened_folders: dict[str, CodeCache] = {}


class Pack:
    """
    The code objects of one distribution, by the SHA-256 of their sources. Its file is opened when it is first asked.

    What is compiled is kept in memory until `write`, which is called when plugins have been loaded, and at exit.
    """

    __slots__ = ("_cache", "_file", "_index", "_is_open", "_made", "_name")

    def __init__(self, cache: CodeCache, name: str) -> None:
        self._cache, self._name = cache, name
        self._made: dict[str, bytes] = {}
        self._file: int | None = None
        self._index: dict[str, tuple[int, int]] = {}
        self._is_open = False

    def get(self, sha256: str) -> CodeType | None:
        """The code of the source with this digest, if it is there."""
        if not self._is_open:
            self._open()
        if self._file is None or sha256 not in self._index:
            return None
        code: CodeType = marshal.loads(self._bytes(self._file, sha256))  # noqa: S302  # ours: see above
        return code

    def put(self, sha256: str, code: CodeType) -> None:
        """Keep it, unless Python is told to keep no bytecode."""
        if sys.dont_write_bytecode:
            return
        if not self._made:
            atexit.register(self.write)
        self._made[sha256] = marshal.dumps(code)

    def write(self) -> None:
        """Put everything compiled since into the folder; silently not, where that cannot be done."""
        made, self._made = self._made, {}
        if not made:
            return
        atexit.unregister(self.write)
        if self._file is not None:
            made = {name: self._bytes(self._file, name) for name in self._index} | made
        scratch = f"{self._name}.{os.urandom(8).hex()}"
        file = self._cache.open(scratch, _WRITE)
        if file is None:
            return
        try:
            with os.fdopen(file, "wb") as out:
                out.write(_packed(made))
                out.flush()
                os.fsync(out.fileno())
            self._cache.rename(scratch, self._name)
        except OSError:
            return
        if self._file is not None:
            os.close(self._file)
        self._open()
        self._cache.prune()

    def _open(self) -> None:
        self._is_open = True
        self._file, self._index = _opened(self._cache, self._name)

    def _bytes(self, file: int, sha256: str) -> bytes:
        at, size = self._index[sha256]
        if hasattr(os, "pread"):
            return os.pread(file, size, at)
        os.lseek(file, at, os.SEEK_SET)
        return os.read(file, size)


def user_folder(environ: Mapping[str, str]) -> str:
    """Where programs of this user keep what can be made anew."""
    if os.name == "nt":
        return os.path.join(environ.get("LOCALAPPDATA") or os.path.expanduser("~"), "otumat", "cache")
    if sys.platform == "darwin":
        return os.path.expanduser("~/Library/Caches/otumat")
    return os.path.join(environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "otumat")


def private_folder(path: str) -> int | None:
    """A descriptor of this folder, made if it is missing; see `open_private`."""
    try:
        _make(path)
    except OSError:
        return None
    return open_private(path)


def _make(path: str) -> None:
    """With all above it that is missing closed to others, too: who may write there could put another in its place."""
    if path and not os.path.isdir(path):
        _make(os.path.dirname(path))
        try:
            os.mkdir(path, 0o700)
        except FileExistsError:  # another process was quicker
            pass


def open_private(path: str) -> int | None:
    """
    A descriptor of this folder; None when it is not private to who runs this.

    Where a system has no descriptors of folders (Windows), -1: there the user's own folders are closed to others.
    """
    if not _HAS_OWNERS:
        return -1 if os.path.isdir(path) else None
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return None
    seen = os.fstat(descriptor)
    if seen.st_uid != os.geteuid() or stat.S_IMODE(seen.st_mode) & 0o077:
        os.close(descriptor)
        return None
    return descriptor


def touch(file: int | str, seen: os.stat_result) -> None:
    """Note that it is used, once a day: by that, `pruning` knows what is not."""
    if time.time() - seen.st_mtime > _DAY_S:
        try:
            os.utime(file)
        except (OSError, TypeError):  # a file system that is only read; Windows, which touches no descriptors
            pass


def _opened(cache: CodeCache, name: str) -> tuple[int | None, dict[str, tuple[int, int]]]:
    file = cache.open(name)
    if file is None:
        return None, {}
    try:
        head, seen = os.read(file, _HEAD_BYTES), os.fstat(file)
        size = int.from_bytes(head[len(_MARK) :], "little")
        if head.startswith(_MARK) and 0 < size <= seen.st_size:
            touch(file, seen)
            return file, marshal.loads(os.read(file, size))  # noqa: S302  # ours: see above
    except (OSError, ValueError, EOFError, TypeError):
        pass
    os.close(file)
    return None, {}


def _packed(made: dict[str, bytes]) -> bytes:
    def index(at: int) -> bytes:
        told = {}
        for name, body in made.items():
            told[name] = (at, len(body))
            at += len(body)
        return marshal.dumps(told, 2)  # version 2 writes every number alike: its length does not depend on where it is

    head = index(0)
    head = index(_HEAD_BYTES + len(head))
    return _MARK + len(head).to_bytes(8, "little") + head + b"".join(made.values())


def _version() -> str:
    # The build as well, for a development version may change what its bytecode means.
    return f"{sys.implementation.cache_tag}-{_imp.source_hash(0, sys.version.encode()).hex()}"
