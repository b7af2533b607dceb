"""
What the days of an install change in its project's counts.

An install is remembered by a mask of its last days, so nothing is ever scanned for: from the mask alone follows in
which windows and weeks a new day makes it count, in whatever order its days come in.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import NamedTuple

from otumat.spec.event import Where

MASK_DAYS = 63
LATE_DAYS = 35
"""How late a day may be told and still be marked: older windows reach back beyond the mask."""
WEEK, FORTNIGHT, MONTH = 7, 14, 28
KINDS = ("release", "python", "system", "machine", "ci")
"""What is told of where an install runs: the fields of `Where`."""


class Seen(NamedTuple):
    """An install's last active day, a mask whose bit n is n days before it, and its first active day."""

    last: date
    mask: int
    first: date

    @property
    def days(self) -> set[date]:
        return {self.last - timedelta(n) for n in range(MASK_DAYS) if self.mask >> n & 1}


@dataclass(frozen=True, slots=True)
class Marked:
    """
    What new active days change in a project's counts.

    Attributes:
        daily, weekly, fortnightly, monthly: Installs in the windows of 1, 7, 14 and 28 days that end with a day.
        fresh: Installs by their first day; where an earlier one turns up, one is taken from the later.
        kept: Installs by the week of their first day and a week in which they were used, by Mondays.
    """

    seen: Seen
    daily: Counter[date]
    weekly: Counter[date]
    fortnightly: Counter[date]
    monthly: Counter[date]
    fresh: Counter[date]
    kept: Counter[tuple[date, date]]


def mark(seen: Seen | None, days: Iterable[date]) -> Marked | None:
    """
    Mark active days; each install counts once in each window and week, whatever order its days come in.

    Returns:
        None when nothing new was told.

    >>> from datetime import date
    >>> marked = mark(None, [date(2026, 3, 2)])
    >>> marked.daily[date(2026, 3, 2)], marked.weekly[date(2026, 3, 8)], marked.weekly[date(2026, 3, 9)]
    (1, 1, 0)
    """
    before = seen.days if seen else set()
    newest = max([*days, *before], default=None)
    new = sorted(day for day in set(days) - before if newest and (newest - day).days <= LATE_DAYS)
    if newest is None or not new:
        return None
    known = set(before)
    weekly, fortnightly, monthly = Counter[date](), Counter[date](), Counter[date]()
    for day in new:
        weekly.update(window(day, known, WEEK))
        fortnightly.update(window(day, known, FORTNIGHT))
        monthly.update(window(day, known, MONTH))
        known.add(day)
    first = min(new[0], seen.first) if seen else new[0]
    fresh = Counter({first: 1}) if seen is None else Counter()
    if seen is not None and first != seen.first:
        fresh = Counter({first: 1, seen.first: -1})
    mask = sum(1 << (newest - day).days for day in known if (newest - day).days < MASK_DAYS)
    weeks = kept(seen, first, before, set(new))
    return Marked(Seen(newest, mask, first), Counter(new), weekly, fortnightly, monthly, fresh, weeks)


def window(day: date, known: set[date], width: int) -> list[date]:
    """The days whose window of `width` days holds `day`, and no other day that was known."""
    before = max((each for each in known if each < day), default=date.min)
    after = min((each for each in known if each > day), default=date.max)
    days = (day + timedelta(n) for n in range(width))
    return [each for each in days if (each - before).days >= width and each < after]


def kept(seen: Seen | None, first: date, before: set[date], new: set[date]) -> Counter[tuple[date, date]]:
    """
    Weeks in which an install is used for the first time; all of them, where its first week has changed.

    A first day moves only while all days of the install are in its mask: later than that, an earlier one is too late.
    """
    cohort = monday(first)
    known, told = {monday(day) for day in before}, {monday(day) for day in new}
    found = Counter(dict.fromkeys(((cohort, week) for week in told - known), 1))
    if seen is not None and monday(seen.first) != cohort:
        found.update((cohort, week) for week in known)
        found.subtract((monday(seen.first), week) for week in known)
    return found


def monday(day: date) -> date:
    return day - timedelta(day.weekday())


class Cell(NamedTuple):
    """A day, a kind of place and a value."""

    day: date
    kind: str
    value: str


@dataclass(slots=True)
class Moved:
    """Installs by place: on a day that they told of first, and by the last day that they told of."""

    daily: Counter[Cell] = field(default_factory=Counter)
    last: Counter[Cell] = field(default_factory=Counter)

    @property
    def cells(self) -> list[Cell]:
        return sorted({cell for counter in (self.daily, self.last) for cell, n in counter.items() if n})


def places(
    new: Iterable[date],
    days: Mapping[date, Where],
    *,
    before: tuple[date, Where] | None,
    after: tuple[date, Where],
) -> Moved:
    """
    What an install changes in the counts of places.

    Each of its active days counts under where it ran when it first told of that day; the install itself under where it
    ran when it last told, on its last day.
    """
    found = Moved()
    for day in new:
        found.daily.update(cells(day, days[day]))
    if before != after:
        found.last.update(cells(*after))
        if before is not None:
            found.last.subtract(cells(*before))
    return found


def in_weeks(new: Iterable[date], days: Mapping[date, Where], *, known: Collection[date]) -> Counter[Cell]:
    """
    Weeks (their Mondays) in which an install counts for the first time, by where it ran on the first day told of each.

    Args:
        new: Days that were told for the first time; `days` says where it ran on each.
        known: Days of the install that were told before.
    """
    told = {monday(day) for day in known}
    first: dict[date, date] = {}
    for day in sorted(new):
        first.setdefault(monday(day), day)
    return Counter(cell for week, day in first.items() if week not in told for cell in cells(week, days[day]))


def cells(day: date, where: Where) -> list[Cell]:
    values = (where.release, where.python, where.system, where.machine, "yes" if where.ci else "no")
    return [Cell(day, kind, value) for kind, value in zip(KINDS, values, strict=True)]


def shifts(known: Mapping[str, date], told: Mapping[str, date]) -> Counter[tuple[date, str]]:
    """By how much installs that last told of an event on a day change: (day, event) to +1 or -1."""
    found: Counter[tuple[date, str]] = Counter()
    for event, day in told.items():
        before = known.get(event)
        if before is None or before < day:
            found[day, event] += 1
            if before is not None:
                found[before, event] -= 1
    return found
