"""Servers under test and the load put on them; bounded, on loopback only, ended by id."""

from __future__ import annotations

import contextlib
import http.client
import os
import re
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

Headers = Mapping[str, str]
PACED = Path(__file__).with_name("paced.lua")


class Missing(Exception):
    """A program is not installed; the message says which package has it."""


def program(name: str, package: str) -> str:
    """Return the path of a program."""
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin:/sbin")
    if found is None:
        raise Missing(f"not measured: {name} is missing (Debian: apt-get install {package})")
    return found


def free_port() -> int:
    """Return a port nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


@dataclass(frozen=True)
class Server:
    """A started server: its port and the process all others of it descend from."""

    name: str
    port: int
    root: int

    def cpu_s(self) -> float:
        """CPU time of the server's whole process tree so far."""
        ticks = os.sysconf("SC_CLK_TCK")
        return sum(_cpu_ticks(pid) for pid in _tree(self.root)) / ticks


@contextlib.contextmanager
def running(
    name: str, command: Sequence[str | Path], port: int, *, env: Headers | None = None, quiet: bool = False
) -> Iterator[Server]:
    """Start a server, wait until it accepts, end it."""
    process = subprocess.Popen(
        [str(word) for word in command],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL if quiet else None,
        env={**os.environ, "MAX_WRITES_PER_HOUR": "0", **(env or {})},
        start_new_session=True,
    )
    try:
        _await_port(port, process)
        yield Server(name, port, process.pid)
    finally:
        process.terminate()
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def fetch(server: Server, path: str, headers: Headers) -> tuple[int, dict[str, str], bytes]:
    """Get a path once."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    with contextlib.closing(connection):
        connection.request("GET", path, headers=dict(headers))
        answer = connection.getresponse()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()


@dataclass(frozen=True)
class Load:
    """One round's result. `p99_ms` is wrk's."""

    requests_per_s: float
    p99_ms: float
    cpu_us: float
    bytes_per_s: float
    cpu_s_per_gib: float


def load(
    server: Server,
    path: str,
    headers: Headers,
    *,
    seconds: float,
    connections: int = 64,
    is_paced: bool = False,
    script: Path | None = None,
) -> Load:
    """
    Put wrk on a path for some seconds, all connections kept alive; one thread, which leaves the servers a core.

    Paced, each connection rests 2 to 6 ms between its requests, so that cores stay free: latency is then the server's.
    Without, wrk and the workers want three cores of two, and who is put aside waits for the system's next tick (4 ms
    at 250 Hz), whatever server it is. A script says what wrk asks for instead of the path.
    """
    words = [program("wrk", "wrk"), "-t1", f"-c{connections}", f"-d{max(1, round(seconds))}s", "--latency"]
    if is_paced:
        words += ["-s", str(PACED)]
    if script:
        words += ["-s", str(script)]
    for name, value in headers.items():
        words += ["-H", f"{name}: {value}"]
    before = server.cpu_s()
    done = subprocess.run(
        [*words, f"http://127.0.0.1:{server.port}{path}"], capture_output=True, text=True, check=True, timeout=60
    ).stdout
    cpu_s = server.cpu_s() - before
    if "Non-2xx" in done and "If-None-Match" not in headers:
        raise AssertionError(f"{server.name} {path}: {done}")
    counted = re.search(r"(\d+) requests in [\d.]+\w+, ([\d.]+)(\w+) read", done)
    assert counted, done
    requests, size = int(counted[1]), float(counted[2]) * _UNITS[counted[3]]
    rate = float(_found(r"Requests/sec:\s+([\d.]+)", done)[0])
    amount, unit = _found(r"99%\s+([\d.]+)(us|ms|s)", done)
    return Load(
        rate,
        float(amount) * {"us": 0.001, "ms": 1.0, "s": 1000.0}[unit],
        cpu_s * 1e6 / max(1, requests),
        size * rate / max(1, requests),
        cpu_s / max(1e-9, size / (1 << 30)),
    )


def download_ms(server: Server, path: str, headers: Headers) -> float:
    """Time one whole download on a fresh connection, in milliseconds."""
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    request = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n{lines}\r\n".encode()
    room = bytearray(1 << 20)
    with socket.create_connection(("127.0.0.1", server.port)) as connection:
        start = time.perf_counter()
        connection.sendall(request)
        while connection.recv_into(room):
            pass
        return (time.perf_counter() - start) * 1000


_UNITS = {"B": 1, "KB": 1 << 10, "MB": 1 << 20, "GB": 1 << 30, "TB": 1 << 40}


def _found(pattern: str, text: str) -> tuple[str, ...]:
    match = re.search(pattern, text)
    assert match, text
    return match.groups()


def _await_port(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"{process.args!r} ended with {process.returncode}")
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.05)
    raise RuntimeError(f"{process.args!r} does not listen on port {port}")


def _tree(root: int) -> list[int]:
    parents: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                parents[int(entry.name)] = int(_stat(int(entry.name))[1])
    found = [root]
    for pid in found:
        found += [child for child, parent in parents.items() if parent == pid]
    return found


def _cpu_ticks(pid: int) -> int:
    try:
        fields = _stat(pid)
    except OSError:
        return 0
    return int(fields[11]) + int(fields[12])


def _stat(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
