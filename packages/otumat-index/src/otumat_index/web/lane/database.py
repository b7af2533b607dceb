"""The store's files: a SQLite database that repairs itself, and the page of cells beside it."""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
import sqlite3
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

from otumat_index.web.lane.cells import Cells

SCHEMA_VERSION = 1
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

Result = TypeVar("Result")
Execute = Callable[..., sqlite3.Cursor]


class Database:
    """
    One process's connection; threads may share it. A damaged or deleted file is replaced by an empty one.

    `epoch` tells one file from another; `cells` is mapped anew when the files are replaced.
    """

    def __init__(self, path: Path, *, busy_timeout_s: float) -> None:
        self.path = path
        self.lock = threading.RLock()
        self._busy_timeout_s = busy_timeout_s
        self._open()

    def close(self) -> None:
        """Close file and page."""
        with self.lock:
            self._connection.close()
            self.cells.close()

    def execute(self, query: str, values: tuple[object, ...] = ()) -> sqlite3.Cursor:
        """Run one statement; only inside `attempt`."""
        return self._connection.execute(query, values)

    def generation(self) -> int:
        """Return the file's epoch and its last change, in one number."""
        return self.epoch + self.one("SELECT max(seq) FROM changes")

    def one(self, query: str, *values: object) -> int:
        """Return the single number a query finds; 0 for nothing."""
        found = self._connection.execute(query, values).fetchone()
        return 0 if found is None or found[0] is None else int(found[0])

    def meta(self, name: str) -> int:
        """Return a number kept by name; 0 when there is none."""
        return self.one("SELECT value FROM meta WHERE name = ?", name)

    def set_meta(self, name: str, value: int) -> None:
        """Keep a number by name."""
        self._connection.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (name, value))

    @contextlib.contextmanager
    def transaction(self) -> Iterator[Execute]:
        """
        Commit, then tell the others.

        The cell gets the sequence number of this transaction's own last change, so each value is written once, after
        its commit. A worker that remembers a value has thus seen that change, and any other change leaves another
        value behind, in whatever order two writers come to write the cell. A writer that dies in between is made good
        by the workers' own look at the file.
        """
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            before = self.generation()
            yield self._connection.execute
            after = self.generation()
            self._connection.execute("COMMIT")
        except BaseException:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            raise
        if after != before:
            self.cells.view[0] = after

    def attempt(self, act: Callable[[], Result]) -> Result:
        """Do something with the file; when the file turns out damaged, do it with an empty one."""
        with self.lock:
            self.stay_current()
            try:
                return act()
            except sqlite3.Error as exc:
                if not _is_damage(exc):
                    raise
                self._replace()
                return act()

    def stay_current(self) -> bool:
        """Open anew when the files were replaced under us; returns whether they were. Hold the lock."""
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
        if self.cells.view[0] >> _SEQUENCE_BITS != self.epoch >> _SEQUENCE_BITS:
            self.cells.view[1] = 0  # what a new store lacks, nobody has looked for yet: see `Store.heartbeat`
            self.cells.view[0] = self.generation()

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
        self.epoch = self.meta("epoch") << _SEQUENCE_BITS

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
