"""
Making room in the spool: the oldest go, and how many uses of what went with them is noted. A host is waiting meanwhile.
"""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

from otumat.usage import held
from otumat.usage.outbox import cursor_of
from otumat.usage.spool import RS, SEALED_MODE, SPOOL_MAX_BYTES, give_back, sealed_name, spool_folder

if TYPE_CHECKING:
    from collections.abc import Callable

_EVICTING_S = 60
_PATIENCE_MS = 10
_SEEN_S = 120  # by when a writer on another machine has seen that its segment is sealed; NFS may say so a minute late


def evict(folder: str, fits: Callable[[], bool], *, machine: str) -> bool:
    """
    Delete the oldest segments until the rest fits, and count what that lost; whether it fits.

    First those that no writer holds, also ones that a machine left open: a writer that was about to write would lose
    that use unseen. So those come only when no other process is making room already.

    Args:
        machine: This one, as in the names of segments; what it writes to stays.
    """
    _take_up_evicted(folder)
    for path in _evictable(folder, machine):
        if fits():
            return True
        _evict(folder, path, held_too=False)
    if not _is_done_by_others(folder, fits):
        return False
    for path in _evictable(folder, machine):
        if fits():
            return True
        _evict(folder, path, held_too=_is_known_to_be_sealed(path, machine))
    return fits()


def _evictable(folder: str, machine: str) -> list[str]:
    return [path for path in held.segments(folder) if not path.endswith((f"-{machine}.open", held.GATHERED))]


def _is_done_by_others(folder: str, fits: Callable[[], bool]) -> bool:
    """Whether nobody is evicting any more, or what they did is enough: that is a matter of a moment."""
    for _ in range(_PATIENCE_MS):
        if fits() or not any(path.endswith(held.EVICTED) for path in held.listed(spool_folder(folder))):
            return True
        time.sleep(0.001)
    return False


def _is_known_to_be_sealed(path: str, machine: str) -> bool:
    if not path.endswith(".sealed"):
        return False
    if f"-{machine}-" in os.path.basename(path):
        return True
    try:
        return os.stat(path).st_ctime < time.time() - _SEEN_S
    except OSError:
        return False


def count_gone(folder: str, data: bytes, *, segment: str = "") -> None:
    """Note that there was no room for these records, if any: of an evicted segment, once, however often it is noted."""
    counts: dict[bytes, int] = {}
    for line in data.split(RS)[1:]:  # a host is waiting: names only
        name, times = line.partition(b"\t")[0], line.rpartition(b"\t")[2].rstrip(b"\n")
        counts[name] = counts.get(name, 0) + (int(times) if times.isdigit() else 1)
    by_name = {name.decode(errors="replace"): times for name, times in counts.items()}
    held.count_lost(folder, held.ROOM, by_name, segment=segment)


def _take_up_evicted(folder: str) -> None:
    """Go on with what a process was about to evict when it ended."""
    for path in held.listed(spool_folder(folder)):
        try:
            if path.endswith(held.EVICTED) and os.stat(path).st_ctime < time.time() - _EVICTING_S:
                _evict(folder, path, held_too=True)
        except OSError:
            continue  # somebody was quicker


def _evict(folder: str, path: str, *, held_too: bool) -> None:
    alone = -1
    try:
        alone = held.hold_alone(path)
        if alone < 0 and not held_too:
            return
        if alone >= 0 and os.name == "nt":  # renames nothing that is open, so nobody writes to what it renames
            os.close(alone)
            alone = -1
        taken = (sealed_name(path) if path.endswith(".open") else path) + held.EVICTED
        os.rename(path, taken)  # of several that want to, one does
        os.chmod(taken, SEALED_MODE)
        fd = os.open(taken, os.O_RDONLY)
        try:
            os.lseek(fd, cursor_of(folder, path), os.SEEK_SET)
            count_gone(folder, os.read(fd, SPOOL_MAX_BYTES), segment=held.name_of(taken))
            held.remove(taken)
            count_gone(folder, os.read(fd, SPOOL_MAX_BYTES))  # what somebody was about to write
        finally:
            os.close(fd)
        held.remove(taken)  # Windows deletes nothing that is open
    except OSError:
        return  # somebody was quicker, or it is not ours
    finally:
        if alone >= 0:  # until now, so that nobody begins to write to what another machine left open
            give_back(alone)
