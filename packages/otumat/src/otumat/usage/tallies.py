"""
What the counters' maps say: reading, making room, wiping. Not on a host's import path; `maps.py` says what a map is.

A *tally* is one label's count in one map. Its place, `file#offset`, is to `outbox.py` what a segment is: how much of it
is in batches already is noted there.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

from otumat.spec.consent import LOCAL, ON
from otumat.usage import held
from otumat.usage.files import locked
from otumat.usage.maps import BEGIN, MAGIC, entries, hold, maps_folder
from otumat.usage.spool import give_back

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from otumat.usage.held import Record


class Tally(NamedTuple):
    """How often one event was counted in one map since that was made."""

    place: str
    record: Record


def tallies(folder: str, level: str = "") -> list[Tally]:
    """Every tally of a package, oldest map first. With a level, only that level's."""
    return [each for path in _maps(folder, level) for each in _read(path)]


def beyond(tally: Tally, told: Mapping[str, int], *, most: int) -> Record | None:
    """What of a tally is not told yet; None when all is."""
    before = int(told.get(tally.place, 0))
    fresh = min(tally.record.times - before, most)
    return tally.record._replace(at_us=tally.record.at_us + before, times=fresh) if fresh > 0 else None


def delete_done(folder: str, told: Mapping[str, int], waits: Mapping[str, int]) -> None:
    """Delete the maps of processes that have ended, once all they counted was sent."""
    for path in _maps(folder, ON):
        _delete_if(path, lambda found: all(told.get(each.place, 0) == each.record.times for each in found), waits)


def evict(folder: str) -> bool:
    """
    Delete the oldest map whose process has ended, and count what that lost; whether there was one.

    None while a round of sending is under way: it may have read one already, and nothing is both sent and lost.
    """
    try:
        with locked(os.path.join(folder, "sender.lock"), wait_s=0):
            return _evict(folder)
    except OSError:
        return False


def _evict(folder: str) -> bool:
    from otumat.usage.outbox import recovered, told_of

    recovered(folder)  # from a round that was killed before it noted what of it is in a batch
    told = told_of(folder)
    for path in _maps(folder):
        found = _read(path)
        if _delete_if(path, lambda now, before=found: now == before, {}):  # type: ignore[misc]
            counts: dict[str, int] = {}
            for each in found:
                counts[each.record.name] = counts.get(each.record.name, 0) + each.record.times - told.get(each.place, 0)
            held.count_lost(folder, held.ROOM, {name: times for name, times in counts.items() if times > 0})
            return True
    return False


def wipe(folder: str) -> None:
    """Delete everything that is counted. Who counts notices at the next add."""
    for path in _maps(folder):
        _close(path)
        held.remove(path)


def keep_here(folder: str) -> None:
    """What was counted for sending is kept for the user to look at."""
    for path in _maps(folder, ON):
        _close(path)
        name = os.path.basename(path)
        try:
            os.rename(path, os.path.join(os.path.dirname(path), LOCAL + name.removeprefix(ON)))
        except OSError:
            held.remove(path)


def _maps(folder: str, level: str = "") -> list[str]:
    found = []
    for path in held.listed(maps_folder(folder)):
        if os.path.basename(path).startswith(level) and path.endswith(".map"):
            try:
                found.append((os.stat(path).st_mtime_ns, path))
            except OSError:
                continue  # somebody was quicker; the others are there still
    return [path for _, path in sorted(found)]


def _read(path: str) -> list[Tally]:
    name = os.path.basename(path)
    return [
        Tally(f"{name}#{offset}", record._replace(times=count))
        for offset, label, count in entries(held.read(path))
        for record in held.records(label)
        if record is not None and count
    ]


def _delete_if(path: str, may_go: Callable[[list[Tally]], bool], waits: Mapping[str, int]) -> bool:
    try:
        fd = os.open(path, os.O_RDWR)
    except OSError:
        return False
    try:
        found = _read(path) if hold(fd) else None
        if found is None or not may_go(found) or any(each.place in waits for each in found):
            return False
        _end(fd)  # a host that closes every descriptor, as daemons do, may have lost its lock, and count here still
        return may_go(_read(path)) and held.remove(path)
    finally:
        give_back(fd)


def _close(path: str) -> None:
    """Tell whoever counts here that nobody may any more."""
    try:
        fd = os.open(path, os.O_WRONLY)
        try:
            _end(fd)
        finally:
            os.close(fd)
    except OSError:
        pass


def _end(fd: int) -> None:
    os.pwrite(fd, b"\0" * (BEGIN - len(MAGIC)), len(MAGIC))
