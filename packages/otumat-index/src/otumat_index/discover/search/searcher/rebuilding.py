"""Building the index anew, one build at a time on a machine, beside whatever runs."""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from django.conf import settings

from otumat_index.discover.search.engine import building, folder, following, reading
from otumat_index.usage.published import queries as usage

REPORTED_EVERY_S = 0.25


def rebuild(progress: Callable[[float], object] = lambda _: None, *, waits: bool = True) -> Path | None:
    """
    Build a folder from the catalogue and delete the ones before it; a running searcher takes it within a second.

    Args:
        progress: Told how much is done, 0 to 1.
        waits: Whether to wait for another build to end first; else None is returned when there is one.
    """
    parent: Path = settings.CONFIG.search_path
    with building_alone(parent, waits=waits) as is_alone:
        if not is_alone:
            return None
        folder.discard_others(parent, folder.newest(parent))
        serial = following.head()
        head = {"serial": serial, "mark": following.mark(serial)}
        report = Report(parent / "progress", progress)
        try:
            made = building.build(
                parent,
                reading.everything(),
                expected=reading.count(),
                head=head,
                at=int(time.time()),
                in_use=usage.in_use(),
                progress=report,
            )
        finally:
            report.end()
        folder.discard_others(parent, made)
        return made


@contextlib.contextmanager
def building_alone(parent: Path, *, waits: bool) -> Iterator[bool]:
    """Hold the lock of building; it ends with its holder, however that ends."""
    parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    opened = os.open(parent / "build.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(opened, fcntl.LOCK_EX | (0 if waits else fcntl.LOCK_NB))
        except BlockingIOError:
            yield False
            return
        yield True
    finally:
        os.close(opened)


class Report:
    """Tells how far a build is: who called for it, and by a small file who else asks."""

    def __init__(self, path: Path, tell: Callable[[float], object]) -> None:
        self.path = path
        self.tell = tell
        self.told_at = 0.0

    def __call__(self, fraction: float) -> None:
        self.tell(fraction)
        if time.monotonic() - self.told_at >= REPORTED_EVERY_S:
            self.told_at = time.monotonic()
            with contextlib.suppress(OSError):
                self.path.write_text(f"{fraction:.3f}", "ascii")

    def end(self) -> None:
        self.path.unlink(missing_ok=True)


def progress_of(parent: Path) -> float:
    """How far the build under way is; 0 when there is none."""
    try:
        return float((parent / "progress").read_text("ascii"))
    except (OSError, ValueError):
        return 0.0
