"""Waiting: for what happens by itself, and for a day that is long enough."""

from __future__ import annotations

import time
from collections.abc import Callable

PATIENCE_S = 240
"""Of a wait that ends by itself: more than a busy machine takes, or one that stands still for a while."""
DAY_S = 86_400


def until(happened: Callable[[], object], *, every_s: float = 0.02) -> None:
    """Wait for something that happens soon."""
    deadline = time.monotonic() + PATIENCE_S
    while not happened():
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(every_s)


def stay_in_one_day(
    margin_s: float, *, now: Callable[[], float] = time.time, sleep: Callable[[float], None] = time.sleep
) -> None:
    """
    Wait for the next day of UTC where less than a margin is left of this one.

    For tests that look at the date more than once: here, or in what they start. Any other time it costs nothing.
    """
    begun_s = now()
    left_s = DAY_S - begun_s % DAY_S
    while left_s < margin_s and now() // DAY_S == begun_s // DAY_S:
        sleep(min(left_s, 1))
