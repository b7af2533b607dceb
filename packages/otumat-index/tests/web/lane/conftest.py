"""A real server: supervisor, two workers, the lane, and behind it a tiny application that says what reached it."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from harness.waiting import PATIENCE_S
from otumat_index.web.lane import Store, of_file, prepare

HTML = "text/html; charset=utf-8"
JSON = "application/vnd.pypi.simple.v1+json"

APPLICATION = """
def application(environ, start_response):
    size = len(environ["wsgi.input"].read())
    said = "{REQUEST_METHOD} {PATH_INFO}?{QUERY_STRING}".format(**environ) + " %d" % size
    start_response("200 OK", [("Content-Length", str(len(said))), ("X-Passed", said)])
    return [said.encode()]
"""

SERVE = """
import sys
from otumat_index.processes import WorkerSettings, serve
settings = WorkerSettings(lane=sys.argv[1], application="passing:application", hosts=("localhost", ".example.org"),
                          memory_bytes=int(sys.argv[2]))
sys.exit(serve(settings, host="127.0.0.1", port=0, workers=2, on_ready=lambda urls: print(urls[0], flush=True)))
"""


@dataclass(frozen=True)
class Reply:
    """One answer as it came over the wire."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def passed(self) -> str:
        """What reached the application; empty when the lane answered."""
        return self.headers.get("x-passed", "")


@dataclass
class Connection:
    """A client's connection, bytes in and answers out."""

    socket: socket.socket
    rest: bytes = b""

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def read(self, *, head_only: bool = False) -> Reply:
        while b"\r\n\r\n" not in self.rest:
            self._more()
        head, _, self.rest = self.rest.partition(b"\r\n\r\n")
        status, *lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
        code = int(status.split()[1])
        size = 0 if head_only or code == 304 else int(headers["content-length"])
        while len(self.rest) < size:
            self._more()
        body, self.rest = self.rest[:size], self.rest[size:]
        return Reply(code, headers, body)

    def is_closed(self) -> bool:
        """Whether the server ends the connection without another byte."""
        try:
            return not self.rest and self.socket.recv(1) == b""
        except ConnectionResetError:
            return True

    def _more(self) -> None:
        data = self.socket.recv(1 << 16)
        assert data, f"the server closed after {self.rest[:200]!r}"
        self.rest += data


@dataclass
class Started:
    """The server under test and the store it reads."""

    port: int
    store: Store
    folder: Path
    beating: threading.Event = field(default_factory=threading.Event)

    @contextlib.contextmanager
    def connect(self) -> Iterator[Connection]:
        with socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE_S) as connected:
            connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            yield Connection(connected)

    def ask(self, request: bytes, *, head_only: bool = False) -> Reply:
        """Send one request on a fresh connection."""
        with self.connect() as connection:
            connection.send(request)
            return connection.read(head_only=head_only)

    def get(self, path: str, *headers: str, method: str = "GET", version: str = "1.1") -> Reply:
        return self.ask(request(path, *headers, method=method, version=version), head_only=method == "HEAD")


def request(path: str, *headers: str, method: str = "GET", version: str = "1.1", host: str = "localhost") -> bytes:
    lines = [f"{method} {path} HTTP/{version}", f"Host: {host}", *headers, "", ""]
    return "\r\n".join(lines).encode("latin-1")


def fill(store: Store, folder: Path) -> None:
    """Put the answers all tests know: /simple/alice/ in both formats, a small and a large file, a list in files."""
    html = b"<!DOCTYPE html>" + b"".join(b'<a href="alice-%d.tar.gz">alice</a>' % number for number in range(100))
    pages = [
        prepare("/simple/alice/", html, content_type=HTML, format="html", headers=[("X-PyPI-Last-Serial", "7")]),
        prepare("/simple/alice/", b'{"name": "alice"}' * 100, content_type=JSON, format="json"),
    ]
    (folder / "small.whl").write_bytes(b"small" * 100)
    (folder / "large.whl").write_bytes(os.urandom(1 << 20) * 3)
    files = [
        of_file(f"/files/{name}", folder / name, content_type="application/octet-stream", digest=name[0] * 40)
        for name in ("small.whl", "large.whl")
    ]
    store.put("alice", 7, [*pages, *files])
    store.followed = 7


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Starter]:
    with contextlib.ExitStack() as stack:
        yield Starter(tmp_path, stack)


@dataclass
class Starter:
    """Starts servers for tests that want their own."""

    folder: Path
    stack: contextlib.ExitStack

    def __call__(self, *, memory_bytes: int = 64 << 20) -> Started:
        return self.stack.enter_context(started(self.folder, memory_bytes=memory_bytes))


@pytest.fixture(scope="session")
def shared_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Started]:
    with started(tmp_path_factory.mktemp("lane")) as server:
        yield server


@pytest.fixture
def server(shared_server: Started) -> Started:
    """The session's server, with the known answers and a beating heart."""
    fill(shared_server.store, shared_server.folder)
    shared_server.beating.set()
    shared_server.store.heartbeat()
    return shared_server


@contextlib.contextmanager
def started(folder: Path, *, memory_bytes: int = 64 << 20) -> Iterator[Started]:
    (folder / "passing.py").write_text(APPLICATION, encoding="utf-8")
    path = folder / "cache" / "lane.sqlite3"
    command: Sequence[str] = [sys.executable, "-c", SERVE, str(path), str(memory_bytes)]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": str(folder)}
    )
    assert process.stdout is not None
    try:
        url = process.stdout.readline().strip()
        assert url, "the server did not start"
        server = Started(int(url.rpartition(":")[2]), Store(path), folder)
        ended = threading.Event()
        heart = threading.Thread(target=_beat, args=(server, ended))
        server.store.followed = 1
        server.beating.set()
        server.store.heartbeat()
        heart.start()
        yield server
        ended.set()
        heart.join()
        server.store.close()
    finally:
        process.terminate()
        process.wait(PATIENCE_S)
        process.stdout.close()


def _beat(server: Started, ended: threading.Event) -> None:
    while not ended.wait(0.3):
        if server.beating.is_set():
            server.store.heartbeat()
