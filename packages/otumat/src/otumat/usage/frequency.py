"""How often: `24h`, `90m`, `1h30m`, `1.5h`."""

from __future__ import annotations

import re

from otumat.errors import Invalid, Problem

DAY_S = 24 * 60 * 60
LEAST_S = 30
MOST_S = 366 * DAY_S

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": DAY_S}
_PART = re.compile(r"(\d{1,9}(?:\.\d{1,6})?)([smhd])", re.IGNORECASE)


def seconds_of(frequency: str) -> float:
    """
    The length of a period, at least half a minute, at most a year.

    >>> seconds_of("1h30m"), seconds_of("1.5h"), seconds_of("12H")
    (5400.0, 5400.0, 43200.0)

    Errors:
        Invalid: it is no period.
    """
    text = str(frequency).strip()
    parts = _PART.findall(text)
    total = sum(float(number) * _UNITS[unit.lower()] for number, unit in parts)
    if "".join(number + unit for number, unit in parts) != text or not LEAST_S <= total <= MOST_S:
        message = f"{text[:40]!r} is no period of half a minute to a year."
        raise Invalid([Problem("frequency.invalid", "frequency", message, value=text, hint="Write 12h, 90m or 1h30m.")])
    return total


def seconds_or_a_day(frequency: object) -> float:
    """The same, and a day for what is no period."""
    try:
        return seconds_of(str(frequency))
    except Invalid:
        return DAY_S
