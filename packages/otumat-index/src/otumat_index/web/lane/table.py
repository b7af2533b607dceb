"""One worker's memory of the lane: entries by request line, readings by header block, bodies within a bound."""

from __future__ import annotations

import logging
import os
import sqlite3
import stat
from collections.abc import Collection
from email.utils import formatdate
from pathlib import Path
from time import monotonic, monotonic_ns, time
from typing import Final

from otumat.spec.simple import Format, negotiate_type
from otumat_index.web.lane.cells import COUNTERS
from otumat_index.web.lane.heads import Reading, Verdict, read_fields
from otumat_index.web.lane.store import Row, Store

logger = logging.getLogger(__name__)

# Bodies in a row. With fewer cores than there is work for, who waits, waits for so many and not for the system's tick.
TURN: Final = 8
HEARTBEAT_LIMIT_NS: Final = 5_000_000_000
_PREPARED: Final = frozenset(("text/html", "application/vnd.pypi.simple.v1+json"))
LARGE_FROM_BYTES: Final = 256 * 1024
READINGS_LIMIT: Final = 4096
READING_LIMIT_BYTES: Final = 4096
# What an entry costs beside its bodies: objects, keys, headers (measured with tracemalloc: 2.1 to 2.9 kB).
ENTRY_BYTES: Final = 3000

PAGES, NOT_MODIFIED, FILES, LARGE, LOADED, EVICTED, PASSED, BYTES_HELD = range(len(COUNTERS))


class Variant:
    """
    One answer in one coding.

    `head` is all header lines after the Date and the empty line; `whole` head and body in one, once loaded;
    `unchanged` the same for a 304. `file` is set for what is sent from disk.
    """

    __slots__ = ("compressed", "counter", "file", "head", "row", "size", "tag", "unchanged", "whole")

    def __init__(self, row: Row, *, compressed: bool, size: int, file: str | None) -> None:
        self.row = row
        self.compressed = compressed
        self.size = size
        self.file = file
        self.tag = f'"{row.digest}{"-gzip" if compressed else ""}"'.encode("ascii")
        self.whole: bytes | None = None
        raw = row.format == "raw"
        self.counter = FILES if raw else PAGES
        lasting = [f"{name}: {value}" for name, value in row.headers]
        lasting += [f"ETag: {self.tag.decode()}", "X-Content-Type-Options: nosniff"]
        if not raw:
            lasting.append("Vary: Accept, Accept-Encoding")
        about = [f"Content-Type: {row.content_type}", f"Content-Length: {size}"]
        if compressed:
            about.append("Content-Encoding: gzip")
        self.head = "\r\n".join([*about, *lasting, "", ""]).encode("ascii")
        self.unchanged = "\r\n".join([*lasting, "", ""]).encode("ascii")


class Entry:
    """
    All answers of one path. `slots`: html, html gzip, json, json gzip, neither, neither gzip; None is not answered
    here.
    """

    __slots__ = ("held", "line", "slots", "topic", "used")

    def __init__(self, line: bytes, topic: str, slots: tuple[Variant | None, ...]) -> None:
        self.line = line
        self.topic = topic
        self.slots = slots
        self.used = False
        self.held = ENTRY_BYTES + len(line)


class Table:
    """
    The lane of one worker process. Lives in the event loop's thread; `tick` wants to be called a few times a second.
    """

    def __init__(
        self, path: Path, *, worker: int = 0, memory_bytes: int = 64 << 20, hosts: Collection[str] = ("*",)
    ) -> None:
        self.store = Store(path, busy_timeout_s=0.05)
        self.worker = worker
        self.memory_bytes = memory_bytes
        self.hosts = frozenset(hosts)
        self.lines: dict[bytes, Entry] = {}
        self.readings: dict[bytes, Reading] = {}
        self.topics: dict[str, set[bytes]] = {}
        self.held = 0
        self.counts = [0] * len(COUNTERS)
        self._turn = TURN
        self._bind()
        self._date()

    def _bind(self) -> None:
        """Begin anew with the store's present files."""
        self._clear()
        self.store.cells.start(self.worker)
        self.cells = self.store.cells.view
        # `seen` is the value of the cell last acted on, `_known` how far in the file's own order that got us. They
        # differ when two writers come to the cell in another order than to the file.
        self.seen = self.cells[0]
        self._known = self.store.generation()

    def _date(self) -> None:
        self.now = monotonic()
        date = formatdate(time(), usegmt=True)
        start = f"Server: otumat-index\r\nDate: {date}\r\n"
        self.ok = f"HTTP/1.1 200 OK\r\n{start}".encode("ascii")
        self.ok_close = f"HTTP/1.1 200 OK\r\nConnection: close\r\n{start}".encode("ascii")
        self.unchanged = f"HTTP/1.1 304 Not Modified\r\n{start}".encode("ascii")
        self.unchanged_close = f"HTTP/1.1 304 Not Modified\r\nConnection: close\r\n{start}".encode("ascii")

    def give_way(self) -> None:
        """Call after each body: some bodies on, whoever waits for this core has it first."""
        self._turn -= 1
        if not self._turn:
            self._turn = TURN
            os.sched_yield()

    def is_live(self) -> bool:
        """Whether answers may be given now: nothing changed unheard, and the follower's heart beats."""
        if self.cells[0] != self.seen:
            self.catch_up()
        return 0 <= monotonic_ns() - self.cells[1] <= HEARTBEAT_LIMIT_NS

    def catch_up(self) -> None:
        """Drop what changed since last time. When that cannot be learned, drop everything."""
        announced = self.cells[0]
        try:
            if self.store.stay_current():
                self._bind()
                return
            changes = self.store.changes_since(self._known)
        except (sqlite3.Error, OSError):
            logger.exception("The hot lane cannot read its store; it starts over.")
            self._clear()
            return  # `seen` stays behind, so the next request asks again
        if changes.topics is None:
            self._clear()
        else:
            for topic in changes.topics & self.topics.keys():
                for line in list(self.topics[topic]):
                    self.drop(self.lines[line])
        self.seen = announced
        self._known = changes.generation

    def tick(self) -> None:
        """
        Renew date and clock, publish the counters, and look at the file itself in case a writer died before it could
        tell.
        """
        self._date()
        self.counts[BYTES_HELD] = self.held
        try:
            if self.store.stay_current() or self.cells is not self.store.cells.view:
                self._bind()
            elif self.store.generation() != self._known:
                self.catch_up()
        except (sqlite3.Error, OSError):
            logger.exception("The hot lane cannot read its store; it starts over.")
            self._clear()
        row = self.store.cells.row(self.worker)
        for index, count in enumerate(self.counts):
            if index == BYTES_HELD:
                row[index] = count
            elif count:
                row[index] += count
                self.counts[index] = 0

    # Readings.

    def read(self, block: bytes) -> Reading | Verdict:
        """Read a header block, remembering readings without credentials by their exact bytes."""
        known = self.readings.get(block)
        if known is not None:
            return known
        reading = read_fields(block, negotiate=_format, hosts=self.hosts)
        if isinstance(reading, Reading) and reading.named and not reading.secret and len(block) <= READING_LIMIT_BYTES:
            if len(self.readings) >= READINGS_LIMIT:
                self.readings.clear()
            self.readings[block] = reading
        return reading

    # Entries.

    def entry(self, path: bytes) -> Entry | None:
        """Return the entry of a path, from memory or store; None when the lane has no answer."""
        line = b"GET " + path + b" HTTP/1.1"
        entry = self.lines.get(line)
        return entry if entry is not None else self._load_entry(line, path)

    def _load_entry(self, line: bytes, path: bytes) -> Entry | None:
        try:
            rows = self.store.find(path.decode("ascii"))
        except (sqlite3.Error, OSError, UnicodeDecodeError):
            return None
        if not rows:
            return None
        entry = Entry(line, rows[0].topic, _slots(rows))
        self.lines[line] = entry
        self.topics.setdefault(entry.topic, set()).add(line)
        self._hold(entry, entry.held)
        return entry

    def load(self, entry: Entry, variant: Variant) -> bytes | None:
        """Bring head and body of a variant into memory; None (and the entry forgotten) when they are gone."""
        try:
            body = self.store.body(variant.row, compressed=variant.compressed) if not variant.file else _read(variant)
        except (sqlite3.Error, OSError):
            body = None
        if body is None or len(body) != variant.size:
            self.drop(entry)
            return None
        whole = variant.head + body
        self.counts[LOADED] += 1
        if self.lines.get(entry.line) is entry and len(whole) <= self.memory_bytes // 4:
            variant.whole = whole
            entry.held += len(whole)
            self._hold(entry, len(whole))
        return whole

    def _hold(self, newest: Entry, size: int) -> None:
        """Second chance: what was used since its last turn goes to the end of the queue, the rest goes."""
        self.held += size
        newest.used = True
        while self.held > self.memory_bytes and len(self.lines) > 1:
            oldest = next(iter(self.lines.values()))
            if oldest.used:
                oldest.used = oldest is newest
                self.lines[oldest.line] = self.lines.pop(oldest.line)
            else:
                self.counts[EVICTED] += 1
                self.drop(oldest)

    def drop(self, entry: Entry) -> None:
        """Forget an entry, if it is still there."""
        if self.lines.get(entry.line) is not entry:
            return
        del self.lines[entry.line]
        self.held -= entry.held
        lines = self.topics[entry.topic]
        lines.discard(entry.line)
        if not lines:
            del self.topics[entry.topic]

    def _clear(self) -> None:
        self.lines.clear()
        self.topics.clear()
        self.held = 0


def _format(accept: str | None) -> Format | None:
    """Pick what is prepared; the seldom asked third type, HTML under its versioned name, is left to the application."""
    answer = negotiate_type(accept)
    return None if answer is None or answer.content_type not in _PREPARED else answer.format


def _slots(rows: list[Row]) -> tuple[Variant | None, ...]:
    pairs = {row.format: _pair(row) for row in rows}
    if "raw" in pairs:
        return pairs["raw"] * 3
    nothing = (None, None)
    return (*pairs.get("html", nothing), *pairs.get("json", nothing), *nothing)


def _pair(row: Row) -> tuple[Variant, Variant]:
    plain = Variant(row, compressed=False, size=row.size, file=row.file)
    if row.compressed_size is None:
        return plain, plain
    return plain, Variant(row, compressed=True, size=row.compressed_size, file=row.compressed_file)


def _read(variant: Variant) -> bytes | None:
    """Read a small file whole; None when it is not what was announced."""
    handle = open_file(variant)
    if handle is None:
        return None
    with os.fdopen(handle, "rb") as file:
        return file.read(variant.size + 1)


def open_file(variant: Variant) -> int | None:
    """Open a variant's file for reading; None when it is no regular file of the announced size any more."""
    try:
        handle = os.open(variant.file or "", os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return None
    found = os.fstat(handle)
    if stat.S_ISREG(found.st_mode) and found.st_size == variant.size:
        return handle
    os.close(handle)
    return None
