"""Copies of databases as they are at one moment, beside a running server; and databases from them."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import dj_database_url

from otumat.errors import Conflict, OtumatError
from otumat_index.config import Config
from otumat_index.publish.files import sync

if TYPE_CHECKING:
    from psycopg import Connection


Rows = list[tuple[Any, ...]]
QUIETLY = ("--no-password", "--no-owner")
"""Nobody is there to be asked, and whoever restores owns."""
SEEN_AT_ONE_MOMENT = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY"
AS_THEY_WERE: Mapping[str, int] = {}
MOVE_ON = """
SELECT setval(sequence, greatest(nextval(sequence), %(number)s))
FROM (SELECT pg_get_serial_sequence(%(table)s, 'id')::regclass AS sequence) AS of_table
"""
ANY_TABLE = "SELECT 1 FROM pg_tables WHERE schemaname = ANY(current_schemas(false)) LIMIT 1"


class Database(Protocol):
    """One database of an index."""

    @property
    def kind(self) -> str:
        """`sqlite` or `postgresql`; the name of its copy ends so."""

    def dump(self, target: Path, question: str) -> Rows:
        """Write what it holds at one moment into a new file; returns its answer to a question at that moment."""

    def load(self, source: Path, *, beyond: Mapping[str, int] = AS_THEY_WERE) -> None:
        """
        Fill it, which must be empty, from such a file; all of it or nothing.

        Args:
            beyond: By table, a number than which new rows of it get higher ones.
        """

    def check_empty(self) -> None:
        """Conflict: something is in it."""


@dataclass(frozen=True)
class Sqlite:
    """A file; copied by SQLite itself, so that writers go on meanwhile."""

    path: Path
    kind: str = "sqlite"

    def dump(self, target: Path, question: str) -> Rows:
        with (
            closing(sqlite3.connect(f"{self.path.absolute().as_uri()}?mode=ro", uri=True, timeout=60)) as ours,
            closing(sqlite3.connect(target)) as copy,
        ):
            ours.backup(copy)
            rows = copy.execute(question).fetchall()
        sync(target)
        return rows

    def load(self, source: Path, *, beyond: Mapping[str, int] = AS_THEY_WERE) -> None:
        unfinished = self.path.with_name(f"{self.path.name}.restoring")
        shutil.copyfile(source, unfinished)
        if beyond:
            with closing(sqlite3.connect(unfinished)) as copy, copy:
                for table, number in beyond.items():
                    moved = copy.execute("UPDATE sqlite_sequence SET seq = max(seq, ?) WHERE name = ?", [number, table])
                    if not moved.rowcount:  # it never had a row
                        copy.execute("INSERT INTO sqlite_sequence (name, seq) VALUES (?, ?)", [table, number])
        sync(unfinished)
        unfinished.replace(self.path)
        sync(self.path.parent)

    def check_empty(self) -> None:
        if self.path.exists():
            raise Conflict(f"{self.path} is there already.", code="exists", hint="Restore into a new data folder.")


@dataclass(frozen=True)
class Postgresql:
    """A database of a server; copied by its own `pg_dump`, which must be as new as the server."""

    url: str
    kind: str = "postgresql"

    def dump(self, target: Path, question: str) -> Rows:
        with self._session() as session:
            session.execute(SEEN_AT_ONE_MOMENT)
            session.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
            [(moment,)] = session.execute("SELECT pg_export_snapshot()")
            rows = session.execute(question.encode()).fetchall() if question else []
            where = f"--snapshot={moment}", "--file", target
            self._run("pg_dump", *QUIETLY, "--format=custom", "--no-privileges", *where)
        sync(target)
        return rows

    def load(self, source: Path, *, beyond: Mapping[str, int] = AS_THEY_WERE) -> None:
        # Nothing is dropped: in a database that is not empty this fails, and nothing was changed.
        self._run("pg_restore", *QUIETLY, "--single-transaction", "--exit-on-error", "--dbname", self._name, source)
        for table, number in beyond.items():
            with self._session() as session:
                session.execute(MOVE_ON, {"table": table, "number": number})

    def check_empty(self) -> None:
        check_program("pg_restore")
        with self._session() as session:
            found = session.execute(ANY_TABLE).fetchone()
        if found:
            hint = "Create a new database and name it in DATABASE_URL (or EVENTS_URL)."
            raise Conflict(f"The database {self._name!r} has tables already.", code="exists", hint=hint)

    @contextmanager
    def _session(self) -> Iterator[Connection]:
        import psycopg

        try:
            with psycopg.connect(self.url) as session:
                yield session
        except psycopg.Error as exc:
            raise OtumatError(f"The database {self._name!r} cannot be asked: {exc}", code="database") from exc

    @property
    def _name(self) -> str:
        return str(dj_database_url.parse(self.url)["NAME"])

    def _run(self, program: str, *words: str | Path) -> None:
        check_program(program)
        done = subprocess.run(  # noqa: S603 - PostgreSQL's own program, no shell
            [program, *words], env={**os.environ, **connection_words(self.url)}, capture_output=True, text=True
        )
        if done.returncode:
            raise OtumatError(f"{program} failed: {done.stderr.strip()[-2000:]}", code="program")


def check_program(name: str) -> None:
    if shutil.which(name) is None:
        hint = "Install PostgreSQL's client programs, as new as the server (Debian: postgresql-client)."
        raise OtumatError(f"{name} is not on PATH.", code="program", hint=hint)


def connection_words(url: str) -> Mapping[str, str]:
    """
    How a program of PostgreSQL is told where to go: by its environment, for others can read command lines.

    >>> print(connection_words("postgresql://anna:s3cret@db.example.org:5433/otumat?sslmode=require"))
    {'PGDATABASE': 'otumat', 'PGUSER': 'anna', 'PGPASSWORD': 's3cret', 'PGHOST': 'db.example.org', 'PGPORT': '5433', \
'PGSSLMODE': 'require'}

    Source: the environment variables of libpq.
    """
    told = dict(dj_database_url.parse(url))
    names = {"PGDATABASE": "NAME", "PGUSER": "USER", "PGPASSWORD": "PASSWORD", "PGHOST": "HOST", "PGPORT": "PORT"}
    found = {variable: str(told[name]) for variable, name in names.items() if told.get(name)}
    options = told.get("OPTIONS")
    more = options if isinstance(options, dict) else {}
    return found | {f"PG{name.upper()}": str(value) for name, value in more.items()}


def databases_of(config: Config) -> dict[str, Database]:
    """The databases of an index by what they hold; `events` only where it is apart, and not on ClickHouse."""
    found: dict[str, Database] = {}
    if config.events_url.startswith("postgres"):
        if place_of(config.events_url) != place_of(config.database_url):  # two schemas of one: its dump has both
            found["events"] = Postgresql(config.events_url)
    elif not config.database_url and not config.events_url:
        found["events"] = Sqlite(config.events_path)
    catalogue = Postgresql(config.database_url) if config.database_url else Sqlite(config.database_path)
    return {**found, "catalogue": catalogue}  # uses first: better an install without uses than uses without an install


def place_of(url: str) -> list[object]:
    told = dict(dj_database_url.parse(url)) if url else {}
    return [told.get(name) for name in ("HOST", "PORT", "NAME")]
