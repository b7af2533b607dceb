"""
Compiled code of signed sources, by the SHA-256 of the source: a folder that only its owner may write.

Python's own `.pyc` files tell which source they are of and cannot prove it, so they are never run here (T10 to T12).
What lies in this folder was compiled by us from bytes with that digest; whoever else could have put it there runs as
the same user, and needs no such trick. The folder is opened once, seen to belong to who runs this and to be closed to
everybody else, and from then on only reached through that descriptor. Where that cannot be had, nothing is kept.

It may be deleted at any time.
"""

from __future__ import annotations

import _imp
import marshal
import os
import stat
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import CodeType

_MARK = b"otumat-code-1\0\0\0"
_HEADER_BYTES = len(_MARK) + 8
_KEY = 0x6F74756D6174
_READ = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
_WRITE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
_HAS_OWNERS = hasattr(os, "geteuid")


class CodeCache:
    """One process's view of the folder."""

    __slots__ = ("_descriptor", "folder")

    def __init__(self, folder: str) -> None:
        self.folder = folder
        self._descriptor = private_folder(folder)

    @classmethod
    def of_user(cls, environ: Mapping[str, str]) -> CodeCache:
        """The one of this user, this version of Python and this level of optimization."""
        return cls(os.path.join(user_folder(environ), "code", f"{_version()}-{sys.flags.optimize}"))

    def get(self, sha256: str) -> CodeType | None:
        """The code of the source with this digest, if it is there."""
        if self._descriptor is None:
            return None
        try:
            file = _open(self._descriptor, self.folder, sha256, _READ)
        except OSError:
            return None
        try:
            data = os.read(file, os.fstat(file).st_size)
        except OSError:
            return None
        finally:
            os.close(file)
        return _unpacked(data)

    def put(self, sha256: str, code: CodeType) -> None:
        """Keep it; silently not, where that cannot be done."""
        if self._descriptor is None or sys.dont_write_bytecode:
            return
        body = marshal.dumps(code)
        scratch = f"{sha256}.{os.urandom(8).hex()}"
        try:
            file = _open(self._descriptor, self.folder, scratch, _WRITE)
            try:
                _write(file, _MARK + _imp.source_hash(_KEY, body) + body)
            finally:
                os.close(file)
            _rename(self._descriptor, self.folder, scratch, sha256)
        except OSError:
            return


def user_folder(environ: Mapping[str, str]) -> str:
    """Where programs of this user keep what can be made anew."""
    if os.name == "nt":
        return os.path.join(environ.get("LOCALAPPDATA") or os.path.expanduser("~"), "otumat", "cache")
    if sys.platform == "darwin":
        return os.path.expanduser("~/Library/Caches/otumat")
    return os.path.join(environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "otumat")


def private_folder(path: str) -> int | None:
    """
    A descriptor of this folder, made if it is missing; None when it is not private to who runs this.

    Where a system has no descriptors of folders (Windows), -1: there the user's own folders are closed to others.
    """
    try:
        os.makedirs(path, mode=0o700, exist_ok=True)
        if not _HAS_OWNERS:
            return -1
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return None
    seen = os.fstat(descriptor)
    if seen.st_uid != os.geteuid() or stat.S_IMODE(seen.st_mode) & 0o077:
        os.close(descriptor)
        return None
    return descriptor


def _unpacked(data: bytes) -> CodeType | None:
    body = data[_HEADER_BYTES:]
    if data[:_HEADER_BYTES] != _MARK + _imp.source_hash(_KEY, body):
        return None  # cut off when the machine stopped; it is compiled again
    code: CodeType = marshal.loads(body)  # noqa: S302  # ours: see above
    return code


def _version() -> str:
    magic = _imp.source_hash(_KEY, sys.version.encode()).hex()  # the build, for a development version may change
    return f"{sys.implementation.cache_tag}-{magic}"


def _open(folder: int, path: str, name: str, flags: int) -> int:
    if folder < 0:
        return os.open(os.path.join(path, name), flags, 0o600)
    return os.open(name, flags, 0o600, dir_fd=folder)


def _rename(folder: int, path: str, name: str, to: str) -> None:
    if folder < 0:
        os.replace(os.path.join(path, name), os.path.join(path, to))
    else:
        os.replace(name, to, src_dir_fd=folder, dst_dir_fd=folder)


def _write(file: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(file, view) :]
