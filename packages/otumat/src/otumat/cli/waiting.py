"""Waiting for a person to open the link in a mail."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from otumat.publish.account import Confirmation

FIRST_S, LONGEST_S, GROWTH = 2.0, 10.0, 1.5


def wait_for_confirmation(
    ask: Callable[[], Confirmation],
    *,
    limit_s: float,
    tell: Callable[[int], None],
    sleep: Callable[[float], None] = time.sleep,
    clock: Callable[[], float] = time.monotonic,
) -> bool:
    """
    Ask again and again, at first every 2 s, then less and less often, down to every 10 s.

    Args:
        ask: Asks the index once. How long it says to wait is heeded.
        limit_s: Longest wait; 0 or less asks nothing.
        tell: Is told, once a second, how many seconds have passed.

    Returns:
        Whether the confirmation came in time.
    """
    start, pause_s, wish_s = clock(), FIRST_S, 0
    while True:
        due = clock() + max(pause_s, wish_s)
        end = min(due, start + limit_s)
        while (now := clock()) < end:
            tell(int(now - start))
            sleep(min(1.0, end - now))
        if end < due:
            return False
        confirmation = ask()
        if confirmation.is_given:
            return True
        pause_s, wish_s = min(pause_s * GROWTH, LONGEST_S), confirmation.retry_after_s
