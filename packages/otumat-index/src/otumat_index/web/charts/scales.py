"""Where round numbers and dates stand on an axis."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from itertools import count

MARGIN_PERCENT = 3.0
PARTS = 4
DATES_MOST = 5
EDGE_PERCENT = 10.0
"""Nearer to an edge than this, a date with its year is wider than what is left of a narrow screen."""


@dataclass(frozen=True, slots=True)
class Tick:
    """
    A number or a date on an axis: where (pixels down, or percent across), and what is written there.

    Attributes:
        style: Class of a long date: where it stands among the others, by which it gives way on a narrow screen.
    """

    at: float
    words: str
    style: str = ""


def step_of(most: float) -> int:
    """
    The round number of which a scale has four: 1, 2 or 5 times a power of ten, or 25 times one.

    >>> [step_of(most) for most in (0, 4, 7, 90, 230, 1000, 1001)]
    [1, 1, 2, 25, 100, 250, 500]
    """
    rounds = (factor * 10**power for power in count() for factor in (1, 2, 2.5, 5))
    return next(int(each) for each in rounds if each == int(each) and each * PARTS >= most)


def numbers(most: float, *, top: float, bottom: float, unit: str = "") -> list[Tick]:
    """Round numbers from nought up, the highest no lower than `most`; places between `bottom` and `top` in pixels."""
    step = step_of(most)
    return [
        Tick(round(bottom - (bottom - top) * part / PARTS, 1), f"{part * step:,}{unit}") for part in range(PARTS + 1)
    ]


def across(number: int, of: int) -> float:
    """Where the one of so many points in a row stands, in percent."""
    share = number / (of - 1) if of > 1 else 0.5
    return round(MARGIN_PERCENT + share * (100 - 2 * MARGIN_PERCENT), 2)


def dates(days: Sequence[date]) -> list[Tick]:
    """Some of the days, evenly spread; the year is written where it is not the same for all."""
    if not days:
        return []
    parts = min(DATES_MOST, len(days)) - 1
    places = sorted({round(part * (len(days) - 1) / parts) if parts else 0 for part in range(parts + 1)})
    has_year = days[0].year != days[-1].year
    return dated([(across(place, len(days)), days[place]) for place in places], has_year=has_year)


def dated(places: Sequence[tuple[float, date]], *, has_year: bool) -> list[Tick]:
    """Dates at their places; those with their year are too long for a narrow screen, which shows three of them."""
    return [
        Tick(at, words_of(day, has_year=has_year), style_of(number, len(places), at) if has_year else "")
        for number, (at, day) in enumerate(places)
    ]


def style_of(number: int, of: int, at: float) -> str:
    """
    Where a date stands among so many.

    >>> [style_of(number, 5, at) for number, at in enumerate((3, 26.5, 50, 73.5, 97))]
    ['first', 'between', 'middle', 'between', 'last']
    """
    if 0 < number < of - 1:
        return "middle" if 2 * number + 1 == of else "between"
    return "first" if at < EDGE_PERCENT else "last" if at > 100 - EDGE_PERCENT else ""


def words_of(day: date, *, has_year: bool) -> str:
    return f"{day.day} {day:%b %Y}" if has_year else f"{day.day} {day:%b}"
