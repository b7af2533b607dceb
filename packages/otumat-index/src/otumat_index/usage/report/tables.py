"""A report's numbers as tables: the same on the page, as CSV and as JSON."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta

from otumat_index.usage.report.events import EventReport
from otumat_index.usage.report.period import Period
from otumat_index.usage.report.shapes import Feature, Report, Spot
from otumat_index.web.tables import ROWS_MOST, Cell, Column, Table

TREND_POINTS = 30
REASONS = {
    "room": "The copy had no room left for it",
    "unreadable": "The copy sent it, and it could not be read",
    "unanswered": "The copy sent it, heard no answer, and enrolled anew (it may have been counted)",
    "gap": "A batch never came (batches, not uses)",
    "malformed": "It was malformed",
    "undeclared": "No manifest of the project declares it",
    "expired": "It was told after its last declared day",
    "before_consent": "It was older than the user's yes",
    "future": "Its day is in the future",
    "too_old": "It was too old",
    "other": "For a reason that the copy did not name",
}
"""Why something was not counted, in words; the page explains them."""


def tables(found: Report, *, event_address: Callable[[str], str] = lambda event: "") -> dict[str, Table]:
    """Every table of a report, by its name; `event_address` says where more is told of an event."""
    made = [
        active(found),
        copies(found),
        growth(found),
        versions(found),
        adoption(found),
        features(found, event_address),
        features_by_week(found),
        retention(found),
        spots("pythons", "Python", found.pythons),
        spots("systems", "Operating system", found.systems),
        spots("machines", "Architecture", found.machines),
        spots("ci", "In CI", found.ci),
        losses(found.lost),
    ]
    return {each.name: each for each in made}


def active(found: Report) -> Table:
    columns = (
        Column("day", "Day", "day"),
        Column("daily", "On the day"),
        Column("weekly", "In 7 days"),
        Column("monthly", "In 28 days"),
        Column("new", "New"),
    )
    rows = [(day.day, day.daily, day.weekly, day.monthly, day.fresh) for day in reversed(found.active)]
    return Table("active", "Active installs by day", columns, rows)


def copies(found: Report) -> Table:
    columns = (Column("day", "Day", "day"), Column("copies", "Copies of images"))
    rows = [(day, found.copies_on.get(day, 0)) for day in reversed(found.period.days)]
    return Table("copies", "Copies of images by the day on which they first told", columns, rows)


def growth(found: Report) -> Table:
    columns = (
        Column("week_until", "Seven days until", "day"),
        Column("active", "Active"),
        Column("new", "New"),
        Column("returning", "Returning"),
        Column("back", "Back"),
        Column("lapsed", "Lapsed"),
    )
    rows = [
        (week.until, week.active, week.fresh, week.returning, week.back, week.lapsed) for week in reversed(found.weeks)
    ]
    return Table("growth", "New, returning and lapsed installs by week", columns, rows)


def versions(found: Report) -> Table:
    columns = (
        Column("release", "Release", "text"),
        Column("installs", "Installs now"),
        Column("share", "Share", "bar"),
        Column("days_of_use", "Days of use"),
        Column("change", "Change", "change"),
        Column("released", "Released", "day"),
        Column("latest", "Latest", "good"),
        Column("yanked", "Yanked", "bad"),
    )
    of = sum(each.spot.installs for each in found.versions)
    rows = [
        (
            words_of(each.spot.value, "a release that is not on this index"),
            each.spot.installs,
            share(each.spot.installs, of),
            each.spot.days,
            change(each.spot.days, each.spot.before),
            each.released.date() if each.released else None,
            "latest" if each.is_latest else "",
            ("still in use" if each.spot.installs else "yanked") if each.is_yanked else "",
        )
        for each in found.versions
    ]
    return Table("versions", "Releases in use", columns, rows)


def adoption(found: Report) -> Table:
    """Of the installs used on each day, those that ran what is the latest release today."""
    columns = (
        Column("day", "Day", "day"),
        Column("latest", f"On {found.newest}" if found.newest else "On the latest"),
        Column("active", "Active"),
        Column("share", "Share", "share"),
    )
    rows = [
        (day.day, latest, day.daily, share(latest, day.daily))
        for day in reversed(found.active)
        for latest in [found.newest_on.get(day.day, 0)]
    ]
    return Table("adoption", "Adoption of the latest release by day", columns, rows)


def features(found: Report, address: Callable[[str], str]) -> Table:
    columns = (
        Column("event", "Event", "text"),
        Column("installs", "Installs"),
        Column("share", "Of all", "bar"),
        Column("times", "Uses"),
        Column("change", "Change", "change"),
        Column("trend", "Over time", "trend"),
        Column("lost", "Not counted"),
    )
    rows: list[Sequence[Cell]] = [
        (
            each.event,
            each.installs,
            None if each.installs is None else share(each.installs, found.users or 0),
            each.times,
            change(each.times, each.before),
            thinned(each, found.period),
            each.lost,
        )
        for each in found.features
    ]
    links = [address(each.event) for each in found.features]
    return Table("features", "Features by installs", columns, rows, links)


def thinned(feature: Feature, period: Period) -> tuple[int, ...]:
    """Uses in at most `TREND_POINTS` parts of a period, in order."""
    width = -(-period.length // TREND_POINTS)
    sums = [0] * -(-period.length // width)
    for day, times in feature.by_day.items():
        sums[(day - period.since).days // width] += times
    return tuple(sums)


def features_by_week(found: Report) -> Table:
    """Uses of every event in the weeks of the period, which end with its last day."""
    ends = [week.until for week in found.weeks]
    columns = (Column("event", "Event", "text"), *(Column(f"until_{day}", f"{day.day} {day:%b}") for day in ends))
    rows: list[Sequence[Cell]] = [
        (each.event, *(sum(each.by_day.get(day - timedelta(number), 0) for number in range(7)) for day in ends))
        for each in found.features
        if each.times
    ]
    return Table("features_by_week", "Uses of each feature in the seven days until", columns, rows)


def retention(found: Report) -> Table:
    """Of the installs first used in a week, the part that was used in each week since."""
    widest = max((len(each.installs) for each in found.cohorts), default=0)
    columns = (
        Column("first_used", "First used", "day"),
        Column("installs", "Installs"),
        *(Column(f"week_{age}", f"Week {age}", "heat") for age in range(1, widest)),
    )
    rows: list[Sequence[Cell]] = []
    for each in found.cohorts:
        all_of, *later = each.installs
        cells: list[Cell] = [share(n, all_of) for n in later]
        rows.append((each.week, all_of, *cells, *[None] * (widest - 1 - len(later))))
    return Table("retention", "Installs used again, by the week of their first use", columns, rows)


def spots(name: str, words: str, found: Iterable[Spot]) -> Table:
    listed = list(found)
    columns = (
        Column("value", words, "text"),
        Column("installs", "Installs now"),
        Column("share", "Share", "bar"),
        Column("days_of_use", "Days of use"),
        Column("change", "Change", "change"),
    )
    of = sum(each.installs for each in listed)
    rows = [
        (
            words_of(each.value, "other"),
            each.installs,
            share(each.installs, of),
            each.days,
            change(each.days, each.before),
        )
        for each in listed
    ]
    return Table(name, words, columns, rows)


def losses(found: Iterable[tuple[str, str, int]]) -> Table:
    columns = (
        Column("reason", "Reason", "text"),
        Column("words", "In words", "text"),
        Column("event", "Event", "text"),
        Column("times", "Times"),
    )
    listed = list(found)
    if len(listed) > ROWS_MOST:  # copies may name any events
        listed.sort(key=lambda each: -each[2])
    rows = [(reason, REASONS.get(reason, ""), event or None, times) for reason, event, times in listed]
    return Table("losses", "What was not counted", columns, rows)


def event_tables(found: EventReport) -> dict[str, Table]:
    """Every table of one event, by its name."""
    days = [(day, found.by_day.get(day, 0)) for day in reversed(found.period.days)]
    by_day = Table(
        "days", f"Uses of {found.event} by day", (Column("day", "Day", "day"), Column("times", "Uses")), days
    )
    made = [by_day, parts("releases", "Release", found.releases, "not told")]
    made += [parts(f"property_{name}", name, values, "not told") for name, values in found.properties.items()]
    reasons = [(reason, found.event, times) for reason, times in found.lost]
    return {each.name: each for each in (*made, losses(reasons))}


def parts(name: str, words: str, found: Sequence[tuple[str, int]], unknown: str) -> Table:
    columns = (Column("value", words, "text"), Column("times", "Uses"), Column("share", "Share", "bar"))
    of = sum(times for _, times in found)
    return Table(name, words, columns, [(value or unknown, times, share(times, of)) for value, times in found])


def words_of(value: str, other: str) -> str:
    """A value in words: of what is not known, that it is not."""
    return other if value == "other" else value or "not told"


def share(part: int, of: int) -> float:
    return round(part / of, 4) if of else 0.0


def change(now: int, before: int) -> float | None:
    """The difference to before; None where there was nothing before."""
    return round(now / before - 1, 4) if before else None
