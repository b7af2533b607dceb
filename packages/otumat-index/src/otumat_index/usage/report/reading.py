"""What the store and the catalogue know of a project's uses in some days."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from otumat.spec.manifest import DeclaredEvent
from otumat_index.publish.models import Project
from otumat_index.usage import queries, rules
from otumat_index.usage.models import Install
from otumat_index.usage.report.period import Period, weeks_before
from otumat_index.usage.stores.orm import STORE
from otumat_index.usage.stores.protocol import Day

COHORTS = 12
"""So many weeks of first uses are told of."""
GAP = "gap"


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
    yank_reason: str = ""


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
        users: How many were used in these days; None for days that end before today, of which that is not kept.
        active: One for each day, in order; `active_before`: of the days before.
        weeks: The oldest first.
        newest: The current release; "" when there is none.
        newest_on: By day, installs that ran it, beside `active`.
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
    pythons: list[Spot]
    systems: list[Spot]
    machines: list[Spot]
    ci: list[Spot]
    cohorts: list[Cohort]
    lost: list[tuple[str, str, int]]

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


def report(project: Project, period: Period, *, today: date) -> Report:
    """
    Read a period of a project's uses.

    Where installs run *now* is of those used in the last 28 days; everything else is of the period's own days.
    """
    state = queries.state_of(project)
    before = period.before
    found = {  # with a week before the first day, which the first week is compared with
        day.day: day for day in STORE.active(project.pk, min(before.since, period.since - timedelta(7)), period.until)
    }
    lost = STORE.losses(project.pk, period.since, period.until)
    spots = {kind: spots_of(project, kind, period, today=today) for kind in rules.KINDS[1:]}
    newest = project.latest
    used = STORE.spread(project.pk, "release", before.since, period.until)
    return Report(
        state=state,
        period=period,
        today=today,
        installs=Install.objects.filter(project=project, withdrawn_at=None).count(),
        users=users_of(project, period, today=today),
        active=every_day(found, period),
        active_before=every_day(found, before),
        weeks=[week_of(day, found) for day in reversed(list(weeks_before(period)))],
        features=features(project, period, lost, state, today=today),
        versions=versions_of(project, summed(used, period), now(project, "release", today)),
        newest=newest.version if newest else "",
        newest_since=newest.created_at if newest else None,
        newest_on={day: n for value, day, n in used if newest and value == newest.version[:64]},
        pythons=spots["python"],
        systems=spots["system"],
        machines=spots["machine"],
        ci=spots["ci"],
        cohorts=cohorts(project, period.until),
        lost=lost,
    )


def users_of(project: Project, period: Period, *, today: date) -> int | None:
    if period.until < today:
        return None
    return sum(n for _, n in STORE.places(project.pk, period.since, "release"))


def ever_told(project: Project, *, today: date) -> bool:
    """Whether anything was ever counted."""
    return bool(STORE.active(project.pk, date.min, date.max) or STORE.losses(project.pk, date.min, today))


def every_day(found: Mapping[date, Day], period: Period) -> list[Day]:
    """The days of a period, with a row of noughts for each that has none."""
    return [found.get(day) or Day(day, 0, 0, 0, 0) for day in period.days]


def week_of(until: date, found: Mapping[date, Day]) -> Week:
    """What a week's installs did, from windows alone: the union of two weeks in a row tells how many are in both."""
    nothing = Day(until, 0, 0, 0, 0)
    this, last = found.get(until, nothing), found.get(until - timedelta(7), nothing)
    fresh = sum(found[day].fresh for number in range(7) if (day := until - timedelta(number)) in found)
    returning = this.weekly + last.weekly - this.fortnightly
    return Week(until, fresh, returning, this.weekly - fresh - returning, last.weekly - returning)


def features(
    project: Project, period: Period, lost: Iterable[tuple[str, str, int]], state: queries.State | None, *, today: date
) -> list[Feature]:
    """Events by how many installs told of them, then by how often; last those that were declared and never heard."""
    by_day: dict[str, dict[date, int]] = {}
    before: Counter[str] = Counter()
    for event, day, times in STORE.counted(project.pk, period.before.since, period.until):
        if day < period.since:
            before[event] += times
        else:
            by_day.setdefault(event, {})[day] = times
    users = dict(STORE.users(project.pk, period.since)) if period.until >= today else None
    losses: Counter[str] = Counter()
    for _, event, times in lost:
        losses[event] += times
    declared = (state.declared if state else None) or {}
    made = [
        Feature(
            event,
            sum(by_day.get(event, {}).values()),
            before[event],
            None if users is None else users.get(event, 0),
            losses[event],
            by_day.get(event, {}),
            declared.get(event),
        )
        for event in {*by_day, *before, *declared}
    ]
    return sorted(made, key=lambda each: (-(each.installs or 0), -each.times, each.event))


def now(project: Project, kind: str, today: date) -> dict[str, int]:
    """Installs of the last 28 days."""
    return dict(STORE.places(project.pk, today - timedelta(rules.MONTH - 1), kind))


def summed(found: Iterable[tuple[str, date, int]], period: Period) -> tuple[Counter[str], Counter[str]]:
    """Days of use by value, in a period and before it."""
    within, before = Counter[str](), Counter[str]()
    for value, day, installs in found:
        (within if day >= period.since else before)[value] += installs
    return within, before


def spots_of(project: Project, kind: str, period: Period, *, today: date) -> list[Spot]:
    spread = STORE.spread(project.pk, kind, period.before.since, period.until)
    return joined(now(project, kind, today), *summed(spread, period))


def joined(installs: Mapping[str, int], within: Mapping[str, int], before: Mapping[str, int]) -> list[Spot]:
    made = [
        Spot(value, installs.get(value, 0), within.get(value, 0), before.get(value, 0))
        for value in {*installs, *within, *before}
    ]
    return sorted(made, key=lambda each: (-each.installs, -each.days, each.value))


def versions_of(
    project: Project, days: tuple[Mapping[str, int], Mapping[str, int]], installs: Mapping[str, int]
) -> list[Version]:
    """The releases in use, most used first, beside what the index knows of them."""
    spots = joined(installs, *days)
    known = project.releases.filter(version__in=[spot.value for spot in spots])
    columns = ("created_at", "pk", "is_yanked", "yank_reason")
    rows = {version[:64]: row for version, *row in known.values_list("version", *columns)}
    made = []
    for spot in spots:
        released, key, is_yanked, reason = rows.get(spot.value, (None, None, False, ""))
        is_latest = key is not None and key == project.latest_id
        made.append(Version(spot, released, is_latest, is_yanked, reason))
    return made


def cohorts(project: Project, until: date) -> list[Cohort]:
    """The last weeks in which there were first uses, the oldest first; a week that is not over counts what it has."""
    last = rules.monday(until)
    first = last - timedelta(7 * (COHORTS - 1))
    cells = {(cohort, week): n for cohort, week, n in STORE.kept(project.pk, first, last)}
    found = []
    for number in range(COHORTS):
        week = first + timedelta(7 * number)
        kept = tuple(cells.get((week, week + timedelta(7 * age)), 0) for age in range(COHORTS - number))
        if kept[0]:
            found.append(Cohort(week, kept))
    return found
