"""Being told by the system that it is time to look; only a hint, for network file systems say nothing."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from watchdog.events import (
    FileClosedEvent,
    FileCreatedEvent,
    FileDeletedEvent,
    FileModifiedEvent,
    FileMovedEvent,
    FileSystemEvent,
    FileSystemEventHandler,
)
from watchdog.observers import Observer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# Not those of opening and reading, which our own looking would cause.
KINDS: list[type[FileSystemEvent]] = [
    FileClosedEvent,
    FileCreatedEvent,
    FileDeletedEvent,
    FileModifiedEvent,
    FileMovedEvent,
]


class _Handler(FileSystemEventHandler):
    def __init__(self, tell: Callable[[], None]) -> None:
        self._tell = tell

    def on_any_event(self, event: FileSystemEvent) -> None:
        self._tell()


@contextmanager
def noticing(path: str, tell: Callable[[], None]) -> Iterator[bool]:
    """
    Call `tell`, in another thread, when something happens at a path or beside it.

    Yields:
        Whether the system takes part; it has only so many watches to give.
    """
    is_folder = os.path.isdir(path)
    observer = Observer()
    try:
        folder = path if is_folder else os.path.dirname(os.path.abspath(path))
        observer.schedule(_Handler(tell), folder, recursive=is_folder, event_filter=KINDS)
        observer.start()
    except OSError:
        yield False
        return
    try:
        yield True
    finally:
        observer.stop()
        observer.join()
