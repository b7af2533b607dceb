"""What the store and the catalogue know of a project's uses in some days."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import date, timedelta

from otumat.spec.versions import sort_key
from otumat_index.publish.models import Project
from otumat_index.usage import queries, rules
from otumat_index.usage.models import Install
from otumat_index.usage.report.period import Period, weeks_before
from otumat_index.usage.report.shapes import Cohort, Feature, Report, Spot, Version, Week
from otumat_index.usage.stores.orm import STORE
from otumat_index.usage.stores.protocol import Day

COHORTS = 12
"""So many weeks of first uses are told of."""
EVENTS_MOST = 500
"""Events that are read where there is no end of them: without a manifest, copies may tell any name."""


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
        users=users_of(project, period, every_day(found, period)[-1], today=today),
        active=every_day(found, period),
        active_before=every_day(found, before),
        weeks=[week_of(day, found) for day in reversed(list(weeks_before(period)))],
        features=features(project, period, lost, state, today=today),
        versions=versions_of(project, summed(used, period), now(project, "release", today)),
        newest=newest.version if newest else "",
        newest_since=newest.created_at if newest else None,
        newest_on={day: n for value, day, n in used if newest and value == newest.version[:64]},
        copies_on=queries.copies(project, period.since, period.until),
        pythons=spots["python"],
        systems=spots["system"],
        machines=spots["machine"],
        ci=spots["ci"],
        cohorts=cohorts(project, period.until),
        lost=lost,
    )


def users_of(project: Project, period: Period, last: Day, *, today: date) -> int | None:
    """How many were used: from the last day on which each was, up to today; else from a window of just that length."""
    if period.until >= today:
        return sum(n for _, n in STORE.places(project.pk, period.since, "release"))
    windows = {1: last.daily, rules.WEEK: last.weekly, rules.FORTNIGHT: last.fortnightly, rules.MONTH: last.monthly}
    return windows.get(period.length)


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
    for event, day, times in STORE.counted(project.pk, period.before.since, period.until, most=EVENTS_MOST):
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
    """The releases in use, most used first and of those used alike the newest, beside what the index knows of them."""
    spots = sorted(joined(installs, *days), key=lambda spot: sort_key(spot.value), reverse=True)
    spots.sort(key=lambda spot: (-spot.installs, -spot.days))
    known = project.releases.filter(version__in=[spot.value for spot in spots])
    columns = ("created_at", "pk", "is_yanked")
    rows = {version[:64]: row for version, *row in known.values_list("version", *columns)}
    made = []
    for spot in spots:
        released, key, is_yanked = rows.get(spot.value, (None, None, False))
        is_latest = key is not None and key == project.latest_id
        made.append(Version(spot, released, is_latest, is_yanked))
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
