"""Copies of databases as they are at one moment, beside a running server; and databases from them."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import dj_database_url

from otumat.errors import Conflict, OtumatError
from otumat_index.config import Config
from otumat_index.publish.files import sync


class Database(Protocol):
    """One database of an index."""

    @property
    def kind(self) -> str:
        """`sqlite` or `postgresql`; the name of its copy ends so."""

    def dump(self, target: Path) -> None:
        """Write what it holds at one moment into a new file."""

    def load(self, source: Path) -> None:
        """Fill it, which must be empty, from such a file; all of it or nothing."""

    def check_empty(self) -> None:
        """Conflict: something is in it."""


@dataclass(frozen=True)
class Sqlite:
    """A file; copied by SQLite itself, so that writers go on meanwhile."""

    path: Path
    kind: str = "sqlite"

    def dump(self, target: Path) -> None:
        with (
            closing(sqlite3.connect(f"{self.path.absolute().as_uri()}?mode=ro", uri=True, timeout=60)) as ours,
            closing(sqlite3.connect(target)) as copy,
        ):
            ours.backup(copy)
        sync(target)

    def load(self, source: Path) -> None:
        unfinished = self.path.with_name(f"{self.path.name}.restoring")
        shutil.copyfile(source, unfinished)
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

    def dump(self, target: Path) -> None:
        self._run("pg_dump", "--format=custom", "--no-owner", "--no-privileges", "--file", str(target))
        sync(target)

    def load(self, source: Path) -> None:
        # Nothing is dropped: in a database that is not empty this fails, and nothing was changed.
        self._run("pg_restore", "--single-transaction", "--exit-on-error", "--no-owner", "--dbname", self._name, source)

    def check_empty(self) -> None:
        import psycopg

        try:
            with psycopg.connect(self.url) as connection:
                found = connection.execute("SELECT 1 FROM pg_tables WHERE schemaname = 'public' LIMIT 1").fetchone()
        except psycopg.OperationalError as exc:
            raise OtumatError(f"The database {self._name!r} cannot be reached: {exc}", code="database") from exc
        if found:
            hint = "Create a new database and name it in DATABASE_URL (or EVENTS_URL)."
            raise Conflict(f"The database {self._name!r} has tables already.", code="exists", hint=hint)

    @property
    def _name(self) -> str:
        return str(dj_database_url.parse(self.url)["NAME"])

    def _run(self, program: str, *words: str | Path) -> None:
        if shutil.which(program) is None:
            hint = "Install PostgreSQL's client programs, as new as the server (Debian: postgresql-client)."
            raise OtumatError(f"{program} is not on PATH.", code="program", hint=hint)
        done = subprocess.run(  # noqa: S603 - PostgreSQL's own program, no shell
            [program, *words], env={**os.environ, **connection_words(self.url)}, capture_output=True, text=True
        )
        if done.returncode:
            raise OtumatError(f"{program} failed: {done.stderr.strip()[-2000:]}", code="program")


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
        found["events"] = Postgresql(config.events_url)
    elif not config.database_url and not config.events_url:
        found["events"] = Sqlite(config.events_path)
    catalogue = Postgresql(config.database_url) if config.database_url else Sqlite(config.database_path)
    return {**found, "catalogue": catalogue}  # uses first: better an install without uses than uses without an install
