"""
Search and browse at the size of the whole ecosystem, beside SQLite FTS5 and PostgreSQL in the same run.

CPU per question, both sides of the socket counted; names and summaries of PACKAGE_LIST, everything else made up.
"""

from __future__ import annotations

import itertools
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench import records
from bench.report import Options, Row
from bench.search_peers import Asked, Peer, Sqlite, postgresql
from bench.searching import Ours, begun_by, each, plain, searcher, set_up

COUNT = int(os.environ.get("SEARCH_COUNT", "886323"))
CURVE = (1_000, 10_000, 100_000)
MEMORY_MB = 250.0
BUILD_MB = 1_000.0
AT = 1_795_000_000

WORDS = {
    "common": ["python", "api", "data", "library", "tool", "simple", "client", "package"],
    "medium": ["django", "http", "json", "async", "cloud", "machine", "server"],
    "rare": ["astropy", "zope", "bluetooth", "sqlalchemy", "jupyterlab", "fortran", "geojson"],
    "multi": ["time series", "web framework", "http client", "machine learning", "json parser", "python api client"],
    "typo": ["reqeusts", "djagno", "tensorflwo", "numpyy", "sqlalchmey", "pandsa", "matplotlb", "scikit-laern"],
}
PHRASES = (
    "python library",
    "command line",
    "for python",
    "python package",
    "machine learning",
    "a simple",
    "open source",
)
"""Frequent words one after the other."""
FACETS = (
    ("Topic",),
    ("Framework :: Django",),
    ("License :: OSI Approved :: MIT License",),
    ("Programming Language :: Python :: 3.12",),
)
PAIRS = (
    ("Framework :: Django", "Programming Language :: Python :: 3"),
    ("License :: OSI Approved :: MIT License", "Topic"),
    ("Programming Language", "Operating System"),
    ("Topic :: Scientific/Engineering", "Intended Audience :: Developers"),
    ("Framework", "Environment :: Console"),
    ("Development Status :: 5 - Production/Stable", "Typing :: Typed"),
)


def classes() -> dict[str, tuple[list[Asked], float, float]]:
    """Questions of each kind, and the most CPU milliseconds that half of them, and 99 in 100, may take."""
    text = {f"text, {kind}": ([Asked(words) for words in some], 2.0, 8.0) for kind, some in WORDS.items()}
    faceted = [Asked(words, pair) for words in WORDS["medium"] for pair in PAIRS[:2]]
    counted = [Asked(words, (), True) for words in (*WORDS["medium"], *WORDS["multi"])]
    begun = begun_by((*WORDS["common"], *WORDS["medium"], *WORDS["rare"]))
    return {
        **text,
        "text, phrase": ([Asked(words, is_phrase=True) for words in PHRASES], 2.0, 8.0),
        "text, while typing": ([Asked(words, is_typing=True) for words in begun], 2.0, 8.0),
        "text + two classifiers": (faceted, 2.0, 8.0),
        "text + all counts": (counted, 3.0, 10.0),
        "phrase + all counts": ([Asked(words, (), True, is_phrase=True) for words in PHRASES], 3.0, 10.0),
        "while typing + all counts": ([Asked(words, (), True, is_typing=True) for words in begun], 3.0, 10.0),
        "browse one + all counts": ([Asked("", one, True) for one in FACETS], 3.0, 10.0),
        "browse two + all counts": ([Asked("", two, True) for two in PAIRS], 3.0, 10.0),
    }


def run(options: Options) -> Iterator[Row]:
    """The curve, then everything at full size beside the peers."""
    with tempfile.TemporaryDirectory(prefix="bench-search-") as name:
        folder = Path(name)
        made = Made(folder / "records.jsonl")
        for count in sorted({*(each for each in CURVE if each < COUNT), COUNT}):
            yield from measure(folder / str(count), made, count, options)
        yield from beside(Sqlite(folder / "peer.sqlite3", plain(made.first(COUNT))), COUNT)
        with postgresql(plain(made.first(COUNT))) as server:
            yield from beside(server, COUNT)


class Made:
    """Records, drawn once and read as often as they are wanted."""

    def __init__(self, path: Path) -> None:
        self.path = path
        with path.open("w", encoding="utf-8") as stream:
            stream.writelines(json.dumps(made) + "\n" for made in records.generate(records.package_list(), COUNT))

    def first(self, count: int) -> Iterator[dict[str, Any]]:
        with self.path.open(encoding="utf-8") as lines:
            yield from map(json.loads, itertools.islice(lines, count))


def measure(folder: Path, made: Made, count: int, options: Options) -> Iterator[Row]:
    """Build once, ask every class."""
    folder.mkdir()
    set_up(folder)
    from otumat_index.discover.search import client

    yield build(folder, made, count)
    client.forget()
    with searcher(folder) as ours:
        for name, (asked, half_ms, most_ms) in classes().items():
            yield row(f"{count:,}: {name}", ours, asked, 3 * options.rounds, half_ms, most_ms)
        figures = {"PSS MB": ours.memory_mb()}
        yield Row(f"{count:,}: searcher's memory", figures, f"≤ {MEMORY_MB:.0f} MB", ours.memory_mb() <= MEMORY_MB)


def build(folder: Path, made: Made, count: int) -> Row:
    """The folder, in a process of its own, as ever; what reading a catalogue costs comes on top."""
    begun, before = time.perf_counter(), cpu_s_of_children()
    words = [sys.executable, "-m", "bench.searching", "build", str(folder), str(made.path), str(count), str(AT)]
    told = subprocess.run(words, check=True, capture_output=True, text=True).stdout
    figures = {
        "s": time.perf_counter() - begun,
        "CPU s": cpu_s_of_children() - before,
        "MB on disk": sum(path.stat().st_size for path in (folder / "search").rglob("*.bin")) / 1e6,
        "peak MB": float(told) / 1024,
    }
    return Row(f"{count:,}: build", figures, f"≤ {BUILD_MB:.0f} MB", figures["peak MB"] <= BUILD_MB)


def cpu_s_of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def row(name: str, peer: Peer, asked: list[Asked], rounds: int, half_ms: float, most_ms: float) -> Row:
    spent = each(peer, asked, rounds)
    half, most = statistics.median(spent), spent[min(len(spent) - 1, int(len(spent) * 0.99))]
    limit = f"≤ {half_ms:g} / ≤ {most_ms:g} ms CPU" if isinstance(peer, Ours) else ""
    met = (half <= half_ms and most <= most_ms) if limit else None
    return Row(name, {"p50 ms": half, "p99 ms": most}, limit, met)


def beside(peer: Peer, count: int) -> Iterator[Row]:
    """The same questions to a peer, fewer of them: it takes its time."""
    for name, (asked, half_ms, most_ms) in classes().items():
        if "typo" not in name:
            yield row(f"{count:,}: {name}, {peer.name}", peer, asked[:6], 1, half_ms, most_ms)
