"""
U16: the store by itself, on one core, roll-ups and all; and what a use takes on the wire.

Stored: batches of 1,000 uses, judged and added up before the clock starts, each taken in a durable transaction of its
own; per second of CPU, for a core that waits for the disk serves others meanwhile. Beside it the whole way of a batch
behind HTTP: unpacked, read, judged, added up, sealed, stored. On the wire: a request as the agent's own lines make it.
"""

from __future__ import annotations

import json
import os
import random
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import django

from bench.report import Options, Row
from bench.usage_ingest import PROJECT, ROWS, batch, prepared
from otumat.spec.event import Batch, Use, Where, add_up, write_batch
from otumat.transport import Request
from otumat.usage.batches import Frozen
from otumat.usage.hosts import usage_transport
from otumat.usage.sender import body_headers, compressed

BATCHES = 100
STORED_PER_S, WIRE_BYTES = 200_000, 4
HERE = Where("1.4.2", "3.12", "linux", "x86_64")
SHAPES = {"1,000 different rows": 1000, "1,000 rows of 20 kinds": 20}


def run(options: Options) -> Iterator[Row]:
    """A row a shape of batch, stored; then a row a shape, sent."""
    with tempfile.TemporaryDirectory(prefix="bench-store-") as name:
        environ = prepared(Path(name) / "data")
        line = [sys.executable, "-m", "bench.usage_store", str(options.rounds)]
        told = subprocess.run(line, env=environ, check=True, stdout=subprocess.PIPE, text=True).stdout
    for words, figures in json.loads(told.splitlines()[-1]).items():
        rate = figures["uses/s of a core"]
        yield Row(f"stored: {words}", figures, f"≥ {STORED_PER_S:,}/s (U16)", rate >= STORED_PER_S)
    for words, uses in (("a week of a program", week()), ("1,000 different uses", different())):
        body, whole = on_the_wire(uses)
        figures = {"bytes a use": whole / len(uses), "without head": body / len(uses), "rows": len(add_up(uses))}
        yield Row(f"wire: {words}", figures, f"≤ {WIRE_BYTES} bytes (U16)", figures["bytes a use"] <= WIRE_BYTES)


def main(rounds: int) -> None:
    """In a process of its own, on a prepared index."""
    django.setup()
    print(json.dumps({words: stored(kinds, rounds) for words, kinds in SHAPES.items()}))


def stored(kinds: int, rounds: int) -> dict[str, float]:
    """How fast batches are taken, from uses that are added up, and from bytes."""
    from django.utils import timezone

    from otumat_index.usage import actions
    from otumat_index.usage.stores.orm import STORE

    alone, walls, from_bytes = [], [], []
    for _ in range(rounds):
        install = made_install()
        ready = [accepted(install, sequence, kinds) for sequence in range(1, BATCHES + 1)]
        cpu_s, wall_s = taken(STORE.accept(each).counted for each in ready)
        alone.append(BATCHES * ROWS / cpu_s)
        walls.append(BATCHES * ROWS / wall_s)
        install = made_install()
        sent = [batch(install.name, sequence, kinds) for sequence in range(1, BATCHES + 1)]
        now = timezone.now()
        cpu_s, _ = taken(actions.accept_events(install, body, key=key, at=now).counted for key, body in sent)
        from_bytes.append(BATCHES * ROWS / cpu_s)
    return {
        "uses/s of a core": statistics.median(alone),
        "on the clock": statistics.median(walls),
        "from bytes, of a core": statistics.median(from_bytes),
    }


def taken(counts: Iterator[int]) -> tuple[float, float]:
    """Seconds of CPU, and on the clock, for batches that are taken as they are asked for."""
    cpu_s, wall_s = time.process_time(), time.perf_counter()
    counted = sum(counts)
    assert counted == BATCHES * ROWS, f"{counted} of {BATCHES * ROWS} were counted"
    return time.process_time() - cpu_s, time.perf_counter() - wall_s


def made_install() -> Any:
    from django.utils import timezone

    from otumat_index.usage import actions, queries
    from otumat_index.usage.actions.installs import Asked

    told = actions.make_install(Asked(PROJECT), at=timezone.now())
    return queries.install_behind(f"Bearer {told.access_token}", at=timezone.now())[0]


def accepted(install: Any, sequence: int, kinds: int) -> Any:
    """Uses of today, added up."""
    from otumat_index.usage.stores.protocol import Accepted, Key

    today = datetime.now(UTC).date()  # noqa: TID251 - a bench is a door
    counts: dict[Any, int] = {}
    for number in range(ROWS):
        key = Key(today, f"event{number % kinds % 20}", f"a=v{number % kinds // 20}", "")
        counts[key] = counts.get(key, 0) + 1
    name, sha256, body = os.urandom(16).hex(), os.urandom(32).hex(), os.urandom(3000)
    days = {today: HERE._replace(release="")}
    return Accepted(install.pk, install.project_id, name, sequence, sha256, today, body, counts, days=days)


def week() -> list[Use]:
    """A thousand uses in a week: a few features much, many little, each in one of ten ways."""
    draw, monday = random.Random(6), date(2026, 11, 16)
    return [
        use(monday + timedelta(draw.randrange(7)), min(19, int(draw.expovariate(1 / 5))), draw.randrange(10))
        for _ in range(1000)
    ]


def different() -> list[Use]:
    """No two alike: the most that a thousand uses can take."""
    return [use(date(2026, 11, 16), number % 20, number // 20) for number in range(1000)]


def use(day: date, feature: int, way: int) -> Use:
    return Use(day.isoformat(), f"feature-{feature}", (("way", f"v{way}"),), HERE)


def on_the_wire(uses: Sequence[Use]) -> tuple[int, int]:
    """Bytes of the packed body, and of the whole request."""
    name, install = os.urandom(16).hex(), "Zk3" + "x" * 29
    body = write_batch(
        Batch(install, "seaweed", name, 7, f"sha256:{'0a' * 32}", 1, "otumat/1.0.0", tuple(add_up(uses)))
    )
    heard: list[int] = []
    with socket.create_server(("127.0.0.1", 0)) as listening:
        hearing = threading.Thread(target=hear, args=(listening, heard))
        hearing.start()
        headers = {"Authorization": f"Bearer 17.{'x' * 43}", **body_headers(Frozen("", {"batch": name}, body))}
        url = f"http://127.0.0.1:{listening.getsockname()[1]}/api/usage-event"
        usage_transport().send(Request("POST", url, headers, compressed(body)))
        hearing.join()
    return len(compressed(body)), heard[0]


def hear(listening: socket.socket, heard: list[int]) -> None:
    line, _ = listening.accept()
    with line:
        said = b""
        while b"\r\n\r\n" not in said:
            said += line.recv(65536)
        head = said.partition(b"\r\n\r\n")[0]
        size = len(head) + 4 + int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
        while len(said) < size:
            said += line.recv(65536)
        heard.append(len(said))
        line.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}")


if __name__ == "__main__":
    main(int(sys.argv[1]))
