"""
Prepared answers in a SQLite file of their own, shared by all processes of one machine.

Everything here is derived: the file may be deleted at any time, and a damaged one is replaced by an empty one. It is
in WAL mode with synchronous=NORMAL, which syncs at checkpoints only, so a commit costs no sync, yet after a power cut
the file holds a consistent past, `followed` included: whoever follows the journal goes on from there.

A *topic* names what answers are about and dropped by; a *serial* says how much of the journal a rendering had seen.
"""

from __future__ import annotations

import json
import sqlite3
import time
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from otumat_index.web.lane.answers import Answer, Format, Header
from otumat_index.web.lane.cells import Cells
from otumat_index.web.lane.database import Database, Execute

CHANGES_KEPT = 10_000

_COLUMNS = "id, topic, path, format, content_type, digest, size, headers, file, compressed_file, compressed_size"


class Row(NamedTuple):
    """
    A stored answer without its body.

    `size` is the length of the plain body, `compressed_size` that of the gzip form, None without one. Where there is
    one, it is the body kept in the store.
    """

    id: int
    topic: str
    path: str
    format: Format
    content_type: str
    digest: str
    size: int
    headers: tuple[Header, ...]
    file: str | None
    compressed_file: str | None
    compressed_size: int | None


class Changes(NamedTuple):
    """
    Topics changed since a generation, and the generation that includes them. `topics` is None for "anything may
    have".
    """

    generation: int
    topics: frozenset[str] | None


class Store:
    """One process's door to the store; threads may share it."""

    def __init__(self, path: Path, *, busy_timeout_s: float = 5.0) -> None:
        self.path = path
        self._file = Database(path, busy_timeout_s=busy_timeout_s)

    def close(self) -> None:
        """Close file and page."""
        self._file.close()

    @property
    def cells(self) -> Cells:
        """The shared page; another one after the files were replaced."""
        return self._file.cells

    # What renderers call.

    def put(self, topic: str, serial: int, answers: Iterable[Answer]) -> bool:
        """
        Keep answers rendered from a state that included the journal up to `serial`.

        Take the serial before reading what is rendered (or in the same snapshot), never after. The whole call is
        refused when the topic has since gone stale, and an answer when a newer one is there: an old rendering never
        overwrites.

        Returns:
            Whether the topic took them.
        """
        rows = list(answers)
        return self._file.attempt(lambda: self._put(topic, serial, rows))

    def mark_stale(self, topics: str | Iterable[str], serial: int) -> None:
        """
        Drop what was rendered before `serial`; when this returns, no worker of this machine answers with it any more.

        Calling it again, or late, for a serial already seen by a newer rendering does nothing to that rendering.

        Raises:
            sqlite3.Error: Not written. The follower of the journal, which repeats every call, must not beat its heart
            until it is.
        """
        names = [topics] if isinstance(topics, str) else list(topics)
        if names:
            self._file.attempt(lambda: self._mark_stale(names, serial))

    def mark_all_stale(self, serial: int) -> None:
        """Drop every answer rendered before `serial`: for changes that touch all pages."""
        self._file.attempt(lambda: self._mark_all_stale(serial))

    # What the follower of the journal calls.

    def heartbeat(self) -> bool:
        """
        Say that everything the journal held a moment ago is marked here. Call it at least once a second, and only
        when it is so: five seconds of silence turn the lane off.

        Returns: False, without a beat, while `followed` is 0: a new store (the old one may just have been lost) knows
        of no change, so it could not refuse a rendering that is on its way and older than one. Call `mark_all_stale`
        with the journal's last serial, set `followed` to it, and go on from there.
        """
        try:
            return self._file.attempt(self._beat)
        except (sqlite3.Error, OSError):
            return False

    def _beat(self) -> bool:
        alive = self._file.meta("followed") > 0
        self.cells.view[1] = time.monotonic_ns() if alive else 0
        return alive

    def silence(self) -> None:
        """Turn the lane off until the next heartbeat."""
        with self._file.lock:
            self._file.stay_current()
            self.cells.view[1] = 0

    @property
    def followed(self) -> int:
        """The journal's serial up to which all changes are marked here; 0 in a new store."""
        return self._file.attempt(lambda: self._file.meta("followed"))

    @followed.setter
    def followed(self, serial: int) -> None:
        self._file.attempt(lambda: self._file.set_meta("followed", serial))

    # What workers and doors call.

    def find(self, path: str) -> list[Row]:
        """Return the answers kept for a path, one a format, without their bodies."""
        query = f"SELECT {_COLUMNS} FROM answers WHERE path = ?"  # noqa: S608 - only constants
        return self._file.attempt(lambda: [_row(found) for found in self._file.execute(query, (path,))])

    def body(self, row: Row, *, compressed: bool) -> bytes | None:
        """Return the plain or the gzip bytes of an answer; None when it is no longer there."""
        found = self._file.attempt(
            lambda: self._file.execute("SELECT body FROM answers WHERE id = ?", (row.id,)).fetchone()
        )
        if found is None or found[0] is None:
            return None
        body: bytes = found[0]
        return (
            body
            if compressed or row.compressed_size is None
            else zlib.decompress(body, wbits=31, bufsize=row.size or 1)
        )

    def changes_since(self, generation: int) -> Changes:
        """Return what changed since a generation seen before."""
        return self._file.attempt(lambda: self._changes_since(generation))

    def generation(self) -> int:
        """Return the generation as the file says it; cell 0 says the same a moment later."""
        return self._file.attempt(self._file.generation)

    def stay_current(self) -> bool:
        """Open anew when the files were replaced under us; returns whether they were."""
        with self._file.lock:
            return self._file.stay_current()

    def counters(self) -> dict[str, int]:
        """Add up what the workers of this machine answered: see `cells.COUNTERS`."""
        with self._file.lock:
            self._file.stay_current()
            return self.cells.totals()

    # Inside one transaction.

    def _put(self, topic: str, serial: int, answers: list[Answer]) -> bool:
        with self._file.transaction() as execute:
            if serial < max(
                self._file.meta("stale"), self._file.one("SELECT stale FROM topics WHERE topic = ?", topic)
            ):
                return False
            replaced = 0
            for answer in answers:
                key = (answer.path, answer.format)
                if serial < self._file.one("SELECT serial FROM answers WHERE path = ? AND format = ?", *key):
                    continue
                replaced += execute("DELETE FROM answers WHERE path = ? AND format = ?", key).rowcount
                _insert(execute, topic, serial, answer)
            if replaced:  # a path not kept before is in no worker's memory: nobody needs to hear of it
                self._note(execute, [topic])
        return True

    def _mark_stale(self, topics: list[str], serial: int) -> None:
        with self._file.transaction() as execute:
            for topic in topics:
                execute(
                    "INSERT INTO topics VALUES (?, ?)"
                    " ON CONFLICT (topic) DO UPDATE SET stale = max(stale, excluded.stale)",
                    (topic, serial),
                )
                execute("DELETE FROM answers WHERE topic = ? AND serial < ?", (topic, serial))
            self._note(execute, topics)

    def _mark_all_stale(self, serial: int) -> None:
        with self._file.transaction() as execute:
            self._file.set_meta("stale", max(serial, self._file.meta("stale")))
            execute("DELETE FROM topics WHERE stale <= ?", (serial,))
            execute("DELETE FROM answers WHERE serial < ?", (serial,))
            self._note(execute, [None])

    def _note(self, execute: Execute, topics: Iterable[str | None]) -> None:
        for topic in topics:
            last = execute("INSERT INTO changes (topic) VALUES (?)", (topic,)).lastrowid
        execute("DELETE FROM changes WHERE seq <= ?", ((last or 0) - CHANGES_KEPT,))

    def _changes_since(self, generation: int) -> Changes:
        now = self._file.generation()
        seen = generation - self._file.epoch
        if not 0 <= seen <= now - self._file.epoch:  # another file's generation
            return Changes(now, None)
        found = self._file.execute("SELECT seq, topic FROM changes WHERE seq > ? ORDER BY seq", (seen,)).fetchall()
        if not found:
            return Changes(now, frozenset())
        topics = frozenset(topic for _, topic in found)
        whole = found[0][0] == seen + 1 and None not in topics
        return Changes(self._file.epoch + found[-1][0], topics if whole else None)


def _row(found: tuple[object, ...]) -> Row:
    row = Row(*found)  # type: ignore[arg-type]
    return row._replace(headers=tuple((name, value) for name, value in json.loads(str(row.headers))))


def _insert(execute: Execute, topic: str, serial: int, answer: Answer) -> None:
    # The gzip form alone is kept where there is one: a quarter of the room, and hardly anybody asks for the other.
    body = answer.body if answer.compressed is None else answer.compressed
    execute(
        "INSERT INTO answers (path, format, topic, serial, content_type, digest, size, headers, file, compressed_file,"
        " compressed_size, body) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            *(answer.path, answer.format, topic, serial, answer.content_type, answer.digest, answer.size),
            *(json.dumps(answer.headers), answer.file, answer.compressed_file, answer.compressed_size, body),
        ),
    )
