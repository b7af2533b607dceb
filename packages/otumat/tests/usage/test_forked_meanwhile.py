"""A child that another thread forks while a file is locked gets the descriptor, too; it must not keep the lock."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable

    Run = Callable[..., subprocess.CompletedProcess[str]]

fcntl = pytest.importorskip("fcntl")
PROGRAM = """
import fcntl, os, sys
from otumat.usage import evicting, held, maps, spool, tallies
folder, path = sys.argv[1:]
ends, end = os.pipe()

def forking(then):
    def called(*arguments, **more):
        if not os.fork():
            os.close(end); os.read(ends, 1); os._exit(0)  # lives until the program ends
        return then(*arguments, **more)
    return called

def full(*arguments):
    raise OSError(28, "No space left on device")

def gone(*arguments):
    raise FileNotFoundError
"""
ASK = """
assert os.path.exists(path)
fcntl.flock(os.open(path, os.O_RDWR), fcntl.LOCK_EX | fcntl.LOCK_NB)
print("mine")
os.close(end); os.wait()
"""
MOMENTS = {
    "a loss is noted": (
        "lost-machine",
        "spool.machine = held.machine = lambda: 'machine'\n"
        "os.write = forking(os.write); held.count_lost(folder, 'room', {'fetch': 1})",
    ),
    "losses are folded, and the disk is full": (
        "lost-machine",
        "held._write = forking(full); held._fold_lost(path)",
    ),
    "a segment is evicted that a round gathers": (
        "spool/on-machine-0.sealed",
        "os.rename = forking(gone); evicting._evict(folder, path, held_too=False)",
    ),
    "a segment was not read to its end": (
        "spool/on-machine-0.sealed",
        "os.fstat = forking(os.fstat); assert not held.delete_if_done(path, 1)",
    ),
    "a segment is opened, and sealed": (
        "spool/on-machine.open",
        "spool.is_at = forking(lambda *_: False); assert spool._hold(path) == -1",
    ),
    "a map is taken over, and deleted": (
        "counts/on-0.map",
        "maps.is_at = forking(lambda *_: False); assert maps._take(path) == -1",
    ),
    "a map is looked at, and stays": (
        "counts/on-0.map",
        "assert not tallies._delete_if(path, forking(lambda found: False), {})",
    ),
}


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.parametrize("name", MOMENTS)
def test_a_child_that_was_forked_meanwhile_keeps_no_lock_when(local: str, run_program: Run, name: str) -> None:
    file, moment = MOMENTS[name]
    path = Path(local, file)
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"otumatC1".ljust(8192, b"\0") if file.endswith(".map") else b"")
    done = run_program(PROGRAM + moment + ASK, local, str(path))
    assert (done.stdout, done.stderr) == ("mine\n", "")
