"""When the next round of sending is due, and how the last ones went."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import Any

from otumat.usage import clock
from otumat.usage.files import read_json, write_json, write_whole
from otumat.usage.spawning import is_too_far

FIRST_WAIT_S = 60
LONGEST_WAIT_S = 24 * 60 * 60
LOOK_FIRST_S = 60 * 60
LONGEST_RETRY_AFTER_S = 7 * 24 * 60 * 60

DUE_FILE = "due"
STATE_FILE = "rounds.json"


def read(folder: str) -> dict[str, Any]:
    """`failures`, `last_success`, `last_failure`, `trouble`, `due`: what is known of them."""
    return read_json(os.path.join(folder, STATE_FILE))


def is_due(folder: str, frequency: str) -> bool:
    """Whether the next round is due."""
    left_s = clock.seconds(str(read(folder).get("due", ""))) - clock.now_s()
    return left_s <= 0 or is_too_far(left_s, frequency)


def begin(folder: str) -> None:
    """After a yes: whoever gave it has an hour to look at what will leave."""
    _note(folder, clock.now_s() + LOOK_FIRST_S, {})


def forget(folder: str) -> None:
    """For a copy of an image: no round was yet, and the first is due in a minute."""
    with suppress(OSError):
        os.unlink(os.path.join(folder, STATE_FILE))
    set_due(folder, clock.now_s() + FIRST_WAIT_S)


def succeeded(folder: str, *, every_s: float, chance: float) -> None:
    """Not everybody at the same second: the next round is due after 0.9 to 1.1 times the period."""
    now = clock.now_s()
    _note(folder, now + every_s * (0.9 + 0.2 * chance), {"failures": 0, "last_success": clock.moment(now)})


def failed(folder: str, before: dict[str, Any], trouble: str, *, retry_after_s: float = 0, chance: float) -> None:
    """Wait twice as long as last time, or as long as the host asks, if that is longer."""
    now = clock.now_s()
    failures = min(int(before.get("failures", 0)) + 1, 1000)
    wait_s = max(wait_after(failures, chance=chance), min(retry_after_s, LONGEST_RETRY_AFTER_S))
    state = {"failures": failures, "last_failure": clock.moment(now), "trouble": trouble}
    if "last_success" in before:
        state["last_success"] = before["last_success"]
    _note(folder, now + wait_s, state)


def wait_after(failures: int, *, chance: float) -> float:
    """
    Seconds to wait after so many failures in a row.

    >>> [wait_after(n, chance=0.5) for n in (1, 2, 3, 99)]
    [60.0, 120.0, 240.0, 86400.0]
    """
    return min(FIRST_WAIT_S * 2.0 ** min(failures - 1, 30), LONGEST_WAIT_S) * (0.5 + chance)


def retry_after_s(value: str) -> float:
    """Seconds of a Retry-After header, which has seconds or a date (RFC 9110, 10.2.3); 0 for what is neither."""
    text = value.strip()
    if text.isdecimal() and len(text) < 10:
        return float(text)
    from email.utils import parsedate_to_datetime

    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - clock.now_s())
    except (ValueError, TypeError, OverflowError):
        return 0


def set_due(folder: str, at_s: float) -> None:
    """Note when the next round is due, where a host program can read it cheaply."""
    with suppress(OSError):
        write_whole(os.path.join(folder, DUE_FILE), f"{at_s:.0f}\n".encode())


def _note(folder: str, due_s: float, state: dict[str, Any]) -> None:
    write_json(os.path.join(folder, STATE_FILE), {**state, "due": clock.moment(due_s)})
    set_due(folder, due_s)
