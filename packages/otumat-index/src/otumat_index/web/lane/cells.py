"""
One shared page of 64-bit cells beside the store: how processes of one machine notice each other without asking.

Cell 0 is the generation (changes with every change of the store), cell 1 the follower's last heartbeat, the rest are
the workers' counters, one row a worker. An aligned 8-byte cell is written in one store instruction, so a reader sees
an old or a new value, never half of each. No cell needs an atomic addition: each value is written by one process, or
unique (see `Store`).
"""

from __future__ import annotations

import mmap
import os
from pathlib import Path

COUNTERS = (
    "pages",  # answered 200, from memory
    "not_modified",  # answered 304
    "files",  # small files and metadata, from memory
    "large_files",  # sent from disk
    "loaded",  # bodies read into memory
    "evicted",  # bodies dropped from memory for lack of room
    "passed",  # requests handed on to the application
    "bytes_held",  # bytes in memory now
)
WORKERS_LIMIT = 60
_FIRST = 16
_CELLS = 512
_GAUGES = frozenset({"bytes_held"})


class Cells:
    """The mapped page. `cells[0]` costs about 20 ns."""

    def __init__(self, path: Path) -> None:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            if os.fstat(handle).st_size < _CELLS * 8:
                os.ftruncate(handle, _CELLS * 8)  # grows with zeros; doing it twice does no harm
            found = os.fstat(handle)
            self.identity = (found.st_dev, found.st_ino)
            self._map = mmap.mmap(handle, _CELLS * 8)
        finally:
            os.close(handle)
        self.view = memoryview(self._map).cast("Q")

    def close(self) -> None:
        """Unmap. A view taken before is dead afterwards."""
        self.view.release()
        self._map.close()

    def row(self, worker: int) -> memoryview:
        """Return the counters of one worker, numbered from 0."""
        start = _FIRST + (worker % WORKERS_LIMIT) * len(COUNTERS)
        return self.view[start : start + len(COUNTERS)]

    def totals(self) -> dict[str, int]:
        """Add up the counters of all workers."""
        rows = [self.row(worker) for worker in range(WORKERS_LIMIT)]
        return {name: sum(row[index] for row in rows) for index, name in enumerate(COUNTERS)}

    def start(self, worker: int) -> None:
        """Take over a row: totals go on where the last holder stopped, gauges begin anew."""
        row = self.row(worker)
        for index, name in enumerate(COUNTERS):
            if name in _GAUGES:
                row[index] = 0
