"""What a started server answers while its pages change, and when there is no room for them."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from typing import Any

from harness.lane import HTML, PAGE
from harness.waiting import PATIENCE_S
from otumat_index.web.lane import prepare

Started = Any


def test_a_change_is_seen_at_the_next_request_on_every_worker(server: Started) -> None:
    connections = [socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE_S) for _ in range(32)]
    try:
        for connection in connections:
            assert b"X-Passed" not in _ask(connection, PAGE)
        code = (
            "import sys; from pathlib import Path; from otumat_index.web.lane import Store\n"
            "Store(Path(sys.argv[1])).mark_stale('alice', 8)"
        )
        subprocess.run([sys.executable, "-c", code, str(server.store.path)], check=True)
        for connection in connections:
            assert b"x-passed" in _ask(connection, PAGE)
        server.store.put("alice", 8, [prepare("/simple/alice/", b"news", content_type=HTML, format="html")])
        for connection in connections:
            assert _ask(connection, PAGE).endswith(b"news")
    finally:
        for connection in connections:
            connection.close()
        server.store.path.unlink()  # the other tests know another alice


def test_without_a_heartbeat_the_lane_is_off_until_it_returns(server: Started) -> None:
    assert not server.ask(PAGE).passed
    server.beating.clear()
    with server.connect() as connection:
        connection.send(PAGE)
        assert not connection.read().passed
        server.store.cells.view[1] = time.monotonic_ns() - 6_000_000_000
        connection.send(PAGE)
        assert connection.read().passed
        server.store.heartbeat()
        connection.send(PAGE)
        assert not connection.read().passed
        server.store.silence()
        connection.send(PAGE)
        assert connection.read().passed


def test_a_heartbeat_from_the_future_proves_nothing(server: Started) -> None:
    server.beating.clear()
    server.store.cells.view[1] = time.monotonic_ns() + 60_000_000_000
    assert server.ask(PAGE).passed


def test_deleting_the_cache_under_the_server_is_no_harm(server: Started) -> None:
    assert not server.ask(PAGE).passed
    for file in server.store.path.parent.iterdir():
        file.unlink()
    server.store.put("alice", 9, [prepare("/simple/alice/", b"new", content_type=HTML, format="html")])
    assert not server.store.heartbeat()
    while not server.ask(PAGE).passed:
        pass  # a worker looks for its files four times a second
    server.store.followed = 9
    assert server.store.heartbeat()
    while (reply := server.ask(PAGE)).body != b"new":
        assert reply.status == 200
    while not server.store.counters()["pages"]:
        pass  # published four times a second
    server.store.path.unlink()


def test_memory_is_bounded(start: Any) -> None:
    server = start(memory_bytes=1 << 20)
    bodies = {f"/simple/p{number}/": b"%d " % number * 5000 for number in range(200)}
    for path, body in bodies.items():
        server.store.put(path, 1, [prepare(path, body, content_type=HTML, format="html")])
    for _ in range(2):
        for path, body in bodies.items():
            reply = server.get(path)
            assert (reply.passed, reply.body) == ("", body)
    while (counters := server.store.counters())["pages"] < 400:
        pass  # published four times a second
    assert counters["evicted"] > 200
    assert 0 < counters["bytes_held"] <= 2 << 20


def _ask(connection: socket.socket, data: bytes) -> bytes:
    connection.sendall(data)
    answered = b""
    while b"\r\n\r\n" not in answered:
        answered += connection.recv(1 << 16)
    head, _, body = answered.partition(b"\r\n\r\n")
    size = int(head.lower().partition(b"content-length: ")[2].split()[0])
    while len(body) < size:
        body += connection.recv(1 << 16)
    return head + b"\r\n\r\n" + body
