"""Our searcher in its own process, what it is built of, and how anything that searches is asked."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from bench.search_peers import Asked, Peer, Row, scheduled_s


class Ours:
    """Our searcher in its process, asked as a web worker asks: both processes' CPU counts."""

    name = "Otumat"

    def __init__(self, pid: int) -> None:
        self.pid = pid

    def ask(self, asked: Asked) -> int:
        from otumat_index.discover.search import CLASSIFIER, TEXT, Query, Term, client

        parts = [asked.words] if asked.is_phrase else asked.words.split()
        terms = [Term(TEXT, (part,)) for part in parts]
        terms += [Term(CLASSIFIER, (text,)) for text in asked.classifiers]
        query = Query(tuple(terms), is_typing=asked.is_typing)
        found = client.ask(query, sees=frozenset(), rows=20, place="", counts=asked.counts, at=1_800_000_000)
        assert found is not None
        return len(found.ids) + len(found.counts)

    def cpu_s(self) -> float:
        return time.process_time() + scheduled_s(self.pid)

    def memory_mb(self) -> float:
        """Its proportional set size."""
        lines = Path(f"/proc/{self.pid}/smaps_rollup").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024


def begun_by(words: Sequence[str]) -> list[str]:
    """What is in the box while words are typed."""
    return sorted({word[:end] for word in words for end in range(3, 6)})


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


def build(data: Path, source: Path, count: int, at: int) -> None:
    """Build the folder of the first records of a file; says the most memory that took, in kB."""
    set_up(data)
    from otumat_index.discover.search.engine import building

    with source.open(encoding="utf-8") as lines:
        some = documents(map(json.loads, itertools.islice(lines, count)), at)
        building.build(data / "search", some, expected=count, head={"serial": 1, "mark": ""}, at=at)
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)


if __name__ == "__main__":
    if sys.argv[1] == "build":
        build(Path(sys.argv[2]), Path(sys.argv[3]), int(sys.argv[4]), int(sys.argv[5]))
    else:
        serve(Path(sys.argv[1]))
