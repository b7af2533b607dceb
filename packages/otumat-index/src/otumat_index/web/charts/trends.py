"""Pictures small enough for a cell of a table."""

from __future__ import annotations

from collections.abc import Sequence

WIDE, HIGH = 100, 22
LEVELS = 8


def trend(values: Sequence[float]) -> str:
    """
    A line through numbers, from nought to the largest, as the path of a view box of 100 by 22.

    >>> trend([0, 2, 1])
    'M0 21L50 1L100 11'
    """
    most, last = max(values, default=0) or 1, max(1, len(values) - 1)
    points = [
        f"{round(WIDE * number / last, 1):g} {round(HIGH - 1 - (HIGH - 2) * each / most, 1):g}"
        for number, each in enumerate(values)
    ]
    return "M" + "L".join(points) if points else ""


def level(share: float) -> int:
    """
    How dark a cell is for a share of 0 to 1: 0 (nothing) to 8.

    >>> level(0), level(0.001), level(0.5), level(1)
    (0, 1, 4, 8)
    """
    return min(LEVELS, max(1, round(share * LEVELS))) if share > 0 else 0
