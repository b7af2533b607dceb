"""
Counters for hot paths: where a record for each use would be too much, a number in a shared map is raised.

An add costs well below a microsecond, asks all that `log` asks, and is kept however the process ends, for the number
stands in a file's page (`maps.py`), not in ours. Where such a map may not be, the same is written down as records.
"""

from __future__ import annotations

from _thread import allocate_lock
from time import time_ns

import otumat
from otumat.usage import places

TYPE_CHECKING = False
if TYPE_CHECKING:
    from otumat.usage.agent import UsageAgent
    from otumat.usage.maps import Map

ADD_MAX = 1_000_000_000
OWNER = 1
_US = 1000
_DAY_NS = 24 * 60 * 60 * 1_000_000_000

_ENVIRON, _NO, _OURS = places.ENVIRON, places.DO_NOT_TRACK, places.OTUMAT_USAGE


class Place:
    """
    Where the uses of one event are counted today, by this process.

    Attributes:
        words, at: The map as numbers, and which of them is ours; 0 means that nothing is counted.
        token: The map's owner as long as it is us; another one there means that it was taken away.
        since, until: While this holds, nanoseconds since 1970.
        lock, pending: Whoever holds the lock adds what all have left in `pending`: nobody ever waits, so nobody
            can wait for ever (signal handlers, forked children).
    """

    __slots__ = ("at", "lock", "pending", "since", "token", "until", "words")

    def __init__(self, words: memoryview | tuple[int, int], at: int, token: int) -> None:
        self.words = words
        self.at = at
        self.token = token
        self.since = self.until = 0
        self.lock = allocate_lock()
        self.pending: list[int] = []


class Counter:
    """Counts one event: `counter = agent.counter("row_read", backend="mysql")`, then `counter.add()`."""

    __slots__ = ("_agent", "_name", "_place", "_properties")

    def __init__(self, agent: UsageAgent, name: str, properties: dict[str, str]) -> None:
        self._agent = agent
        self._name = name
        self._properties = properties
        self._place = Place((0, 0), 0, 0)

    def add(self, times: int = 1) -> None:
        """Count uses, if the user said yes; never raises, prints or waits."""
        try:
            if times.__class__ is not int or not 0 < times <= ADD_MAX:
                return
            place, now = self._place, time_ns()
            if (
                not place.since <= now < place.until
                or place.words[OWNER] != place.token
                or otumat.DISABLE_USAGE_TRACKING_PACKAGES
                or _NO in _ENVIRON
                or _OURS in _ENVIRON
            ):
                place = self._find(now, times)
            if place.at:
                pending = place.pending
                pending.append(times)
                while pending and place.lock.acquire(False):
                    try:
                        while pending:
                            place.words[place.at] += pending.pop()  # type: ignore[index]
                    finally:
                        place.lock.release()
        except Exception:  # noqa: BLE001, S110 - our trouble, never the host's
            pass

    def _find(self, now: int, times: int) -> Place:
        """Where to count, from now on for a while; what cannot be counted there is written down at once."""
        agent = self._agent
        head = agent.head_of(self._name, self._properties, now)
        if head is None and _is_said():
            return _NOWHERE  # denied by what may change at any moment: it is asked again at the next add
        if not head:
            self._place = place = Place((0, 0), 0, 0)
            place.since, place.until = now, agent.looks_again_at
            return place
        since = now - now % _DAY_NS
        found = _place_for(agent.folder, agent.answer.level, head + b"%d" % (since // _US) + agent.tail)
        if found is None:
            agent.write(head, now, times)
            return _NOWHERE
        found.since, found.until = now, min(since + _DAY_NS, agent.looks_again_at)
        self._place = found
        return found


_NOWHERE = Place((0, 0), 0, 0)
_opening = allocate_lock()
_open: dict[tuple[str, str], Map] = {}


def _is_said() -> bool:
    return bool(otumat.DISABLE_USAGE_TRACKING_PACKAGES) or _NO in _ENVIRON or _OURS in _ENVIRON


def _place_for(folder: str, level: str, label: bytes) -> Place | None:
    """The place of a label in this process's map; None where there is no map, or another thread is opening it."""
    if not _opening.acquire(False):
        return None
    try:
        known = _open.get((folder, level))
        if known is not None:
            found = known.place_of(label)
            if found is not None:
                return found
            known.leave()
        from otumat.usage.maps import open_map

        fresh = open_map(folder, level, len(label), when_forked=_forget)
        if fresh is None:
            _open.pop((folder, level), None)
            return None
        _open[folder, level] = fresh
        return fresh.place_of(label)
    finally:
        _opening.release()


def _forget() -> None:
    """In a forked child: the maps are the parent's, and so are locks that another of its threads held."""
    global _opening
    for each in _open.values():
        each.leave(is_parents=True)
    _open.clear()
    _opening = allocate_lock()
