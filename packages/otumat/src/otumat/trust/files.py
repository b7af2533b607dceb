"""Files put in place at once: whole, or not at all."""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable


def replace(path: str, pieces: Iterable[bytes], *, mode: int, new: bool = False) -> None:
    """
    Write a file beside the one it is to replace, make it durable, and put it in its place.

    Args:
        mode: Its permissions, from its first byte on. new: Refuse to replace anything.

    Errors:
        FileExistsError: `new`, and there is something.
    """
    scratch = f"{path}.{os.urandom(8).hex()}"
    try:
        with os.fdopen(
            os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), mode), "wb"
        ) as file:
            for piece in pieces:
                file.write(piece)
            file.flush()
            os.fsync(file.fileno())
        if new:
            _link(scratch, path)
        else:
            os.replace(scratch, path)
    finally:
        if os.path.lexists(scratch):
            os.unlink(scratch)


def _link(scratch: str, path: str) -> None:
    try:
        os.link(scratch, path)  # unlike rename, fails when there is something
    except FileExistsError:
        raise
    except OSError:  # a file system without links
        if os.path.lexists(path):
            raise FileExistsError(17, "File exists", path) from None
        os.replace(scratch, path)
