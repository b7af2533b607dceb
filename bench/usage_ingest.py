"""
Uses taken in over HTTP, durable before each answer: batches of 1,000 rows from eight copies at once, two workers.

The kernel deals connections out by chance. Of four, all were with one worker in one run of eight, and where each sent a
share of its own, the worker with three went on alone while the other had nothing left to do: what was measured was the
deal. So there are eight, and each sends whatever batch is next.

Every row is judged, added up and kept; the bodies are made, and packed, before the clock starts. What was counted is
compared at the end: a figure for events that were not counted exactly would be none.
"""

from __future__ import annotations

import contextlib
import gzip
import http.client
import json
import os
import queue
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from bench.report import Options, Row
from bench.running import Server, free_port, running

BATCHES, ROWS, COPIES = 200, 1000, 8
EVENTS_PER_S = 100_000
PROJECT = "told"
BINARY = Path(sys.executable).parent / "otumat-index"
Waiting = queue.SimpleQueue[tuple[str, str, bytes]]
"""A token, the id of a batch, and its body."""
MAKE = """
import django; django.setup()
from django.utils import timezone
from otumat_index.journal.actor import command
from otumat_index.publish.models import Project
from otumat_index.usage import actions
project = Project.objects.get(normalized="told")
actions.set_collecting(project, is_on=True, by=command(), at=timezone.now())
values = [f"v{n}" for n in range(50)]
events = [{"name": f"event{n}", "purpose": "x", "properties": {"a": values}} for n in range(20)]
table = {"project": "told", "purpose": "x", "event": events}
actions.declare(project, table, by=command(), at=timezone.now())
"""


def run(options: Options) -> Iterator[Row]:
    """Two shapes of a batch: rows that are all different, and rows as a program's loop makes them."""
    with tempfile.TemporaryDirectory(prefix="bench-ingest-") as name, contextlib.ExitStack() as stack:
        server = stack.enter_context(started(Path(name)))
        for words, kinds in (("1,000 different rows", 1000), ("1,000 rows of 20 kinds", 20)):
            rates, costs = [], []
            for _ in range(options.rounds):
                rate, cpu_us = measure(server, kinds)
                rates.append(rate)
                costs.append(cpu_us)
            rate = statistics.median(rates)
            figures = {"events/s": rate, "CPU µs an event": statistics.median(costs)}
            yield Row(words, figures, f"≥ {EVENTS_PER_S:,}/s", rate >= EVENTS_PER_S)


@contextlib.contextmanager
def started(folder: Path) -> Iterator[Server]:
    """An index with a project that collects."""
    data, port = folder / "data", free_port()
    prepared(data)
    serve: list[str | Path] = [BINARY, "serve", "--data", data, "--port", str(port), "--workers", "2"]
    with running("otumat-index", serve, port, quiet=True) as server:
        yield server


def prepared(data: Path) -> dict[str, str]:
    """Make that project; returns the environment of processes on it."""
    environ = {**os.environ, "OTUMAT_DATA": str(data), "DJANGO_SETTINGS_MODULE": "otumat_index.settings"}
    who = ["alice", "--email", "a@example.org", "--confirmed", "--data", str(data)]
    subprocess.run([BINARY, "user", "create", *who], check=True)
    subprocess.run([BINARY, "role", PROJECT, "alice", "owner", "--data", data], check=True)
    subprocess.run([sys.executable, "-c", MAKE], env=environ, check=True)
    return environ


def measure(server: Server, kinds: int) -> tuple[float, float]:
    """Send, from as many connections as there are copies; returns events per second and CPU time of each."""
    counted: list[int] = []
    waiting: Waiting = queue.SimpleQueue()
    copies = [install(server) for _ in range(COPIES)]
    for sequence in range(BATCHES // COPIES):
        for told in copies:
            waiting.put((told["access_token"], *batch(told["install"], sequence + 1, kinds)))
    threads = [threading.Thread(target=send, args=(server, waiting, counted)) for _ in copies]
    before, begun = server.cpu_s(), time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    took = time.perf_counter() - begun
    events = BATCHES * ROWS
    assert sum(counted) == events, f"{sum(counted)} of {events} were counted"
    return events / took, (server.cpu_s() - before) * 1e6 / events


def install(server: Server) -> dict[str, str]:
    body = json.dumps({"project": PROJECT, "release": "", "manifest": "", "wording": 1})
    headers = {"Content-Type": "application/json", "Idempotency-Key": os.urandom(16).hex()}
    line = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    with contextlib.closing(line):
        line.request("POST", "/api/usage-install", body, headers)
        answer = line.getresponse()
        told: dict[str, str] = json.loads(answer.read())
        assert answer.status == 201, told
        return told


def batch(install: str, sequence: int, kinds: int) -> tuple[str, bytes]:
    """A packed batch, each row once."""
    today = datetime.now(UTC).date().isoformat()  # noqa: TID251 - a bench is a door
    rows = [[today, f"event{n % kinds % 20}", {"a": f"v{n % kinds // 20}"}, 1] for n in range(ROWS)]
    where = {"release": "", "python": "3.12", "system": "linux", "machine": "x86_64", "ci": False}
    key = os.urandom(16).hex()
    value = {"batch": key, "sequence": sequence, "install": install, "project": PROJECT}
    return key, gzip.compress(json.dumps({**value, "uses": [{**where, "rows": rows}]}).encode())


def send(server: Server, waiting: Waiting, counted: list[int]) -> None:
    line = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    headers = {"Content-Type": "application/vnd.otumat.usage.v1+json", "Content-Encoding": "gzip"}
    with contextlib.closing(line), contextlib.suppress(queue.Empty):
        while True:
            token, key, body = waiting.get_nowait()
            own = {"Authorization": f"Bearer {token}", "Idempotency-Key": key}
            line.request("POST", "/api/usage-event", body, {**headers, **own})
            counted.append(json.loads(line.getresponse().read())["counted"])
