"""
What the cache forgets: code and extensions that nothing has used for long, and the oldest of what is too much.

Done when something new was kept, which is after a release was installed, and seldom otherwise. There is no lock: what
is taken away under another process it has open, or makes anew. A folder is opened once, seen to be this user's alone,
and then reached through that descriptor, so that nobody puts a link to another one in its place meanwhile.
"""

from __future__ import annotations

import os
import stat

from otumat.trust.enforce.code_cache import open_private

KEPT_S = 90 * 86_400
MOST_BYTES = 512 * 1024 * 1024


def prune(folder: str, *, now: float, kept_s: float = KEPT_S, most_bytes: int = MOST_BYTES) -> None:
    """
    Prune the cache of a user.

    Args:
        folder: Holds `code/VERSION/PACK` and `native/DIGEST/…`. now: Seconds since 1970.
        kept_s: How long what is not used stays. most_bytes: Of compiled code, of all versions of Python together; the
            newest pack stays, however large it is.
    """
    code, native = os.path.join(folder, "code"), os.path.join(folder, "native")
    versions = _opened(code)
    try:
        total = 0
        for used, size_bytes, name, version in sorted(_packs(versions), key=lambda pack: pack[:3], reverse=True):
            total += size_bytes
            if used < now - kept_s or (total > most_bytes and total > size_bytes):
                version.forget(name)
    finally:
        for version in versions:
            version.close()
    for opened in _opened(native):
        used = opened.used
        opened.close()
        if used < now - kept_s:
            _forget_folder(opened.path)


class _Folder:
    """A folder that is this user's alone."""

    __slots__ = ("_descriptor", "path")

    def __init__(self, path: str, descriptor: int) -> None:
        self.path, self._descriptor = path, descriptor

    @property
    def used(self) -> float:
        return (os.stat(self.path) if self._descriptor < 0 else os.fstat(self._descriptor)).st_mtime

    def names(self) -> list[str]:
        return _names(self.path if self._descriptor < 0 else self._descriptor)

    def seen(self, name: str) -> os.stat_result | None:
        """What is there by this name, be it a link; None when it is gone."""
        try:
            return os.lstat(os.path.join(self.path, name)) if self._descriptor < 0 else self._seen(name)
        except OSError:
            return None

    def _seen(self, name: str) -> os.stat_result:
        return os.stat(name, dir_fd=self._descriptor, follow_symlinks=False)

    def forget(self, name: str) -> None:
        try:
            if self._descriptor < 0:
                os.unlink(os.path.join(self.path, name))
            else:
                os.unlink(name, dir_fd=self._descriptor)
        except OSError:  # another process was quicker; Windows, where it is open
            pass

    def close(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)


def _opened(above: str) -> list[_Folder]:
    """The folders in this one that are this user's alone."""
    paths = (os.path.join(above, name) for name in _names(above))
    found = ((path, open_private(path)) for path in paths)
    return [_Folder(path, descriptor) for path, descriptor in found if descriptor is not None]


def _packs(folders: list[_Folder]) -> list[tuple[float, int, str, _Folder]]:
    """When it was used, its size, its name and its folder, of each file."""
    found = []
    for folder in folders:
        for name in folder.names():
            seen = folder.seen(name)
            if seen is not None and stat.S_ISREG(seen.st_mode):
                found.append((seen.st_mtime, seen.st_size, name, folder))
    return found


def _names(folder: str | int) -> list[str]:
    try:
        return os.listdir(folder)
    except OSError:
        return []


def _forget_folder(path: str) -> None:
    from shutil import rmtree

    rmtree(path, ignore_errors=True)  # which takes no link for a folder, nor falls for one put in its place
