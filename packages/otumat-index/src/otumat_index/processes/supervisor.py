"""Start the children, start them again when they die, and stop them all."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Final

from otumat_index.processes import lifeline
from otumat_index.processes.places import Place, place_of, reserve, url_of
from otumat_index.processes.worker import WorkerSettings
from otumat_index.web.lane.cells import WORKERS_LIMIT
from otumat_index.web.lane.store import Store

logger = logging.getLogger(__name__)

# A child that lived this long has not died of its start: the next start is immediate again.
HEALTHY_S: Final = 10.0
FIRST_PAUSE_S: Final = 0.1
LONGEST_PAUSE_S: Final = 10.0


class ServeFailed(Exception):
    """The server cannot start; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Job:
    """
    A process beside the web workers: `target` is `module:function`, called with `arguments` (strings) in a fresh
    interpreter.

    It runs until SIGTERM, on which Python raises SystemExit in its main thread; it is started again whenever it ends
    before.
    """

    name: str
    target: str
    arguments: tuple[str, ...] = ()


@dataclass(slots=True)
class _Child:
    name: str
    command: list[str]
    reports: bool = False
    """Whether it writes a byte when it is ready (the workers do)."""
    process: subprocess.Popen[bytes] | None = None
    ready: int = -1
    """Our end of the pipe on which it says so; -1 once it did."""
    started_at: float = 0.0
    due_at: float = 0.0
    pause_s: float = FIRST_PAUSE_S


@dataclass(slots=True)
class _Tree:
    """All children, and what they share. `complete` from the moment all workers were ready."""

    children: list[_Child]
    grace_s: float
    lifeline: tuple[int, int] = field(default_factory=os.pipe)
    complete: bool = False


def serve(
    settings: WorkerSettings,
    *,
    host: str = "localhost",
    port: int = 8000,
    workers: int = 2,
    jobs: Sequence[Job] = (),
    on_ready: Callable[[list[str]], None] | None = None,
) -> int:
    """
    Run the index until SIGTERM or SIGINT. Call it from the main thread; nothing else may reap this process's children.

    Args:
        host: A name or address; `localhost` is 127.0.0.1 and, where there is one, ::1.
        port: 0 picks a free one.
        workers: Web processes, 1 to 60.
        on_ready: Called once, with the URLs, when every worker answers.

    Returns:
        0 after a clean stop.

    Raises:
        ServeFailed: The address cannot be bound, or a worker ends before all have once been ready.
    """
    if not 1 <= workers <= WORKERS_LIMIT:
        raise ServeFailed(f"{workers} web workers cannot be started. Choose 1 to {WORKERS_LIMIT}.")
    Store(Path(settings.lane)).silence()  # a heart that beat before this start proves nothing
    reserved = _reserve(host, port)
    places = [place_of(one) for one in reserved]
    children = [_worker(settings, number, places) for number in range(workers)]
    tree = _Tree([*children, *(_job(job, settings.grace_s) for job in jobs)], settings.grace_s)
    try:
        with _signals() as (wakeup, asked):
            return _supervise(tree, wakeup, asked, lambda: on_ready and on_ready([url_of(place) for place in places]))
    finally:
        _kill(tree)
        for one in reserved:
            one.close()
        for end in tree.lifeline:
            os.close(end)


def _reserve(host: str, port: int) -> list[socket.socket]:
    try:
        return reserve(host, port)
    except OSError as exc:
        raise ServeFailed(
            f"Nothing can listen on {host} port {port}: {exc.strerror}. Stop what uses it, or choose another --port."
        ) from exc


def _worker(settings: WorkerSettings, number: int, places: Sequence[Place]) -> _Child:
    command = [*_PYTHON, "worker", json.dumps(asdict(settings)), str(number), json.dumps(places)]
    return _Child(f"web worker {number + 1}", command, reports=True)


def _job(job: Job, grace_s: float) -> _Child:
    return _Child(job.name, [*_PYTHON, "job", str(grace_s), job.target, *job.arguments])


_PYTHON: Final = [sys.executable, "-m", "otumat_index.processes"]


# The loop.


def _supervise(tree: _Tree, wakeup: socket.socket, asked: list[int], on_ready: Callable[[], object]) -> int:
    while not asked:
        for child in tree.children:
            if child.process is None and time.monotonic() >= child.due_at:
                _start(child, tree)
        _wait(tree, wakeup)
        for child in tree.children:
            _bury(child, tree)
        if not tree.complete and not any(child.ready >= 0 or child.process is None for child in tree.children):
            tree.complete = True
            on_ready()
    return _stop(tree, wakeup, asked)


def _start(child: _Child, tree: _Tree) -> None:
    ready, report = os.pipe()
    ends = [str(tree.lifeline[0]), str(report) if child.reports else "-1"]
    # A group of its own: what the child starts can be ended with it, and Ctrl-C at the terminal reaches only us. No
    # session of its own: Linux deals out the cores by session, and each worker would push its clients aside.
    child.process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
        [*child.command[:4], *ends, *child.command[4:]],
        pass_fds=[tree.lifeline[0], *([report] if child.reports else [])],
        stdin=subprocess.DEVNULL,
        process_group=0,
    )
    os.close(report)
    child.started_at = time.monotonic()
    if child.reports:
        child.ready = ready
    else:
        os.close(ready)


def _wait(tree: _Tree, wakeup: socket.socket) -> None:
    """Sleep until a signal, a child's word, or the next start."""
    waiting = [child for child in tree.children if child.ready >= 0]
    dues = [child.due_at - time.monotonic() for child in tree.children if child.process is None]
    timeout = max(0.0, min(dues)) if dues else 60.0
    readable, _, _ = select.select([wakeup.fileno(), *(child.ready for child in waiting)], [], [], timeout)
    if wakeup.fileno() in readable:
        wakeup.recv(4096)
    for child in waiting:
        if child.ready in readable and os.read(child.ready, 1):
            _close_ready(child)


def _close_ready(child: _Child) -> None:
    if child.ready >= 0:
        os.close(child.ready)
        child.ready = -1


def _bury(child: _Child, tree: _Tree) -> None:
    """Note a child's end, and when to start it again."""
    if child.process is None or child.process.poll() is None:
        return
    code, lived_s = child.process.returncode, time.monotonic() - child.started_at
    lifeline.kill_group(child.process.pid)  # what it started must not outlive it
    if child.reports and not tree.complete:
        raise ServeFailed(f"The {child.name} ended while starting (exit code {code}); its message is above.")
    child.pause_s = FIRST_PAUSE_S if lived_s > HEALTHY_S else min(child.pause_s * 2, LONGEST_PAUSE_S)
    logger.error("The %s ended (exit code %s); it starts again in %.1f s.", child.name, code, child.pause_s)
    _close_ready(child)
    child.process, child.due_at = None, time.monotonic() + child.pause_s


def _stop(tree: _Tree, wakeup: socket.socket, asked: list[int]) -> int:
    """Ask all to stop, give them the time they were promised, or less when asked a second time."""
    for child in _alive(tree):
        child.terminate()
    deadline = time.monotonic() + tree.grace_s + 3
    while _alive(tree) and time.monotonic() < deadline and len(asked) < 2:
        select.select([wakeup], [], [], 0.1)
    return 0


def _alive(tree: _Tree) -> list[subprocess.Popen[bytes]]:
    processes = [child.process for child in tree.children if child.process is not None]
    return [process for process in processes if process.poll() is None]


def _kill(tree: _Tree) -> None:
    for child in tree.children:
        _close_ready(child)
        if child.process is not None:
            lifeline.kill_group(child.process.pid)
            child.process.wait()


@contextlib.contextmanager
def _signals() -> Iterator[tuple[socket.socket, list[int]]]:
    """Yield a socket that becomes readable with every signal, and the list of stop signals that came."""
    asked: list[int] = []
    reader, writer = socket.socketpair()
    reader.setblocking(False)
    writer.setblocking(False)
    handlers = {
        signal.SIGTERM: lambda number, _: asked.append(number),
        signal.SIGINT: lambda number, _: asked.append(number),
        signal.SIGCHLD: lambda *_: None,
    }
    before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    wakeup_before = signal.set_wakeup_fd(writer.fileno(), warn_on_full_buffer=False)
    try:
        yield reader, asked
    finally:
        signal.set_wakeup_fd(wakeup_before)
        for number, handler in before.items():
            signal.signal(number, handler)
        reader.close()
        writer.close()
