"""
A child's tie to its parent: a pipe that nobody writes to.

When the parent goes, however it goes, the kernel closes its end and the child reads the end of the file. Unlike a
parent-death signal this works on every POSIX system, has no moment at the start in which it is missed, and lets the
child finish its work.
"""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time


def hold(pipe: int, grace_s: float) -> None:
    """Watch `pipe`; at its end ask this process to stop as SIGTERM does, and `grace_s` later kill its whole group."""
    threading.Thread(target=_watch, args=(pipe, grace_s), name="lifeline", daemon=True).start()


def _watch(pipe: int, grace_s: float) -> None:
    while True:
        try:
            if not os.read(pipe, 1):
                break
        except InterruptedError:
            continue
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(grace_s)
    kill_group(os.getpid())


def kill_group(leader: int) -> None:
    """Kill a process started as the leader of its own group, and all it has started."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, signal.SIGKILL)
