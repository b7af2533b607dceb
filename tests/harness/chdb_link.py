"""ClickHouse as a library: the same SQL text as a server gets, one session for a process."""

from __future__ import annotations

import atexit
import json
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from typing import Any

from chdb.session import Session

from otumat_index.usage.stores.clickhouse.link import UNWAITED, lines


class ChdbLink:
    """A `Link` to a database of its own in the session."""

    _session: Any = None
    _in_use = ""

    def __init__(self, database: str) -> None:
        self.database = database
        if ChdbLink._session is None:
            folder = tempfile.mkdtemp(prefix="otumat-chdb-")
            atexit.register(shutil.rmtree, folder, ignore_errors=True)
            ChdbLink._session = Session(folder)  # type: ignore[no-untyped-call]
            self._session.query("SET max_threads = 1")  # our tables are small: more threads take longer
            for name, value in UNWAITED.items():
                self._session.query(f"SET {name} = {value}")

    def ask(self, query: str, *, anywhere: bool = False) -> list[list[Any]]:
        if not anywhere and ChdbLink._in_use != self.database:
            self._session.query(f"USE {self.database}")
            ChdbLink._in_use = self.database
        rows: list[list[Any]] = json.loads(self._session.query(query, "JSONCompact").bytes())["data"]
        return rows

    def do(self, statement: str, *, patience_s: int | None = None) -> None:
        self._session.query(statement)

    def put(self, table: str, rows: Sequence[Mapping[str, Any]]) -> None:
        if rows:
            begun = f"INSERT INTO {self.database}.{table} ({', '.join(rows[0])}) FORMAT JSONEachRow\n"
            self._session.query(begun + lines(rows).decode())
