"""When a project was released: a line for each kind of release, a mark for each release."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from packaging.version import InvalidVersion, Version

LEAST_RELEASES = 3
LANES = ("Major", "Minor", "Patch", "Pre-release")
LANE_PX, AXIS_PX, MARGIN_PERCENT = 28, 24, 2.0
TICKS_MOST = 9
STEPS_MONTHS = (1, 3, 6, 12, 24, 60, 120)


@dataclass(frozen=True, slots=True)
class Released:
    """What the plot needs to know of a release."""

    version: str
    at: datetime
    is_prerelease: bool = False
    is_yanked: bool = False


@dataclass(frozen=True, slots=True)
class Mark:
    """One release. `x` in percent, `y` in pixels; `shape` is `dot`, `diamond` or `cross`."""

    x: float
    y: int
    shape: str
    release: Released


@dataclass(frozen=True, slots=True)
class Tick:
    """A date on the axis; every second one is left out on small screens."""

    x: float
    words: str
    is_first: bool
    is_sparse: bool


@dataclass(frozen=True, slots=True)
class Year:
    """The same numbers for the table: how many releases of each shown kind, and how many of all were yanked."""

    year: int
    counts: tuple[int, ...]
    yanked: int


@dataclass(frozen=True, slots=True)
class History:
    """
    The whole plot.

    Attributes:
        lanes: Names of its lines, the top one first, `LANE_PX` high each.
        lines: Where they are, in pixels.
    """

    lanes: tuple[str, ...]
    lines: tuple[int, ...]
    marks: tuple[Mark, ...]
    ticks: tuple[Tick, ...]
    years: tuple[Year, ...]
    height: int
    first: datetime
    last: datetime

    @property
    def has_yanked(self) -> bool:
        return any(mark.release.is_yanked for mark in self.marks)

    @property
    def axis(self) -> int:
        """Where the dates are written, in pixels."""
        return self.height - AXIS_PX


def lane_of(release: Released) -> str:
    """
    What kind of release a version is, by its place in the numbers: 2.0 is major, 2.1 minor, 2.1.3 a patch.

    Versions that PEP 440 does not know count as patches.
    """
    if release.is_prerelease:
        return "Pre-release"
    try:
        numbers = Version(release.version).release
    except InvalidVersion:
        return "Patch"
    if any(numbers[2:]):
        return "Patch"
    return "Minor" if any(numbers[1:]) else "Major"


def history(releases: Sequence[Released]) -> History | None:
    """The plot; None where it would tell nothing: too few releases, or all of them on one day."""
    if len(releases) < LEAST_RELEASES or len({each.at.date() for each in releases}) < 2:
        return None
    first, last = min(each.at for each in releases), max(each.at for each in releases)
    used = {lane_of(each) for each in releases}
    lanes = tuple(lane for lane in LANES if lane in used)
    marks = [
        Mark(x_of(each.at, first, last), middle(lanes.index(lane_of(each))), shape_of(each), each)
        for each in sorted(releases, key=lambda each: (each.is_yanked, each.at))  # crosses on top
    ]
    return History(
        lanes=lanes,
        lines=tuple(middle(number) for number in range(len(lanes))),
        marks=tuple(marks),
        ticks=tuple(ticks(first, last)),
        years=tuple(years(releases, lanes)),
        height=len(lanes) * LANE_PX + AXIS_PX,
        first=first,
        last=last,
    )


def middle(lane: int) -> int:
    return lane * LANE_PX + LANE_PX // 2


def shape_of(release: Released) -> str:
    return "cross" if release.is_yanked else "diamond" if release.is_prerelease else "dot"


def x_of(at: datetime, first: datetime, last: datetime) -> float:
    """A moment's place in percent, with a margin so that the first and last marks are whole."""
    share = (at - first) / (last - first)
    return round(MARGIN_PERCENT + share * (100 - 2 * MARGIN_PERCENT), 2)


def ticks(first: datetime, last: datetime) -> Iterable[Tick]:
    """Round dates between two moments, at most `TICKS_MOST`; years, or months where there are few years."""
    months = last.year * 12 + last.month - first.year * 12 - first.month
    step = next((each for each in STEPS_MONTHS if months / each <= TICKS_MOST - 1), 12 * (months // 96 + 1))
    begin = first.year * 12 + first.month - 1
    shown = range(begin - begin % step, begin + months + 2, step)
    dates = [datetime(each // 12, each % 12 + 1, 1, tzinfo=UTC) for each in shown if each // 12 >= 1]
    within = [at for at in dates if first <= at <= last]
    for number, at in enumerate(within):
        words = f"{at.year}" if step >= 12 else f"{at:%b %Y}"
        yield Tick(x_of(at, first, last), words, number == 0, number % 2 == 1)


def years(releases: Iterable[Released], lanes: Sequence[str]) -> Iterable[Year]:
    """Releases counted by year and kind, the newest year first."""
    kinds = Counter((each.at.year, lane_of(each)) for each in releases)
    yanked = Counter(each.at.year for each in releases if each.is_yanked)
    for year in sorted({year for year, _ in kinds}, reverse=True):
        yield Year(year, tuple(kinds[year, lane] for lane in lanes), yanked[year])
