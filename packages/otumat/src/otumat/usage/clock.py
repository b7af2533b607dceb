"""The wall clock, where the client meets it."""

from __future__ import annotations

from time import gmtime, strftime, strptime, time


def now_s() -> float:
    """Seconds since 1970."""
    return time()


def moment(at_s: float) -> str:
    """
    A moment in UTC.

    >>> moment(0)
    '1970-01-01T00:00:00Z'
    """
    return strftime("%Y-%m-%dT%H:%M:%SZ", gmtime(at_s))


def day(at_s: float) -> str:
    """The UTC day of a moment."""
    return strftime("%Y-%m-%d", gmtime(at_s))


def seconds(text: str) -> float:
    """The opposite of `moment`; 0 for what is none."""
    from calendar import timegm

    try:
        return timegm(strptime(text, "%Y-%m-%dT%H:%M:%SZ"))
    except ValueError:
        return 0
