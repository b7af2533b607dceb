"""Numbers by day, as lines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from otumat_index.web.charts.scales import Tick, across, dates, numbers, step_of

TOP_PX, PLOT_PX, AXIS_PX = 20, 180, 26
WIDE = 1000
STYLES = ("first", "second", "third", "fourth")
"""Classes of the lines in a picture, each with dashes of its own."""


@dataclass(frozen=True, slots=True)
class Series:
    """One line: what it is called, and its number on each day; None where there is none."""

    words: str
    values: Sequence[float | None]


@dataclass(frozen=True, slots=True)
class Line:
    """`path` is for a view box of `Lines.wide` by `Lines.plot` that is stretched over the picture's width."""

    words: str
    style: str
    path: str


@dataclass(frozen=True, slots=True)
class Lines:
    """The whole picture; `marks` are days with something to tell, as lines from top to bottom."""

    title: str
    summary: str
    lines: tuple[Line, ...]
    numbers: tuple[Tick, ...]
    dates: tuple[Tick, ...]
    marks: tuple[Tick, ...]
    top: int = TOP_PX
    plot: int = PLOT_PX
    wide: int = WIDE

    @property
    def height(self) -> int:
        return self.top + self.plot + AXIS_PX

    @property
    def bottom(self) -> int:
        return self.top + self.plot


def lines(
    title: str,
    days: Sequence[date],
    series: Sequence[Series],
    *,
    summary: str = "",
    unit: str = "",
    most: float | None = None,
    marks: Sequence[tuple[date, str]] = (),
) -> Lines:
    """
    A picture of up to four lines over the same days.

    Args:
        most: What the scale reaches at least; the largest number, unless given.
        marks: Days to mark, and what is written there; those outside the picture are left out.
    """
    largest = max((value for each in series for value in each.values if value is not None), default=0)
    scale = step_of(max(largest, most or 0)) * 4
    made = [Line(each.words, style, path(each.values, scale)) for each, style in zip(series, STYLES, strict=False)]
    places = {day: across(number, len(days)) for number, day in enumerate(days)}
    return Lines(
        title,
        summary,
        tuple(made),
        tuple(numbers(scale, top=TOP_PX, bottom=TOP_PX + PLOT_PX, unit=unit)),
        tuple(dates(days)),
        tuple(Tick(places[day], words) for day, words in marks if day in places),
    )


def path(values: Sequence[float | None], scale: float, *, height: float = PLOT_PX) -> str:
    """
    The line through points, broken where there is no number.

    >>> path([0, 4, None, 2], 4)
    'M30 180L343.3 0M970 90h.1'
    """
    parts: list[str] = []
    is_drawn = False
    for number, value in enumerate(values):
        if value is not None:
            x = across(number, len(values)) * WIDE / 100
            parts.append(f"{'L' if is_drawn else 'M'}{short(x)} {short(height - height * value / scale)}")
            alone = not is_drawn and (number + 1 == len(values) or values[number + 1] is None)
            parts += ["h.1"] * alone  # a round cap makes a dot of it
        is_drawn = value is not None
    return "".join(parts)


def short(number: float) -> str:
    return f"{number:.1f}".rstrip("0").rstrip(".")
