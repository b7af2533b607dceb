"""
Prepared answers in a SQLite file of their own, shared by all processes of one machine.

Everything here is derived: the file may be deleted at any time, and a damaged one is replaced by an empty one. It is
in WAL mode with synchronous=NORMAL, which syncs at checkpoints only, so a commit costs no sync, yet after a power cut
the file holds a consistent past, `followed` included: whoever follows the journal goes on from there.

A *topic* names what answers are about and dropped by; a *serial* says how much of the journal a rendering had seen.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import secrets
import sqlite3
import threading
import time
import zlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple, TypeVar

from otumat_index.web.lane.answers import Answer, Format, Header
from otumat_index.web.lane.cells import Cells

SCHEMA_VERSION = 1
CHANGES_KEPT = 10_000
# A generation is an epoch (a random number of this very file) above a sequence number of its changes.
_SEQUENCE_BITS = 40

_SCHEMA = """
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS topics (topic TEXT PRIMARY KEY, stale INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS changes (seq INTEGER PRIMARY KEY AUTOINCREMENT, topic TEXT);
CREATE TABLE IF NOT EXISTS answers (
    id INTEGER PRIMARY KEY AUTOINCREMENT, path TEXT NOT NULL, format TEXT NOT NULL,
    topic TEXT NOT NULL, serial INTEGER NOT NULL,
    content_type TEXT NOT NULL, digest TEXT NOT NULL, size INTEGER NOT NULL, headers TEXT NOT NULL,
    file TEXT, compressed_file TEXT, compressed_size INTEGER, body BLOB,
    UNIQUE (path, format));
CREATE INDEX IF NOT EXISTS answers_by_topic ON answers (topic);
"""
_COLUMNS = "id, topic, path, format, content_type, digest, size, headers, file, compressed_file, compressed_size"

Result = TypeVar("Result")


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
        self._busy_timeout_s = busy_timeout_s
        self._lock = threading.RLock()
        self._open()

    def close(self) -> None:
        """Close file and page."""
        with self._lock:
            self._connection.close()
            self.cells.close()

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
        return self._attempt(lambda: self._put(topic, serial, rows))

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
            self._attempt(lambda: self._mark_stale(names, serial))

    def mark_all_stale(self, serial: int) -> None:
        """Drop every answer rendered before `serial`: for changes that touch all pages."""
        self._attempt(lambda: self._mark_all_stale(serial))

    # What the follower of the journal calls.

    def heartbeat(self) -> None:
        """
        Say that everything the journal held a moment ago is marked here. Call it at least once a second, and only
        when it is so: five seconds of silence turn the lane off.
        """
        with self._lock:
            self._stay_current()
            self.cells.view[1] = time.monotonic_ns()

    def silence(self) -> None:
        """Turn the lane off until the next heartbeat."""
        with self._lock:
            self._stay_current()
            self.cells.view[1] = 0

    @property
    def followed(self) -> int:
        """The journal's serial up to which all changes are marked here; 0 in a new store."""
        return self._attempt(lambda: self._meta("followed"))

    @followed.setter
    def followed(self, serial: int) -> None:
        self._attempt(lambda: self._set_meta("followed", serial))

    # What workers and doors call.

    def find(self, path: str) -> list[Row]:
        """Return the answers kept for a path, one a format, without their bodies."""
        query = f"SELECT {_COLUMNS} FROM answers WHERE path = ?"  # noqa: S608 - only constants
        return self._attempt(lambda: [_row(found) for found in self._connection.execute(query, (path,))])

    def body(self, row: Row, *, compressed: bool) -> bytes | None:
        """Return the plain or the gzip bytes of an answer; None when it is no longer there."""
        found = self._attempt(
            lambda: self._connection.execute("SELECT body FROM answers WHERE id = ?", (row.id,)).fetchone()
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
        return self._attempt(lambda: self._changes_since(generation))

    def generation(self) -> int:
        """Return the generation as the file says it; cell 0 says the same a moment later."""
        return self._attempt(self._generation)

    def stay_current(self) -> bool:
        """Open anew when the files were replaced under us; returns whether they were."""
        with self._lock:
            return self._stay_current()

    def counters(self) -> dict[str, int]:
        """Add up what the workers of this machine answered: see `cells.COUNTERS`."""
        with self._lock:
            self._stay_current()
            return self.cells.totals()

    # Inside one transaction.

    def _put(self, topic: str, serial: int, answers: list[Answer]) -> bool:
        with self._transaction() as execute:
            if serial < max(self._meta("stale"), self._one("SELECT stale FROM topics WHERE topic = ?", topic)):
                return False
            replaced = 0
            for answer in answers:
                key = (answer.path, answer.format)
                if serial < self._one("SELECT serial FROM answers WHERE path = ? AND format = ?", *key):
                    continue
                replaced += execute("DELETE FROM answers WHERE path = ? AND format = ?", key).rowcount
                _insert(execute, topic, serial, answer)
            if replaced:  # a path not kept before is in no worker's memory: nobody needs to hear of it
                self._note(execute, [topic])
        return True

    def _mark_stale(self, topics: list[str], serial: int) -> None:
        with self._transaction() as execute:
            for topic in topics:
                execute(
                    "INSERT INTO topics VALUES (?, ?)"
                    " ON CONFLICT (topic) DO UPDATE SET stale = max(stale, excluded.stale)",
                    (topic, serial),
                )
                execute("DELETE FROM answers WHERE topic = ? AND serial < ?", (topic, serial))
            self._note(execute, topics)

    def _mark_all_stale(self, serial: int) -> None:
        with self._transaction() as execute:
            self._set_meta("stale", max(serial, self._meta("stale")))
            execute("DELETE FROM topics WHERE stale <= ?", (serial,))
            execute("DELETE FROM answers WHERE serial < ?", (serial,))
            self._note(execute, [None])

    def _note(self, execute: Callable[..., sqlite3.Cursor], topics: Iterable[str | None]) -> None:
        for topic in topics:
            last = execute("INSERT INTO changes (topic) VALUES (?)", (topic,)).lastrowid
        execute("DELETE FROM changes WHERE seq <= ?", ((last or 0) - CHANGES_KEPT,))

    def _changes_since(self, generation: int) -> Changes:
        now = self._generation()
        seen = generation - self._epoch
        if not 0 <= seen <= now - self._epoch:  # another file's generation
            return Changes(now, None)
        found = self._connection.execute(
            "SELECT seq, topic FROM changes WHERE seq > ? ORDER BY seq", (seen,)
        ).fetchall()
        if not found:
            return Changes(now, frozenset())
        topics = frozenset(topic for _, topic in found)
        whole = found[0][0] == seen + 1 and None not in topics
        return Changes(self._epoch + found[-1][0], topics if whole else None)

    def _generation(self) -> int:
        return self._epoch + self._one("SELECT max(seq) FROM changes")

    def _one(self, query: str, *values: object) -> int:
        found = self._connection.execute(query, values).fetchone()
        return 0 if found is None or found[0] is None else int(found[0])

    def _meta(self, name: str) -> int:
        return self._one("SELECT value FROM meta WHERE name = ?", name)

    def _set_meta(self, name: str, value: int) -> None:
        self._connection.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (name, value))

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[Callable[..., sqlite3.Cursor]]:
        """
        Commit, then tell the others.

        The cell gets the sequence number of this transaction's own last change, so each value is written once, after
        its commit. A worker that remembers a value has thus seen that change, and any other change leaves another
        value behind, in whatever order two writers come to write the cell. A writer that dies in between is made good
        by the workers' own look at the file.
        """
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            before = self._generation()
            yield self._connection.execute
            after = self._generation()
            self._connection.execute("COMMIT")
        except BaseException:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            raise
        if after != before:
            self.cells.view[0] = after

    # Files.

    def _attempt(self, act: Callable[[], Result]) -> Result:
        with self._lock:
            self._stay_current()
            try:
                return act()
            except sqlite3.Error as exc:
                if not _is_damage(exc):
                    raise
                self._replace()
                return act()

    def _stay_current(self) -> bool:
        try:
            current = _identity(self.path) == self._identity and _identity(self._cells_path) == self.cells.identity
        except FileNotFoundError:
            current = False
        if not current:
            self._connection.close()
            self._open()
        return not current

    @property
    def _cells_path(self) -> Path:
        return self.path.with_suffix(".cells")

    def _open(self) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self._alone():
            try:
                self._connect()
            except sqlite3.Error as exc:
                if not _is_damage(exc):
                    raise
                self._remove()
                self._connect()

    def _connect(self) -> None:
        self._connection = sqlite3.connect(
            self.path, timeout=self._busy_timeout_s, isolation_level=None, check_same_thread=False
        )
        try:
            self._prepare()
        except sqlite3.Error:
            self._connection.close()
            raise
        self._identity = _identity(self.path)
        self.cells = Cells(self._cells_path)
        if self.cells.view[0] >> _SEQUENCE_BITS != self._epoch >> _SEQUENCE_BITS:
            self.cells.view[0] = self._generation()

    def _prepare(self) -> None:
        execute = self._connection.execute
        version = execute("PRAGMA user_version").fetchone()[0]
        if version not in (0, SCHEMA_VERSION):
            raise _OldSchema
        execute("PRAGMA journal_mode = WAL")
        execute("PRAGMA synchronous = NORMAL")
        execute(f"PRAGMA mmap_size = {256 << 20}")
        self._connection.executescript(f"BEGIN IMMEDIATE; {_SCHEMA} PRAGMA user_version = {SCHEMA_VERSION}; COMMIT;")
        epoch = 1 + secrets.randbelow((1 << 23) - 1)
        execute("INSERT OR IGNORE INTO meta VALUES ('epoch', ?)", (epoch,))
        self._epoch = self._meta("epoch") << _SEQUENCE_BITS

    def _replace(self) -> None:
        """Put an empty store in the place of a damaged one, unless another process just did."""
        self._connection.close()
        with self._alone(), contextlib.suppress(FileNotFoundError):
            if _identity(self.path) == self._identity:
                self._remove()
        self._open()

    def _remove(self) -> None:
        for suffix in ("", "-wal", "-shm"):
            self.path.with_name(self.path.name + suffix).unlink(missing_ok=True)

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        handle = os.open(self.path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)


class _OldSchema(sqlite3.DatabaseError):
    sqlite_errorcode = sqlite3.SQLITE_NOTADB


_DAMAGE = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_IOERR})


def _is_damage(exc: sqlite3.Error) -> bool:
    return (getattr(exc, "sqlite_errorcode", 0) or 0) & 0xFF in _DAMAGE


def _identity(path: Path) -> tuple[int, int]:
    found = os.stat(path)
    return found.st_dev, found.st_ino


def _row(found: tuple[object, ...]) -> Row:
    row = Row(*found)  # type: ignore[arg-type]
    return row._replace(headers=tuple((name, value) for name, value in json.loads(str(row.headers))))


def _insert(execute: Callable[..., sqlite3.Cursor], topic: str, serial: int, answer: Answer) -> None:
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
