"""
Validated uploads beside pypiserver, which validates nothing: the same small wheels, at 1 and at 32 at once.

Ours checks every byte of the archive, METADATA, RECORD, form and digests, asks who uploads, and is durable before it
answers; pypiserver runs without a password and does not sync. Both start empty. Figures: files per second, CPU a file.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import http.client
import io
import os
import queue
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.lane import _peer_environment
from bench.report import Options, Row
from bench.running import Server, free_port, running

FILES = 500
PER_PROJECT = 10
CPU_MS = 10.0
BOUNDARY = "bench-boundary"


@dataclass(frozen=True)
class Measured:
    """One round: how many files a second, and what each cost."""

    files_per_s: float
    cpu_ms: float


def run(options: Options) -> Iterator[Row]:
    """Upload the same files to both, one after the other and 32 at once, each round with names of its own."""
    with tempfile.TemporaryDirectory(prefix="bench-upload-") as name, contextlib.ExitStack() as stack:
        folder = Path(name)
        ours, token = stack.enter_context(start_ours(folder))
        try:
            peer: Server | None = stack.enter_context(start_peer(folder))
        except (subprocess.CalledProcessError, OSError) as exc:
            peer = None
            yield Row("pypiserver", note=f"not measured: it cannot be installed ({exc})")
        for at_once in (1, 32):
            mine, theirs = [], []
            for number in range(options.rounds):
                bodies = [form(*wheel(f"p{at_once}r{number}", count)) for count in range(FILES)]
                mine.append(measure(ours, "/legacy/", bodies, at_once, basic("__token__", token)))
                if peer:
                    theirs.append(measure(peer, "/", bodies, at_once, basic("x", "x")))
            yield row(at_once, mine, theirs)
        yield flat(ours, token)


def row(at_once: int, mine: Sequence[Measured], theirs: Sequence[Measured]) -> Row:
    rate, cpu = (statistics.median(getattr(each, name) for each in mine) for name in ("files_per_s", "cpu_ms"))
    figures = {"files/s": rate, "CPU ms a file": cpu}
    met = cpu <= CPU_MS
    if theirs:
        peer = statistics.median(each.files_per_s for each in theirs)
        figures |= {
            "pypiserver": peer,
            "its CPU ms": statistics.median(each.cpu_ms for each in theirs),
            "ratio": rate / peer,
        }
        met = met and rate > peer
    return Row(f"small wheels, {at_once} at once", figures, f"ratio > 1, ≤ {CPU_MS:.0f} ms CPU", met)


def flat(ours: Server, token: str) -> Row:
    """Whether the last files of a project with thousands cost what the first did."""
    bodies = [form(*wheel("flat", count, per_project=10**9)) for count in range(2000)]
    first = measure(ours, "/legacy/", bodies[:300], 1, basic("__token__", token))
    measure(ours, "/legacy/", bodies[300:1700], 8, basic("__token__", token))
    last = measure(ours, "/legacy/", bodies[1700:], 1, basic("__token__", token))
    growth = last.cpu_ms / first.cpu_ms
    return Row(
        "file 2,000 of one project",
        {"CPU ms first": first.cpu_ms, "last": last.cpu_ms, "ratio": growth},
        "ratio ≤ 1.5",
        growth <= 1.5,
    )


def measure(server: Server, path: str, bodies: Sequence[bytes], at_once: int, auth: str) -> Measured:
    """Send all bodies over kept-alive connections."""
    waiting: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    for body in bodies:
        waiting.put(body)
    failures: list[str] = []
    threads = [threading.Thread(target=send, args=(server, path, waiting, auth, failures)) for _ in range(at_once)]
    before, begun = server.cpu_s(), time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    took = time.perf_counter() - begun
    assert not failures, failures[:3]
    return Measured(len(bodies) / took, (server.cpu_s() - before) * 1000 / len(bodies))


def send(server: Server, path: str, waiting: queue.SimpleQueue[bytes], auth: str, failures: list[str]) -> None:
    headers = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}", "Authorization": auth}
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    again: set[bytes] = set()
    with contextlib.closing(connection), contextlib.suppress(queue.Empty):
        while True:
            body = waiting.get_nowait()
            try:
                connection.request("POST", path, body, headers)
                answer = connection.getresponse()
            except ConnectionError:  # pypiserver resets kept connections under load; it gets the file again
                connection.close()
                again.add(body)
                waiting.put(body)
                continue
            text = answer.read()
            if answer.status == 409 and body in again:
                continue  # it was taken after all, before the connection broke
            if answer.status != 200:
                failures.append(f"{answer.status} {answer.reason}: {text[:200]!r}")


def wheel(prefix: str, number: int, *, per_project: int = PER_PROJECT) -> tuple[str, str, str, bytes]:
    """A valid wheel of about 3 kB with six members: project, version, file name, bytes."""
    project, version = f"{prefix}_n{number // per_project}", f"1.{number % per_project}"
    info = f"{project}-{version}.dist-info"
    contents = {
        f"{project}/{part}.py": f"# {part}\n".encode() + os.urandom(300).hex().encode()
        for part in ("__init__", "core", "more")
    }
    contents[f"{info}/METADATA"] = (
        f"Metadata-Version: 2.4\nName: {project}\nVersion: {version}\nSummary: A small wheel\nRequires-Python: >=3.9\n"
        "Classifier: Programming Language :: Python :: 3\nClassifier: Development Status :: 4 - Beta\n"
        f"Description-Content-Type: text/markdown\n\n# {project}\n\n{'Words about it. ' * 40}\n"
    ).encode()
    contents[f"{info}/WHEEL"] = b"Wheel-Version: 1.0\nGenerator: bench\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    rows = [f"{path},sha256={urlsafe(data)},{len(data)}" for path, data in contents.items()]
    contents[f"{info}/RECORD"] = "\n".join([*rows, f"{info}/RECORD,,", ""]).encode()
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, data in contents.items():
            archive.writestr(path, data)
    return project, version, f"{project}-{version}-py3-none-any.whl", target.getvalue()


def form(project: str, version: str, filename: str, data: bytes) -> bytes:
    """The body twine would send."""
    fields = {
        ":action": "file_upload",
        "protocol_version": "1",
        "metadata_version": "2.4",
        "name": project,
        "version": version,
        "summary": "A small wheel",
        "requires_python": ">=3.9",
        "filetype": "bdist_wheel",
        "pyversion": "py3",
        "sha256_digest": hashlib.sha256(data).hexdigest(),
    }
    begin = f"--{BOUNDARY}\r\nContent-Disposition: form-data; name="
    parts = [f'{begin}"{name}"\r\n\r\n{value}\r\n' for name, value in fields.items()]
    head = f'{begin}"content"; filename="{filename}"\r\nContent-Type: application/octet-stream\r\n\r\n'
    return "".join(parts).encode() + head.encode() + data + f"\r\n--{BOUNDARY}--\r\n".encode()


def urlsafe(data: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).decode().rstrip("=")


def basic(name: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()


@contextlib.contextmanager
def start_ours(folder: Path) -> Iterator[tuple[Server, str]]:
    """A real index with two workers, and a token of its one user."""
    command, data = [Path(sys.executable).with_name("otumat-index")], ["--data", str(folder / "data")]
    subprocess.run(
        [*command, "user", "create", "bench", "--email", "b@example.org", "--confirmed", *data],
        check=True,
        capture_output=True,
    )
    made = subprocess.run([*command, "token", "create", "bench", *data], check=True, capture_output=True, text=True)
    port = free_port()
    with running(
        "ours", [*command, "serve", *data, "--host", "127.0.0.1", "--port", str(port), "--workers", "2"], port
    ) as server:
        yield server, made.stdout.split()[-1]


@contextlib.contextmanager
def start_peer(folder: Path) -> Iterator[Server]:
    """pypiserver on an empty folder, without a password."""
    python = _peer_environment(folder / "peer")
    packages, port = folder / "packages", free_port()
    packages.mkdir()
    command = [
        python,
        "-m",
        "pypiserver",
        "run",
        "-i",
        "127.0.0.1",
        "-p",
        str(port),
        "-P",
        ".",
        "-a",
        ".",
        packages,
    ]
    with running("pypiserver", command, port) as server:
        yield server
