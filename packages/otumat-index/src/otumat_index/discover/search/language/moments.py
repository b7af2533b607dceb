"""
Moments: `<90d` (less than 90 days ago), `>2024-01-01` (after that day), `2024-03` (in that month), `2024-01..2024-06`.

Units of age are h, d, w, m (30 days) and y (365 days). The clock is the caller's.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

HOURS = {"h": 1, "d": 24, "w": 7 * 24, "m": 30 * 24, "y": 365 * 24}
_AGE = re.compile(r"([<>]?)=?(\d{1,5})([hdwmy])")
_DAY = r"(?:19|2\d)\d\d(?:-(?:0[1-9]|1[0-2])(?:-(?:0[1-9]|[12]\d|3[01]))?)?"
_DATE = re.compile(rf"([<>]?=?)({_DAY})")
_RANGE = re.compile(rf"({_DAY})?\.\.({_DAY})?")

Span = tuple[datetime | None, datetime | None]


def tidy(text: str) -> str:
    """
    A value in its one spelling; empty when it says no moment.

    >>> tidy("90D"), tidy("<=90d"), tidy("=2024"), tidy("2024-02-31"), tidy("2024..")
    ('<90d', '<90d', '2024', '', '>=2024')
    """
    text = text.lower().replace(" ", "")
    if age := _AGE.fullmatch(text):
        return f"{age[1] or '<'}{int(age[2])}{age[3]}" if int(age[2]) * HOURS[age[3]] <= 200 * HOURS["y"] else ""
    if (date := _DATE.fullmatch(text)) and _period(date[2]):
        return date[1].removeprefix("=") + date[2]
    if (
        (between := _RANGE.fullmatch(text))
        and any(between.groups())
        and all(map(_period, filter(None, between.groups())))
    ):
        first, last = between[1], between[2]
        return f"{first}..{last}" if first and last else f">={first}" if first else f"<={last}"
    return ""


def span(value: str, *, now: datetime) -> Span:
    """
    From when (inclusive) until when (exclusive) a value that `tidy` made reaches; None is open.

    >>> span(">2024-02", now=datetime(2026, 1, 1, tzinfo=UTC))[0].isoformat()
    '2024-03-01T00:00:00+00:00'
    """
    if age := _AGE.fullmatch(value):
        then = now - timedelta(hours=int(age[2]) * HOURS[age[3]])
        return (None, then) if age[1] == ">" else (then, None)
    if between := _RANGE.fullmatch(value):
        return _start(between[1]), _end(between[2])
    date = _DATE.fullmatch(value)
    if date is None:
        raise ValueError(f"{value!r} is no moment")
    reach: dict[str, Span] = {
        "": (_start(date[2]), _end(date[2])),
        ">": (_end(date[2]), None),
        ">=": (_start(date[2]), None),
        "<": (None, _start(date[2])),
        "<=": (None, _end(date[2])),
    }
    return reach[date[1]]


def _start(text: str) -> datetime:
    period = _period(text)
    if period is None:
        raise ValueError(f"{text!r} is no day")
    return period[0]


def _end(text: str) -> datetime:
    period = _period(text)
    if period is None:
        raise ValueError(f"{text!r} is no day")
    return period[1]


def _period(text: str) -> tuple[datetime, datetime] | None:
    """Begin and end of a year, month or day; None for the 31st of February."""
    year, month, day = (*(int(part) for part in text.split("-")), 0, 0)[:3]
    try:
        start = datetime(year, month or 1, day or 1, tzinfo=UTC)
    except ValueError:
        return None
    if day:
        return start, start + timedelta(days=1)
    if month:
        return start, datetime(year + month // 12, month % 12 + 1, 1, tzinfo=UTC)
    return start, datetime(year + 1, 1, 1, tzinfo=UTC)
