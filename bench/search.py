"""
Search and browse at the size of the whole ecosystem, beside SQLite FTS5 and PostgreSQL in the same run.

CPU per question, both sides of the socket counted; names and summaries of PACKAGE_LIST, everything else made up.
"""

from __future__ import annotations

import os
import resource
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench import records
from bench.report import Options, Row
from bench.searching import Asked, Ours, Peer, Sqlite, documents, each, plain, postgresql, searcher, set_up

COUNT = int(os.environ.get("SEARCH_COUNT", "886323"))
CURVE = (1_000, 10_000, 100_000)
MEMORY_MB = 250.0
AT = 1_795_000_000

WORDS = {
    "common": ["python", "api", "data", "library", "tool", "simple", "client", "package"],
    "medium": ["django", "http", "json", "async", "cloud", "machine", "server"],
    "rare": ["astropy", "zope", "bluetooth", "sqlalchemy", "jupyterlab", "fortran", "geojson"],
    "multi": ["time series", "web framework", "http client", "machine learning", "json parser", "python api client"],
    "typo": ["reqeusts", "djagno", "tensorflwo", "numpyy", "sqlalchmey", "pandsa", "matplotlb", "scikit-laern"],
}
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
    return {
        **text,
        "text + two classifiers": (faceted, 2.0, 8.0),
        "text + all counts": (counted, 3.0, 10.0),
        "browse one + all counts": ([Asked("", one, True) for one in FACETS], 3.0, 10.0),
        "browse two + all counts": ([Asked("", two, True) for two in PAIRS], 3.0, 10.0),
    }


def run(options: Options) -> Iterator[Row]:
    """The curve, then everything at full size beside the peers."""
    for count in CURVE:
        if count < COUNT:
            with tempfile.TemporaryDirectory(prefix="bench-search-") as folder:
                yield from measure(Path(folder), count, options, peers=False)
    with tempfile.TemporaryDirectory(prefix="bench-search-") as folder:
        yield from measure(Path(folder), COUNT, options, peers=True)


def some(count: int) -> Iterator[dict[str, Any]]:
    return records.generate(records.package_list(), count)


def measure(folder: Path, count: int, options: Options, *, peers: bool) -> Iterator[Row]:
    """Build once, ask every class, then the peers."""
    set_up(folder)
    from otumat_index.discover.search import client

    yield build(folder, count)
    client.forget()
    with searcher(folder) as ours:
        for name, (asked, half_ms, most_ms) in classes().items():
            yield row(f"{count:,}: {name}", ours, asked, 3 * options.rounds, half_ms, most_ms)
        figures = {"PSS MB": ours.memory_mb()}
        yield Row(f"{count:,}: searcher's memory", figures, f"≤ {MEMORY_MB:.0f} MB", ours.memory_mb() <= MEMORY_MB)
    if peers:
        yield from beside(Sqlite(folder / "peer.sqlite3", plain(some(count))), count)
        with postgresql(plain(some(count))) as server:
            yield from beside(server, count)


def build(folder: Path, count: int) -> Row:
    """The folder, from records in memory: what reading a catalogue costs comes on top."""
    from otumat_index.discover.search.engine import building

    begun, cpu = time.perf_counter(), time.process_time()
    head = {"serial": 1, "mark": ""}
    made = building.build(folder / "search", documents(some(count), AT), expected=count, head=head, at=AT)
    figures = {
        "s": time.perf_counter() - begun,
        "CPU s": time.process_time() - cpu,
        "MB on disk": sum(path.stat().st_size for path in made.iterdir()) / 1e6,
        "peak MB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }
    return Row(f"{count:,}: build", figures)


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
