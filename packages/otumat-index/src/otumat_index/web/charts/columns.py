"""What comes and goes in each of some weeks: columns that grow upwards and downwards from a line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from otumat_index.web.charts.scales import DATES_MOST, Tick, dated, step_of

TOP_PX, PLOT_PX, AXIS_PX = 20, 200, 26
LEFT, WIDEST = 6, 8
"""Percent: room for numbers, and what a column is wide at most."""
GAP = 0.25
"""Part of a column's room that stays empty."""


@dataclass(frozen=True, slots=True)
class Group:
    """A week: numbers that are piled up, the lowest first, and one that hangs below the line."""

    day: date
    above: tuple[int, ...]
    below: int


@dataclass(frozen=True, slots=True)
class Box:
    """A part of a column: percent across, pixels down, and its class."""

    x: float
    y: float
    width: float
    height: float
    style: str


@dataclass(frozen=True, slots=True)
class Columns:
    """The whole picture; `words` are those of the parts and `styles` their classes, the one below the line last."""

    title: str
    summary: str
    words: tuple[str, ...]
    styles: tuple[str, ...]
    boxes: tuple[Box, ...]
    numbers: tuple[Tick, ...]
    dates: tuple[Tick, ...]
    zero: float
    top: int = TOP_PX

    @property
    def height(self) -> int:
        return TOP_PX + PLOT_PX + AXIS_PX

    @property
    def bottom(self) -> int:
        return TOP_PX + PLOT_PX

    @property
    def legend(self) -> list[tuple[str, str]]:
        return list(zip(self.words, self.styles, strict=True))


def columns(title: str, groups: Sequence[Group], words: Sequence[str], *, summary: str = "") -> Columns:
    """
    A picture of weeks in order.

    Args:
        words: What the parts above the line are called, the lowest first, and at last what hangs below.
    """
    up = max((sum(group.above) for group in groups), default=0)
    down = max((group.below for group in groups), default=0)
    step = step_of(max(up, down))
    above, below = max(1, -(-up // step)), -(-down // step)
    scale = PLOT_PX / (step * (above + below))
    zero = TOP_PX + above * step * scale
    styles = (*(f"part-{number + 1}" for number in range(len(words) - 1)), "below")
    boxes = [box for number, group in enumerate(groups) for box in boxes_of(group, number, len(groups), zero, scale)]
    marks = [Tick(round(zero - part * step * scale, 1), f"{abs(part * step):,}") for part in range(-below, above + 1)]
    return Columns(
        title, summary, tuple(words), styles, tuple(boxes), tuple(marks), tuple(places(groups)), round(zero, 1)
    )


def boxes_of(group: Group, number: int, of: int, zero: float, scale: float) -> list[Box]:
    room = (100 - LEFT) / of
    x, width = round(LEFT + room * (number + GAP / 2), 2), round(min(room * (1 - GAP), WIDEST), 2)
    found, y = [], zero
    for part, value in enumerate(group.above):
        y -= value * scale
        if value:
            found.append(Box(x, round(y, 1), width, round(value * scale, 1), f"part-{part + 1}"))
    if group.below:
        found.append(Box(x, round(zero, 1), width, round(group.below * scale, 1), "below"))
    return found


def places(groups: Sequence[Group]) -> list[Tick]:
    """Dates below the middle of their columns."""
    room = (100 - LEFT) / max(1, len(groups))
    wide = min(room * (1 - GAP), WIDEST)
    every = -(-len(groups) // DATES_MOST)
    has_year = bool(groups) and groups[0].day.year != groups[-1].day.year
    shown = [
        (round(LEFT + room * (number + GAP / 2) + wide / 2, 2), group.day)
        for number, group in enumerate(groups)
        if number % every == 0
    ]
    return dated(shown, has_year=has_year)
