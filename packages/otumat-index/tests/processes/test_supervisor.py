"""The process tree, started for real."""

from __future__ import annotations

import contextlib
import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from harness.waiting import PATIENCE_S
from otumat_index.processes import ServeFailed, WorkerSettings, serve

APPLICATION = """
import os, subprocess, sys, time
from pathlib import Path

def application(environ, start_response):
    if environ["PATH_INFO"] == "/slow":
        Path("asked").touch()
        time.sleep(0.5)
    said = f"{os.getpid()} {environ.get('REMOTE_ADDR')}".encode()
    start_response("200 OK", [("Content-Length", str(len(said)))])
    return [said]

def job(name):
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    Path(name).write_text(f"{os.getpid()} {child.pid}")
    try:
        time.sleep(600)
    finally:
        Path(name + ".left").touch()
        child.terminate()
        child.wait()
"""

SERVE = """
import sys
from otumat_index.processes import Job, WorkerSettings, serve
settings = WorkerSettings(lane="lane.sqlite3", application=sys.argv[1], grace_s=3, body_limit_bytes=1 << 20)
jobs = [Job("listener", "served:job", ("job",))]
sys.exit(serve(settings, host=sys.argv[2], port=0, workers=2, jobs=jobs,
               on_ready=lambda urls: print(" ".join(urls), flush=True)))
"""


def ask(url: str, path: str = "/", headers: Mapping[str, str] | None = None) -> str:
    host, _, port = url.removeprefix("http://").rpartition(":")
    connection = http.client.HTTPConnection(host.strip("[]"), int(port), timeout=PATIENCE_S)
    with contextlib.closing(connection):
        connection.request("GET", path, headers=dict(headers or {}))
        answer = connection.getresponse()
        assert answer.status == 200
        return answer.read().decode()


@dataclass
class Tree:
    process: subprocess.Popen[str]
    urls: list[str]
    folder: Path

    def get(self, path: str = "/") -> str:
        return ask(self.urls[0], path)

    def workers(self) -> set[int]:
        """Ask until both workers have answered."""
        found: set[int] = set()

        def both() -> bool:
            with contextlib.suppress(ConnectionError):  # a worker that is being killed resets what waits for it
                found.add(int(self.get().split()[0]))
            return len(found) == 2

        _until(both)
        return found

    def members(self) -> list[int]:
        """All processes of the tree but its root."""
        found = [self.process.pid]
        parents = _parents()
        for pid in found:
            found += [child for child, parent in parents.items() if parent == pid]
        return found[1:]


@pytest.fixture
def tree(tmp_path: Path) -> Iterator[Tree]:
    with started(tmp_path) as tree:
        yield tree


@contextlib.contextmanager
def started(folder: Path, host: str = "127.0.0.1") -> Iterator[Tree]:
    (folder / "served.py").write_text(APPLICATION, encoding="utf-8")
    process = subprocess.Popen(
        [sys.executable, "-c", SERVE, "served:application", host],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder)},
    )
    assert process.stdout is not None
    try:
        urls = process.stdout.readline().split()
        assert urls, "the server did not start"
        _until(lambda: (folder / "job").exists() and (folder / "job").read_text())
        yield Tree(process, urls, folder)
    finally:
        process.terminate()
        process.wait(PATIENCE_S)
        process.stdout.close()


def test_all_processes_answer_and_a_stop_leaves_none(tree: Tree) -> None:
    assert len(tree.workers()) == 2
    members = tree.members()
    assert len(members) == 4  # two workers, a job, and what the job started
    tree.process.send_signal(signal.SIGTERM)
    assert tree.process.wait(PATIENCE_S) == 0
    assert not any(_lives(pid) for pid in members)
    assert (tree.folder / "job.left").exists()


def test_a_killed_worker_comes_back(tree: Tree) -> None:
    before = tree.workers()
    victim = min(before)
    os.kill(victim, signal.SIGKILL)
    _until(lambda: not _lives(victim))
    after = tree.workers()
    assert victim not in after
    assert len(after & before) == 1


def test_a_killed_job_comes_back_and_what_it_had_started_is_gone(tree: Tree) -> None:
    leader, started_by_it = map(int, (tree.folder / "job").read_text().split())
    (tree.folder / "job").unlink()
    os.kill(leader, signal.SIGKILL)
    _until(lambda: (tree.folder / "job").exists() and (tree.folder / "job").read_text() != "")
    assert not _lives(started_by_it)


@pytest.mark.parametrize("ending", [signal.SIGKILL, signal.SIGINT])
def test_nobody_outlives_the_parent(tree: Tree, ending: signal.Signals) -> None:
    members = tree.members()
    assert len(members) == 4
    tree.process.send_signal(ending)
    tree.process.wait(PATIENCE_S)
    _until(lambda: not any(_lives(pid) for pid in members))


def test_a_request_under_way_is_finished_at_a_stop(tree: Tree) -> None:
    port = int(tree.urls[0].rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S) as connection:
        connection.sendall(b"GET /slow HTTP/1.1\r\nHost: localhost\r\n\r\n")
        _until((tree.folder / "asked").exists)
        tree.process.terminate()
        answer = b""
        while piece := connection.recv(4096):
            answer += piece
    assert answer.startswith(b"HTTP/1.1 200")
    assert tree.process.wait(PATIENCE_S) == 0


def test_localhost_is_both_addresses(tmp_path: Path) -> None:
    with started(tmp_path, "localhost") as tree:
        assert "127.0.0.1" in tree.urls[0]
        for url in tree.urls:
            assert ask(url)


def test_a_body_above_the_limit_is_refused_unread(tree: Tree) -> None:
    port = int(tree.urls[0].rpartition(":")[2])
    for head in (b"Content-Length: 9999999", b"Transfer-Encoding: chunked"):
        with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S) as connection:
            connection.sendall(b"POST / HTTP/1.1\r\nHost: localhost\r\n" + head + b"\r\n\r\n")
            with contextlib.suppress(ConnectionError):
                if b"chunked" in head:
                    for _ in range(40):
                        connection.sendall(b"10000\r\n" + b"a" * 0x10000 + b"\r\n")
            with contextlib.suppress(ConnectionError):
                assert connection.recv(4096).startswith(b"HTTP/1.1 413")


def test_a_forwarded_address_is_not_believed(tree: Tree) -> None:
    assert ask(tree.urls[0], headers={"X-Forwarded-For": "203.0.113.9"}).split()[1] == "127.0.0.1"


def test_an_application_that_cannot_start_ends_the_server(tmp_path: Path) -> None:
    (tmp_path / "served.py").write_text(APPLICATION, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-c", SERVE, "served:none_such", "127.0.0.1"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        timeout=PATIENCE_S,
    )
    assert done.returncode != 0
    assert done.stdout == ""
    assert "none_such" in done.stderr
    assert "ended while starting" in done.stderr


def test_a_taken_port_is_told_before_anything_starts(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ServeFailed, match=f"port {port}"):
            serve(WorkerSettings(lane=str(tmp_path / "lane.sqlite3")), host="127.0.0.1", port=port)


def test_two_servers_cannot_share_a_port(tree: Tree, tmp_path: Path) -> None:
    port = int(tree.urls[0].rpartition(":")[2])
    with pytest.raises(ServeFailed, match=f"port {port}"):
        serve(WorkerSettings(lane=str(tmp_path / "other.sqlite3")), host="127.0.0.1", port=port)


def test_the_number_of_workers_has_bounds(tmp_path: Path) -> None:
    for number in (0, 61):
        with pytest.raises(ServeFailed, match="workers"):
            serve(WorkerSettings(lane=str(tmp_path / "lane.sqlite3")), workers=number)


def _until(happened: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not happened():
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.02)


def _parents() -> dict[int, int]:
    found = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                found[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
    return found


def _lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
