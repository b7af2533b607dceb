"""How a whole divides: rectangles as large as what they stand for, as near to squares as they come."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

TOLD_LEAST_WIDTH = 52
TOLD_LEAST_HEIGHT = 20
NUMBERED_LEAST_HEIGHT = 40


@dataclass(frozen=True, slots=True)
class Part:
    """One part of the whole: where it leads, how much it is."""

    words: str
    url: str
    number: int


@dataclass(frozen=True, slots=True)
class Tile:
    """
    Its place in the picture, in percent of width and height.

    Attributes:
        is_told: Whether words fit into it, their beginning at least.
        is_numbered: Whether its number fits, too.
    """

    part: Part
    x: float
    y: float
    width: float
    height: float
    is_told: bool
    is_numbered: bool


def treemap(parts: Sequence[Part], *, width: float, height: float) -> list[Tile]:
    """
    Tiles for the parts, the largest first, for a picture of about this many pixels.

    Rows are filled along the shorter side of what is left for as long as that makes their tiles more square.

    Source: Bruls, Huizing, van Wijk, "Squarified treemaps" (2000), section 3.
    """
    rest = sorted((part for part in parts if part.number > 0), key=lambda part: -part.number)
    scale = width * height / max(1, sum(part.number for part in rest))
    left, top, right, bottom = 0.0, 0.0, width, height
    tiles: list[Tile] = []
    while rest:
        across = min(right - left, bottom - top)
        row = first_row([part.number * scale for part in rest], across)
        thick = sum(row) / across
        is_column = right - left >= bottom - top
        begin = top if is_column else left
        for part, area in zip(rest, row, strict=False):
            long = area / thick
            box = (left, begin, thick, long) if is_column else (begin, top, long, thick)
            tiles.append(tile(part, box, width, height))
            begin += long
        left, top = (left + thick, top) if is_column else (left, top + thick)
        rest = rest[len(row) :]
    return tiles


def first_row(areas: Sequence[float], across: float) -> list[float]:
    """As many of the areas as make a good row along a side."""
    row = [areas[0]]
    for area in areas[1:]:
        if worst([*row, area], across) > worst(row, across):
            break
        row.append(area)
    return row


def worst(row: Sequence[float], across: float) -> float:
    """The longest side over the shortest, of the tile least like a square."""
    total = sum(row)
    return max(across**2 * max(row) / total**2, total**2 / (across**2 * min(row)))


def tile(part: Part, box: tuple[float, float, float, float], width: float, height: float) -> Tile:
    """A part in its box of pixels."""
    x, y, wide, high = box
    fits = wide >= TOLD_LEAST_WIDTH and high >= TOLD_LEAST_HEIGHT
    left, top, across, down = (round(100 * each, 3) for each in (x / width, y / height, wide / width, high / height))
    return Tile(part, left, top, across, down, fits, fits and high >= NUMBERED_LEAST_HEIGHT)
