"""
What has changed, and is written to its end.

A file is known by its time, size and number; so a file that was written aside and renamed has changed, and so has one
that was deleted and made again. It counts as written once all three have stayed the same for a while.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator


class Look(NamedTuple):
    """How a file looks: time of change in nanoseconds, bytes, number on its disk."""

    changed_ns: int
    size_bytes: int
    number: int


class Changes:
    """
    Remembers how everything looked when it was last told.

    Args:
        path: A file, or a folder with all that is in it; neither has to exist.
        quiet_s: How long a file must stay the same before it counts as written.
    """

    def __init__(self, path: str, *, quiet_s: float) -> None:
        self._path = path
        self._quiet_s = quiet_s
        self._told = look(path)
        self._fresh: dict[str, tuple[Look, float]] = {}

    @property
    def is_settling(self) -> bool:
        """Whether something has changed that may still be written to."""
        return bool(self._fresh)

    def settled(self, at_s: float) -> list[str]:
        """Files that have changed since they were told, and are quiet; each change once, and no file that is gone."""
        now = look(self._path)
        fresh = {name: this for name, this in now.items() if self._told.get(name) != this}
        self._fresh = {
            name: known if (known := self._fresh.get(name)) and known[0] == this else (this, at_s)
            for name, this in fresh.items()
        }
        quiet = sorted(name for name, (_, since_s) in self._fresh.items() if at_s - since_s >= self._quiet_s)
        self._told = {name: this for name, this in self._told.items() if name in now}
        self._told |= {name: self._fresh.pop(name)[0] for name in quiet}
        return quiet


def look(path: str) -> dict[str, Look]:
    """How every file at a path looks; what cannot be looked at is not there."""
    names = _inside(path) if os.path.isdir(path) else [path]
    return {name: found for name in names if (found := _look(name)) is not None}


def _inside(folder: str) -> Iterator[str]:
    for place, _, names in os.walk(folder):
        yield from (os.path.join(place, name) for name in names)


def _look(name: str) -> Look | None:
    try:
        found = os.stat(name)
    except OSError:
        return None
    return Look(found.st_mtime_ns, found.st_size, found.st_ino)
