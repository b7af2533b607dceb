"""Moments as the query language writes them: `<90d`, `>1y`, `2024`, `2024-05`, `>=2024-05-01`. Pure."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

DAYS = {"d": 1, "w": 7, "m": 30, "y": 365}
_AGE = re.compile(r"(<=|>=|<|>|)(\d{1,5})([dwmy])")
_DATE = re.compile(r"(<=|>=|<|>|)(\d{4})(?:-(\d{1,2}))?(?:-(\d{1,2}))?")
FOREVER = 2**32 - 1


def span(value: str, *, at: int) -> tuple[int, int] | None:
    """
    The moments a value stands for.

    Args:
        value: An age (`<90d`: less than 90 days ago; `90d` means the same) or a date (`<2024-01-01`: before it).
        at: Now, in seconds since 1970.

    Returns:
        From (included) and until (not included), in seconds since 1970; None when the value is neither.

    >>> span("<1d", at=86_400 * 3)
    (172800, 4294967295)
    """
    text = value.strip().lower()
    if age := _AGE.fullmatch(text):
        then = max(0, at - int(age[2]) * DAYS[age[3]] * 86_400)
        return (0, then) if age[1].startswith(">") else (then, FOREVER)
    if date := _DATE.fullmatch(text):
        return dated(date[1], int(date[2]), int(date[3] or 0), int(date[4] or 0))
    return None


def dated(sign: str, year: int, month: int, day: int) -> tuple[int, int] | None:
    """A year, month or day, or all before or after it."""
    try:
        begin = datetime(year, month or 1, day or 1, tzinfo=UTC)
        if day:
            end = begin + timedelta(days=1)
        else:
            end = begin.replace(month=month + 1) if 0 < month < 12 else begin.replace(year=year + 1, month=1)
    except (ValueError, OverflowError):
        return None
    first, last = (min(max(0, int(each.timestamp())), FOREVER) for each in (begin, end))
    return {"<": (0, first), "<=": (0, last), ">": (last, FOREVER), ">=": (first, FOREVER)}.get(sign, (first, last))
