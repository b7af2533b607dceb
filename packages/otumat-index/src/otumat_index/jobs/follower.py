"""
The journal's follower: one process a machine that tells the hot lane and the rooms what changed.

It wakes when the catalogue changes (SQLite's `data_version`; PostgreSQL: a look every 100 ms, one indexed row), reads
which projects the journal names since last time, marks their prepared pages stale, then calls the listeners. Killed at
any point it does the same again: listeners are safe to run twice.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator

from django.conf import settings
from django.db import DatabaseError, close_old_connections, connection

from otumat_index.journal import queries as journal
from otumat_index.web.lane import Store

log = logging.getLogger(__name__)
LOOK_EVERY_S = 0.1
HEARTBEAT_EVERY_S = 0.5
SERIALS_AT_ONCE = 5_000

Listener = Callable[[dict[str, int]], object]
Chore = Callable[[], object]
LISTENERS: list[Listener] = []
CHORES: list[tuple[float, Chore]] = []


def listens(listener: Listener) -> Listener:
    """Call this with changed projects (normalised name to newest serial) after the lane has forgotten them."""
    LISTENERS.append(listener)
    return listener


def every(seconds: float) -> Callable[[Chore], Chore]:
    """Call this at start and then about every so many seconds."""

    def register(chore: Chore) -> Chore:
        CHORES.append((seconds, chore))
        return chore

    return register


class Follower:
    """One machine's follower."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.due = {chore: 0.0 for _, chore in CHORES}
        self.caught_up = False
        # Rendering and chores may take a while; the heart beats in a thread of its own, but only for a loop that moves.
        self.moved_at = time.monotonic()

    def run(self, stopping: threading.Event) -> None:
        """Follow until told to stop."""
        beat = threading.Thread(target=self.beat, args=(stopping,), daemon=True)
        beat.start()
        for _ in self.ticks(stopping):
            try:
                self.catch_up()
                self.do_chores()
            except (DatabaseError, OSError) as exc:
                log.warning("The follower could not look at the journal: %s. It tries again.", exc)
                self.caught_up = False
                self.store.silence()
                close_old_connections()
                stopping.wait(1)
        self.store.silence()

    def ticks(self, stopping: threading.Event) -> Iterator[None]:
        seen: object = None
        while not stopping.is_set():
            now = data_version()
            if now != seen or connection.vendor != "sqlite" or self.chore_is_due():
                seen = now
                yield
            self.moved_at = time.monotonic()
            stopping.wait(LOOK_EVERY_S)

    def beat(self, stopping: threading.Event) -> None:
        """Five silent seconds turn the lane off, and so does a stuck follower. Not before all changes were told."""
        while not stopping.wait(HEARTBEAT_EVERY_S):
            if self.caught_up and time.monotonic() - self.moved_at < 2:
                self.store.heartbeat()

    def catch_up(self) -> None:
        """Tell the lane and the listeners everything since last time."""
        head, followed = journal.last_serial(), self.store.followed
        if followed > head:
            self.begin_anew()
            followed = 0
        if followed == 0 or head - followed > SERIALS_AT_ONCE:
            # A new store, or an import: nothing prepared before is to be believed.
            self.store.mark_all_stale(head)
            self.store.followed = head
            self.tell(journal.topics_since(max(followed, head - SERIALS_AT_ONCE), up_to=head))
        elif followed < head:
            topics = journal.topics_since(followed, up_to=head)
            for topic, serial in topics.items():
                self.store.mark_stale(topic, serial)
            self.store.followed = head
            self.tell(topics)
        self.caught_up = True

    def begin_anew(self) -> None:
        """
        Another database than last time, whose serials mean other things: a store that knows none of them.

        The empty one would refuse every page until the serials had come as far as the old ones.
        """
        self.store.silence()
        for ending in ("", "-wal", "-shm"):
            self.store.path.with_name(self.store.path.name + ending).unlink(missing_ok=True)
        self.store.stay_current()

    def tell(self, topics: dict[str, int]) -> None:
        for listener in LISTENERS:
            call(listener, topics)

    def chore_is_due(self) -> bool:
        return any(time.monotonic() >= at for at in self.due.values())

    def do_chores(self) -> None:
        for seconds, chore in CHORES:
            if time.monotonic() >= self.due[chore]:
                call(chore)
                self.due[chore] = time.monotonic() + seconds


def call(function: Callable[..., object], *args: object) -> None:
    """One listener's failure is logged and keeps no other from its work."""
    try:
        function(*args)
    except Exception:
        log.exception("%s failed", getattr(function, "__qualname__", function))


def data_version() -> int:
    """SQLite's count of commits by others; 0 elsewhere."""
    if connection.vendor != "sqlite":
        return 0
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA data_version")
        return int(cursor.fetchone()[0])


def main(stopping: threading.Event) -> None:
    """Entry of the process that `serve` starts."""
    store = Store(settings.CONFIG.lane_path)
    Follower(store).run(stopping)
    store.close()
