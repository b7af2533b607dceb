"""
Whole pages at the size of the whole ecosystem: a real `otumat-index serve` with two workers, as browsers see it.

The data folder takes minutes to make; SEARCH_PAGES_DATA names a place where it is kept for the next time.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlencode

from bench import records
from bench.report import Options, Row
from bench.running import Missing, Server, free_port, load, program, running
from bench.search import COUNT, FACETS, PAIRS, WORDS

INDEX = [sys.executable, "-m", "otumat_index.cli"]
P50_MS = 20.0
PAGES_PER_S = 200.0
ASKED = 60
CONNECTIONS = 8
READY_S = 600.0
IDLE_SHARE = 0.1


def run(options: Options) -> Iterator[Row]:
    """Each kind of page one at a time, then all of them mixed by several browsers at once."""
    with contextlib.ExitStack() as stack:
        data = kept() or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-pages-")))
        fill(data)
        server = stack.enter_context(serving(data))
        await_ready(server)
        kinds = pages(names(server))
        for kind, paths in kinds.items():
            yield one_at_a_time(server, kind, paths)
        try:
            yield mixed(server, kinds, options)
        except Missing as exc:
            yield Row("mixed", note=str(exc))


def kept() -> Path | None:
    place = os.environ.get("SEARCH_PAGES_DATA")
    return Path(place) if place else None


def fill(data: Path) -> None:
    """Import the catalogue, unless it is there; a file that is written last says so."""
    done = data / "bench-filled"
    if done.exists() and done.read_text() == str(COUNT):
        return
    data.mkdir(parents=True, exist_ok=True)
    source = data / "records.jsonl"
    with source.open("w", encoding="utf-8") as stream:
        stream.writelines(json.dumps(made) + "\n" for made in records.generate(records.package_list(), COUNT))
    subprocess.run([*INDEX, "import", source, "--data", data], check=True, stdout=subprocess.DEVNULL)
    source.unlink()
    done.write_text(str(COUNT))


@contextlib.contextmanager
def serving(data: Path) -> Iterator[Server]:
    port = free_port()
    words = ["serve", "--data", data, "--host", "127.0.0.1", "--port", port, "--workers", 2]
    with running("ours", [*INDEX, *map(str, words)], port, quiet=True) as server:
        yield server


def await_ready(server: Server) -> None:
    """Wait until the search index is built and loaded, and the list for installers written."""
    deadline = time.monotonic() + READY_S
    while time.monotonic() < deadline:
        before = server.cpu_s()
        time.sleep(1)
        if server.cpu_s() - before < IDLE_SHARE and b"is being built" not in get(server, ["/search?q=python"])[0][1]:
            return
    raise RuntimeError("The search index was not ready in time.")


def names(server: Server) -> list[str]:
    """Projects from all over the alphabet."""
    letters = "abcdefghijklmnopqrstuvwxyz"
    bodies = [body for _, body in get(server, [f"/projects/?format=json&rows=25&from={each}" for each in letters])]
    return [project["name"] for body in bodies for project in json.loads(body)["projects"]]


def pages(some: Sequence[str]) -> dict[str, list[str]]:
    """Addresses of each kind of page."""
    search = {
        f"search, {kind}": [f"/search?{urlencode({'q': each})}" for each in asked] for kind, asked in WORDS.items()
    }
    faceted = [browse(pair, words) for words in WORDS["medium"] for pair in itertools.islice(PAIRS, 2)]
    return {
        **search,
        "browse": ["/browse/"],
        "browse, one classifier": [browse(one) for one in FACETS],
        "browse, two classifiers": [browse(two) for two in PAIRS],
        "browse, words and two classifiers": faceted,
        "all projects, 50 rows": [f"/projects/?{urlencode({'after': name.lower()})}" for name in some],
        "all projects, 200 rows": [f"/projects/?{urlencode({'rows': 200, 'after': name.lower()})}" for name in some],
        "project": [f"/project/{name.lower().replace('_', '-').replace('.', '-')}/" for name in some],
    }


def browse(classifiers: Sequence[str], words: str = "") -> str:
    return f"/browse/?{urlencode([('q', words)] * bool(words) + [('c', each) for each in classifiers])}"


def one_at_a_time(server: Server, kind: str, paths: Sequence[str]) -> Row:
    """One connection that waits for each page."""
    get(server, paths[:5])
    before = server.cpu_s()
    took = sorted(ms for ms, _ in get(server, list(itertools.islice(itertools.cycle(paths), ASKED))))
    cpu_ms = (server.cpu_s() - before) * 1000 / len(took)
    half = statistics.median(took)
    figures = {"p50 ms": half, "p99 ms": took[int(len(took) * 0.99)], "CPU ms": cpu_ms}
    return Row(f"page: {kind}", figures, f"p50 ≤ {P50_MS:.0f} ms", half <= P50_MS)


def get(server: Server, paths: Sequence[str]) -> list[tuple[float, bytes]]:
    """Milliseconds and body of each page, over one connection."""
    found = []
    with contextlib.closing(HTTPConnection("127.0.0.1", server.port, timeout=60)) as connection:
        for path in paths:
            begun = time.perf_counter()
            connection.request("GET", path)
            answer = connection.getresponse()
            body = answer.read()
            found.append(((time.perf_counter() - begun) * 1000, body))
            assert answer.status in (200, 301), (path, answer.status)
    return found


def mixed(server: Server, kinds: dict[str, list[str]], options: Options) -> Row:
    """As many of every kind, in no order, by browsers that never rest; wrk takes its share of the two cores."""
    program("wrk", "wrk")
    chance = random.Random(886)
    chosen = [chance.choice(paths) for _ in range(60) for kind, paths in kinds.items() if "200 rows" not in kind]
    chance.shuffle(chosen)
    with tempfile.TemporaryDirectory(prefix="bench-pages-") as folder:
        script = Path(folder) / "mixed.lua"
        listed = ",".join(json.dumps(path) for path in chosen)
        script.write_text(
            f"local paths = {{{listed}}}\nlocal at = 0\n"
            'function request() at = at % #paths + 1; return wrk.format("GET", paths[at]) end\n'
        )
        seconds = max(5.0, options.seconds)
        loads = [
            load(server, "/", {}, seconds=seconds, connections=CONNECTIONS, script=script)
            for _ in range(options.rounds)
        ]
    rate = statistics.median(each.requests_per_s for each in loads)
    figures = {
        "pages/s": rate,
        "CPU ms a page": statistics.median(each.cpu_us for each in loads) / 1000,
        "p99 ms": statistics.median(each.p99_ms for each in loads),
    }
    return Row(f"pages: mixed, {CONNECTIONS} at once", figures, f"≥ {PAGES_PER_S:.0f} pages/s", rate >= PAGES_PER_S)
