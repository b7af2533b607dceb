"""Files of a package's state: written whole or not at all, for this user's eyes, and locked while they change."""

from __future__ import annotations

import json
import os
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from otumat.usage.spool import give_back

if TYPE_CHECKING:
    from collections.abc import Iterator

FILE_MAX_BYTES = 4 * 1024 * 1024
_POLL_S = 0.02


class Busy(OSError):
    """Another process holds the lock."""


def write_whole(path: str, data: bytes) -> None:
    """Replace a file: after a crash there is the old one or the new one. Mode 0600, in a folder of mode 0700."""
    os.makedirs(os.path.dirname(path), 0o700, exist_ok=True)
    passing = f"{path}.{os.urandom(6).hex()}.tmp"
    fd = os.open(passing, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600)
    try:
        with open(fd, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(passing, path)
    except BaseException:
        with suppress(OSError):  # it may have its new name already, and Ctrl-C must stay Ctrl-C
            os.unlink(passing)
        raise
    _sync_folder(os.path.dirname(path))


def write_json(path: str, value: object) -> None:
    write_whole(path, json.dumps(value, indent=1, sort_keys=True).encode())


def read_json(path: str) -> dict[str, Any]:
    """An object of JSON; empty when there is none, or it cannot be read."""
    try:
        with open(path, "rb") as file:
            value = json.loads(file.read(FILE_MAX_BYTES))
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}


@contextmanager
def locked(path: str, *, wait_s: float) -> Iterator[None]:
    """
    Hold a lock that the system gives back however this process ends.

    Errors:
        Busy: somebody else held it for all of `wait_s`.
    """
    os.makedirs(os.path.dirname(path), 0o700, exist_ok=True)
    fd = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        deadline = time.monotonic() + wait_s
        while not _try_lock(fd):
            if time.monotonic() >= deadline:
                raise Busy(path)
            time.sleep(_POLL_S)
        yield
    finally:
        give_back(fd)


def _try_lock(fd: int) -> bool:
    try:
        try:
            import fcntl
        except ImportError:
            import msvcrt

            msvcrt.locking(fd, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]
        else:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return False
    return True


def _sync_folder(folder: str) -> None:
    """Make the new name durable, too; Windows cannot and need not."""
    try:
        fd = os.open(folder, os.O_RDONLY)
    except OSError:
        return
    try:
        os.fsync(fd)
    except OSError:
        pass
    finally:
        os.close(fd)
