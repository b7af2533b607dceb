"""Ctrl-C and SIGTERM: at once while waiting for input, after the commit while a batch is being written."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType
from typing import Self

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interrupt:
    """Raises KeyboardInterrupt where it does no harm."""

    def __init__(self) -> None:
        self.is_held = False
        self.is_due = False

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            self._before = {number: signal.signal(number, self._arrived) for number in SIGNALS}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in getattr(self, "_before", {}).items():
            signal.signal(number, handler)

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Let what is inside come to its end first. A second signal does not wait."""
        self.is_held = True
        try:
            yield
        finally:
            self.is_held = False
        if self.is_due:
            raise KeyboardInterrupt

    def _arrived(self, number: int, frame: FrameType | None) -> None:
        if not self.is_held or self.is_due:
            raise KeyboardInterrupt
        self.is_due = True
