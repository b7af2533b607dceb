"""
The dashboard over HTTP, signed in, of a project with ten million uses in a year; one worker, one connection.

The store is filled through its own door, batch by batch (`usage_filling.py`), and asked at the end whether it counted
every use. What a page costs is told beside a page of the same person that has no numbers, and beside a plain SELECT of
the same days.
"""

from __future__ import annotations

import contextlib
import http.client
import os
import re
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from http.cookies import SimpleCookie
from pathlib import Path
from urllib.parse import urlencode

from bench.report import Options, Row
from bench.running import Server, free_port, running
from bench.usage_filling import OWNER, PROJECT

EVENTS = 10_000_000
BUDGET_MS = 100
TIMES = 15
PASSWORD = "correct horse battery"
PAGE = f"/manage/project/{PROJECT}/usage/"
PAGES = {
    "90 days": PAGE,
    "a year, beside the year before": f"{PAGE}?days=365&compare=yes",
    "one event, 90 days": f"{PAGE}event/feature-0/",
    "one table as CSV, a year": f"{PAGE}features.csv?days=365",
}
SELECT = "SELECT event, day, times FROM events_eventday WHERE day > date('now', '-90 days') ORDER BY event, day"


def run(options: Options) -> Iterator[Row]:
    """Fill once, then one row a page."""
    with tempfile.TemporaryDirectory(prefix="bench-dashboard-") as name, contextlib.ExitStack() as stack:
        data = Path(name) / "data"
        begun = time.perf_counter()
        counted = fill(data)
        yield Row("filled", {"uses": counted, "s": time.perf_counter() - begun})
        server = stack.enter_context(started(data))
        cookie = sign_in(server)
        plain_ms, _ = measured(server, lambda: get(server, "/account/", cookie), options)
        with sqlite3.connect(data / "events.sqlite3") as database:
            select_ms, _ = measured(server, lambda: database.execute(SELECT).fetchall(), options)
        for words, address in PAGES.items():
            took_ms, cpu_ms = measured(server, lambda address=address: get(server, address, cookie), options)  # type: ignore[misc]
            figures = {
                "ms": took_ms,
                "CPU ms": cpu_ms,
                "× a page without numbers": took_ms / plain_ms,
                "× a SELECT": took_ms / select_ms,
            }
            yield Row(words, figures, f"≤ {BUDGET_MS} ms", took_ms <= BUDGET_MS)


def fill(data: Path) -> int:
    """A project, its owner, and a year of uses; returns how many."""
    binary = Path(sys.executable).parent / "otumat-index"
    who = ["user", "create", OWNER, "--email", "a@example.org", "--confirmed", "--password-stdin", "--data", str(data)]
    subprocess.run([binary, *who], input=PASSWORD, text=True, check=True, stdout=subprocess.DEVNULL)
    subprocess.run([binary, "role", PROJECT, OWNER, "owner", "--data", data], check=True, stdout=subprocess.DEVNULL)
    environ = {**os.environ, "OTUMAT_DATA": str(data), "DJANGO_SETTINGS_MODULE": "otumat_index.settings"}
    words = [sys.executable, "-m", "bench.usage_filling", str(EVENTS)]
    done = subprocess.run(words, env=environ, check=True, capture_output=True, text=True)
    return int(done.stdout)


@contextlib.contextmanager
def started(data: Path) -> Iterator[Server]:
    port = free_port()
    binary = Path(sys.executable).parent / "otumat-index"
    serve: list[str | Path] = [binary, "serve", "--data", data, "--port", str(port), "--workers", "1"]
    with running("otumat-index", serve, port, quiet=True) as server:
        yield server


def sign_in(server: Server) -> str:
    """The cookies of the owner's session."""
    status, cookies, body = ask(server, "GET", "/account/login/", "", "")
    token = re.search(rb'csrfmiddlewaretoken" value="(\w+)"', body)
    assert status == 200, status
    assert token is not None
    form = urlencode({"login": OWNER, "password": PASSWORD, "csrfmiddlewaretoken": token[1].decode()})
    status, more, _ = ask(server, "POST", "/account/login/", form, joined(cookies))
    assert status == 302, status
    return joined({**cookies, **more})


def joined(cookies: dict[str, str]) -> str:
    return "; ".join(f"{name}={value}" for name, value in cookies.items())


def get(server: Server, address: str, cookie: str) -> None:
    status, _, body = ask(server, "GET", address, "", cookie)
    assert status == 200, (address, status)
    assert b"How it begins" not in body


def ask(server: Server, method: str, address: str, form: str, cookie: str) -> tuple[int, dict[str, str], bytes]:
    host = f"localhost:{server.port}"
    headers = {"Host": host, "Accept": "text/html", "Cookie": cookie, "Referer": f"http://{host}/account/login/"}
    if form:
        headers["Content-Type"] = "application/x-www-form-urlencoded"
    line = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    with contextlib.closing(line):
        line.request(method, address, form or None, headers)
        answer = line.getresponse()
        cookies = SimpleCookie()
        for each in answer.headers.get_all("Set-Cookie", []):
            cookies.load(each)
        return answer.status, {name: each.value for name, each in cookies.items()}, answer.read()


def measured(server: Server, act: Callable[[], object], options: Options) -> tuple[float, float]:
    """The median of some times in ms, and the server's CPU time of each."""
    act()
    took: list[float] = []
    before = server.cpu_s()
    for _ in range(TIMES * options.rounds):
        begun = time.perf_counter()
        act()
        took.append((time.perf_counter() - begun) * 1000)
    return statistics.median(took), (server.cpu_s() - before) * 1000 / len(took)
