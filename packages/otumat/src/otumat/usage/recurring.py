"""
Rounds of sending for a process that does nothing else: `otumat upload`, `agent.recurring_send`, the background service.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from otumat.spec.consent import may_send
from otumat.usage import answers, clock, denials, due
from otumat.usage.frequency import DAY_S, seconds_or_a_day
from otumat.usage.hosts import usage_transport
from otumat.usage.sender import send_round

if TYPE_CHECKING:
    from collections.abc import Callable

_NAP_S = 60.0


def recur(
    folder: str,
    package: str,
    *,
    start: object = None,
    frequency: str = "24h",
    sleep: Callable[[float], None] = time.sleep,
    rounds: int = -1,
) -> None:
    """
    Send, wait until the next round is due, and again, for as long as the answer says *on*.

    A round that fails ends nothing. The answer is looked at every minute, also while waiting.

    Args:
        start: A datetime of the first round; without a zone it is UTC.
        rounds: How many at most; negative for no end.
    """
    every_s, next_s = seconds_or_a_day(frequency), _first(start)
    while rounds and _is_on(folder, package):
        if (left_s := next_s - clock.now_s()) > 0:
            sleep(min(left_s, _NAP_S))
            continue
        send_round(folder, package, over=usage_transport(), every_s=every_s)
        next_s = max(clock.seconds(str(due.read(folder).get("due", ""))), clock.now_s() + min(every_s, DAY_S) / 10)
        rounds -= 1


def _first(start: object) -> float:
    if not isinstance(start, datetime):
        return 0
    return (start if start.tzinfo else start.replace(tzinfo=UTC)).timestamp()


def _is_on(folder: str, package: str) -> bool:
    level, _ = denials.effective(package, answers.read(folder).level)
    return may_send(level)
