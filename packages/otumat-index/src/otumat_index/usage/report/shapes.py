"""What a report is made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

from otumat.spec.manifest import DeclaredEvent
from otumat_index.usage import queries
from otumat_index.usage.report.period import Period
from otumat_index.usage.stores.protocol import Day

GAP = "gap"
"""The reason of a loss that is of batches, not of uses."""


@dataclass(frozen=True, slots=True)
class Week:
    """
    Seven days: installs used for the first time, used the week before as well, back after a pause, and those of the
    week before that were not used.
    """

    until: date
    fresh: int
    returning: int
    back: int
    lapsed: int

    @property
    def active(self) -> int:
        return self.fresh + self.returning + self.back


@dataclass(frozen=True, slots=True)
class Feature:
    """
    An event.

    Attributes:
        installs: How many told of it in these days; None for days that end before today, of which that is not kept.
        lost: How often it was told of and not counted, or lost by copies.
        declared: What the project's manifests say of it; None: not in them.
    """

    event: str
    times: int = 0
    before: int = 0
    installs: int | None = None
    lost: int = 0
    by_day: Mapping[date, int] = field(default_factory=dict)
    declared: DeclaredEvent | None = None


@dataclass(frozen=True, slots=True)
class Spot:
    """
    Where installs run: one value.

    Attributes:
        installs: Used in the last 28 days, by where they told last.
        days: Days of use in the period, each install once a day; `before`: in the days before.
    """

    value: str
    installs: int
    days: int
    before: int


@dataclass(frozen=True, slots=True)
class Version:
    """A release as it is used, beside what the index knows of it; `released` is None for one that it does not know."""

    spot: Spot
    released: datetime | None = None
    is_latest: bool = False
    is_yanked: bool = False


@dataclass(frozen=True, slots=True)
class Cohort:
    """Installs used first in a week (its Monday), and how many of them in each week since; the first is all of them."""

    week: date
    installs: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Report:
    """
    Some days of a project's uses.

    Attributes:
        state: None: it never collected.
        installs: How many may tell at present.
        users: How many were used in these days; None where that is not kept: for days that end before today, unless
            they are 1, 7, 14 or 28.
        active: One for each day, in order; `active_before`: of the days before.
        weeks: The oldest first.
        newest: The current release; "" when there is none.
        newest_on: By day, installs that ran it, beside `active`.
        copies_on: By day, copies of images that told for the first time; they are no installs.
        lost: (reason, event, times) of what is not in these numbers.
    """

    state: queries.State | None
    period: Period
    today: date
    installs: int
    users: int | None
    active: list[Day]
    active_before: list[Day]
    weeks: list[Week]
    features: list[Feature]
    versions: list[Version]
    newest: str
    newest_since: datetime | None
    newest_on: Mapping[date, int]
    copies_on: Mapping[date, int]
    pythons: list[Spot]
    systems: list[Spot]
    machines: list[Spot]
    ci: list[Spot]
    cohorts: list[Cohort]
    lost: list[tuple[str, str, int]]

    @property
    def knows_installs(self) -> bool:
        """Whether it is kept how many installs told of each event: up to today alone."""
        return self.period.until >= self.today

    @property
    def is_empty(self) -> bool:
        return not any(feature.times for feature in self.features) and not any(day.monthly for day in self.active)

    @property
    def fresh(self) -> int:
        return sum(day.fresh for day in self.active)

    @property
    def fresh_before(self) -> int:
        return sum(day.fresh for day in self.active_before)

    @property
    def copies(self) -> int:
        return sum(self.copies_on.values())

    @property
    def times(self) -> int:
        return sum(feature.times for feature in self.features)

    @property
    def times_before(self) -> int:
        return sum(feature.before for feature in self.features)

    @property
    def uses_lost(self) -> int:
        return sum(times for reason, _, times in self.lost if reason != GAP)

    @property
    def gaps(self) -> int:
        """Batches that never came."""
        return sum(times for reason, _, times in self.lost if reason == GAP)
