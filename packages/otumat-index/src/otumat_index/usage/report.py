"""A project's uses, in numbers: read from roll-ups, so that it costs the same for a thousand uses and ten million."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, NamedTuple

from otumat_index.publish.models import Project
from otumat_index.usage import queries, rules
from otumat_index.usage.models import Install
from otumat_index.usage.stores.orm import STORE
from otumat_index.usage.stores.protocol import Day

DAYS_MAX = 366


class Share(NamedTuple):
    """A value, and in how many installs it was found."""

    value: str
    installs: int


@dataclass(frozen=True, slots=True)
class Feature:
    """
    An event: how often it happened, by day.
    """

    event: str
    times: int
    by_day: dict[date, int]


@dataclass(frozen=True, slots=True)
class Report:
    """
    Some days of a project's uses.

    Attributes:
        state: None: it never collected.
        active: One for each day, in order.
        lost: (reason, event, times) of what is not in these numbers.
    """

    state: queries.State | None
    since: date
    until: date
    installs: int
    active: list[Day]
    features: list[Feature]
    releases: list[Share]
    pythons: list[Share]
    systems: list[Share]
    machines: list[Share]
    lost: list[tuple[str, str, int]]

    @property
    def is_empty(self) -> bool:
        return not self.features and not any(day.monthly for day in self.active)


def report(project: Project, *, days: int, today: date) -> Report:
    """The last `days` days (1 to 366) of a project's uses; where installs run is of those active in the last 28."""
    since = today - timedelta(days=min(max(days, 1), DAYS_MAX) - 1)
    recent = today - timedelta(days=rules.MONTH - 1)

    def shares(column: str) -> list[Share]:
        return [Share(*row) for row in STORE.places(project.pk, recent, column)]

    return Report(
        state=queries.state_of(project),
        since=since,
        until=today,
        installs=Install.objects.filter(project=project, withdrawn_at=None).count(),
        active=every_day(STORE.active(project.pk, since, today), since, today),
        features=features(project, since, today),
        releases=shares("release"),
        pythons=shares("python"),
        systems=shares("system"),
        machines=shares("machine"),
        lost=STORE.losses(project.pk, since, today),
    )


def every_day(found: list[Day], since: date, until: date) -> list[Day]:
    """The same with a row of noughts for each day that has none."""
    known = {day.day: day for day in found}
    days = (since + timedelta(n) for n in range((until - since).days + 1))
    return [known.get(day) or Day(day, 0, 0, 0, 0) for day in days]


def features(project: Project, since: date, until: date) -> list[Feature]:
    """Events, most frequent first."""
    found: dict[str, Feature] = {}
    for event, day, times in STORE.counted(project.pk, since, until):
        found.setdefault(event, Feature(event, 0, {})).by_day[day] = times
    summed = [Feature(each.event, sum(each.by_day.values()), each.by_day) for each in found.values()]
    return sorted(summed, key=lambda each: (-each.times, each.event))


def as_json(found: Report) -> dict[str, Any]:
    """A report as the API tells it; days are `YYYY-MM-DD`."""
    return {
        "collects": bool(found.state and found.state.is_on),
        "since": found.since.isoformat(),
        "until": found.until.isoformat(),
        "installs": found.installs,
        "active": [{**day._asdict(), "day": day.day.isoformat()} for day in found.active],
        "events": [
            {
                "event": each.event,
                "times": each.times,
                "days": {day.isoformat(): times for day, times in each.by_day.items()},
            }
            for each in found.features
        ],
        **{
            name: [share._asdict() for share in getattr(found, name)]
            for name in ("releases", "pythons", "systems", "machines")
        },
        "lost": [{"reason": reason, "event": event, "times": times} for reason, event, times in found.lost],
    }
