"""
Making room in the spool: the oldest go, and how many uses of what went with them is noted. A host is waiting meanwhile.
"""

from __future__ import annotations

import errno
import os
import time
from typing import TYPE_CHECKING

from otumat.usage import held
from otumat.usage.outbox import cursor_of
from otumat.usage.spool import RS, spool_folder

if TYPE_CHECKING:
    from collections.abc import Callable

_EVICTED, _EVICTING_S = ".evicted", 60


def evict(folder: str, fits: Callable[[], bool], *, ours: str) -> None:
    """
    Delete the oldest segments until the rest fits, and count what that lost.

    First those that no writer holds, also ones that a machine left open: a writer that was about to write would lose
    that use unseen.

    Args:
        ours: What the names of the segments end with that this machine writes to; they stay.

    Errors:
        OSError: it does not fit, and no more can be deleted.
    """
    _take_up_evicted(folder)
    for held_too in (False, True):
        for path in held.segments(folder):
            if fits():
                return
            if not path.endswith(ours):
                _evict(folder, path, held_too=held_too and path.endswith(".sealed"))
    if not fits():
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _take_up_evicted(folder: str) -> None:
    """Go on with what a process was about to evict when it ended."""
    for path in held.listed(spool_folder(folder)):
        try:
            if path.endswith(_EVICTED) and os.stat(path).st_ctime < time.time() - _EVICTING_S:
                _evict(folder, path, held_too=True)
        except OSError:
            continue  # somebody was quicker


def _evict(folder: str, path: str, *, held_too: bool) -> None:
    try:
        fd = held.hold_alone(path)
        try:
            if fd < 0 and not held_too:
                return
            taken = path + _EVICTED
            os.rename(path, taken)  # of several that want to, one does
        finally:
            if fd >= 0:
                os.close(fd)
    except OSError:
        return  # somebody was quicker, or it is not ours
    counts: dict[bytes, int] = {}
    for line in held.read(taken)[cursor_of(folder, path.partition(_EVICTED)[0]) :].split(RS)[1:]:  # names only
        name, times = line.partition(b"\t")[0], line.rpartition(b"\t")[2].rstrip(b"\n")
        counts[name] = counts.get(name, 0) + (int(times) if times.isdigit() else 1)
    held.count_lost(folder, held.ROOM, {name.decode(errors="replace"): times for name, times in counts.items()})
    held.remove(taken)
