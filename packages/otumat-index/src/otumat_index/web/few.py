"""Bounds how many threads of a worker may be busy with answers that take long, so that the others serve on."""

from __future__ import annotations

import threading
from types import TracebackType

from otumat_index.web.errors import TooMany


class Few:
    """
    Places for few at once, to be used in a `with`.

    Args:
        at_once: Places; as many more may wait for one, for a waiting thread serves nobody else.
        wait_s: How long they wait.
        told: Whoever gets none is told this.
    """

    def __init__(self, at_once: int, *, wait_s: float, told: str) -> None:
        self.places = threading.BoundedSemaphore(at_once)
        self.chairs = threading.BoundedSemaphore(2 * at_once)
        self.wait_s = wait_s
        self.told = told

    def __enter__(self) -> None:
        if not self.chairs.acquire(blocking=False):
            raise self.refusal()
        if not self.places.acquire(timeout=self.wait_s):
            self.chairs.release()
            raise self.refusal()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.places.release()
        self.chairs.release()

    def refusal(self) -> TooMany:
        return TooMany(self.told, hint="Try again in a minute.", retry_after_s=60)
