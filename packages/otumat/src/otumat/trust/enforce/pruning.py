"""
What the cache forgets: code and extensions that nothing has used for long, and the oldest of what is too much.

Done when something new was kept, which is after a release was installed, and seldom otherwise. There is no lock: what
is taken away under another process it has open, or makes anew.
"""

from __future__ import annotations

import os
import stat

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
    packs = [pack for version in _names(code) for pack in _packs(os.path.join(code, version))]
    total = 0
    for used, size_bytes, path in sorted(packs, reverse=True):
        total += size_bytes
        if used < now - kept_s or (total > most_bytes and total > size_bytes):
            _forget(path)
    for name in _names(native):
        if _used(os.path.join(native, name)) < now - kept_s:
            _forget_folder(os.path.join(native, name))


def _packs(folder: str) -> list[tuple[float, int, str]]:
    """When it was used, its size and its path, of each file of a folder that is this user's alone."""
    if not _is_private(folder):
        return []
    found = []
    for name in _names(folder):
        path = os.path.join(folder, name)
        try:
            seen = os.lstat(path)
        except OSError:
            continue
        if stat.S_ISREG(seen.st_mode):
            found.append((seen.st_mtime, seen.st_size, path))
    return found


def _names(folder: str) -> list[str]:
    try:
        return os.listdir(folder)
    except OSError:
        return []


def _used(path: str) -> float:
    return os.lstat(path).st_mtime if _is_private(path) else float("inf")


def _is_private(path: str) -> bool:
    try:
        seen = os.lstat(path)
    except OSError:
        return False
    if not hasattr(os, "geteuid"):
        return stat.S_ISDIR(seen.st_mode)
    return stat.S_ISDIR(seen.st_mode) and seen.st_uid == os.geteuid() and not seen.st_mode & 0o077


def _forget(path: str) -> None:
    try:
        os.unlink(path)
    except OSError:  # another process was quicker; Windows, where it is open
        pass


def _forget_folder(path: str) -> None:
    from shutil import rmtree

    rmtree(path, ignore_errors=True)
