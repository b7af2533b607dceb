"""A report's numbers as pictures; each stands beside the table of the same name."""

from __future__ import annotations

from otumat_index.usage.report.events import EventReport
from otumat_index.usage.report.shapes import Report
from otumat_index.web import charts


def active(found: Report, *, compares: bool) -> charts.Lines:
    """Installs in the windows of 28, 7 and 1 days; and of 28 days in the period before."""
    days = found.active
    series = [
        charts.Series("In 28 days", [day.monthly for day in days]),
        charts.Series("In 7 days", [day.weekly for day in days]),
        charts.Series("On the day", [day.daily for day in days]),
    ]
    if compares:
        series.append(charts.Series("In 28 days, the period before", [day.monthly for day in found.active_before]))
    last = days[-1]
    summary = (
        f"On the last day {last.daily:,}, in its 7 days {last.weekly:,}, in its 28 days {last.monthly:,} installs."
    )
    return charts.lines("Active installs", found.period.days, series, summary=summary)


def copies(found: Report) -> charts.Lines:
    """Copies of images, apart from installs: they may be a thousand to one."""
    series = [charts.Series("Copies of images", [found.copies_on.get(day, 0) for day in found.period.days])]
    return charts.lines("Copies of images", found.period.days, series, summary=f"{found.copies:,} in all.")


def growth(found: Report) -> charts.Columns:
    groups = [charts.Group(week.until, (week.returning, week.back, week.fresh), week.lapsed) for week in found.weeks]
    last = found.weeks[-1]
    summary = (
        f"In the last seven days {last.fresh:,} new, {last.returning + last.back:,} others, {last.lapsed:,} lapsed."
    )
    return charts.columns(
        "Installs by week", groups, ("Returning", "Back after a pause", "New", "Lapsed"), summary=summary
    )


def adoption(found: Report) -> charts.Lines:
    """Of the installs used on a day since the latest release, the part that ran it, in percent."""
    since = found.newest_since.date() if found.newest_since else found.period.since
    values = [
        round(100 * found.newest_on.get(day.day, 0) / day.daily, 1) if day.daily and day.day >= since else None
        for day in found.active
    ]
    told = [value for value in values if value is not None]
    summary = f"{told[-1]:g} % on the last day with any use." if told else "No installs were used."
    return charts.lines(
        f"Installs on {found.newest}, the latest release",
        found.period.days,
        [charts.Series(f"On {found.newest}", values)],
        summary=summary,
        unit="%",
        most=100,
        marks=[(since, f"{found.newest} released")],
    )


def event(found: EventReport) -> charts.Lines:
    series = [charts.Series("Uses", [found.by_day.get(day, 0) for day in found.period.days])]
    return charts.lines(f"Uses of {found.event}", found.period.days, series, summary=f"{found.times:,} in all.")
