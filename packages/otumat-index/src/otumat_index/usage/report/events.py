"""One event: when, with which properties, and in which releases."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from otumat.errors import NotFound
from otumat.spec.manifest import DeclaredEvent
from otumat_index.publish.models import Project
from otumat_index.usage import queries
from otumat_index.usage.report.period import Period
from otumat_index.usage.stores.orm import STORE


@dataclass(frozen=True, slots=True)
class EventReport:
    """
    Some days of one event.

    Attributes:
        properties: By the name of a property: values and how often, most first; "" are uses without it.
        releases: How often in each, most first.
        lost: (reason, times) of what is not in these numbers.
    """

    event: str
    period: Period
    declared: DeclaredEvent | None
    times: int
    before: int
    installs: int | None
    by_day: Mapping[date, int]
    properties: Mapping[str, list[tuple[str, int]]]
    releases: list[tuple[str, int]]
    lost: list[tuple[str, int]]

    @property
    def times_lost(self) -> int:
        return sum(times for _, times in self.lost)


def event_report(project: Project, event: str, period: Period, *, today: date) -> EventReport:
    """
    Read one event's days.

    Raises:
        NotFound: Nobody ever told of it, and it is not declared.
    """
    if not event.isprintable():  # PostgreSQL takes no NUL, be it in a question
        raise unknown(project, event)
    state = queries.state_of(project)
    declared = ((state.declared if state else None) or {}).get(event)
    found = STORE.days_of(project.pk, event, period.before.since, period.until)
    within = {day: n for day, n in found if day >= period.since}
    details = STORE.details(project.pk, event, period.since, period.until)
    if not (declared or found or STORE.days_of(project.pk, event, date.min, period.until)):
        raise unknown(project, event)
    users = dict(STORE.users(project.pk, period.since)) if period.until >= today else None
    losses = STORE.losses(project.pk, period.since, period.until)
    return EventReport(
        event=event,
        period=period,
        declared=declared,
        times=sum(within.values()),
        before=sum(n for day, n in found if day < period.since),
        installs=None if users is None else users.get(event, 0),
        by_day=within,
        properties=by_property(details, declared),
        releases=ranked((release, n) for _, release, n in details),
        lost=[(reason, n) for reason, name, n in losses if name == event],
    )


def unknown(project: Project, event: str) -> NotFound:
    return NotFound(f"{project.name} has no event {event[:100]!r}.", hint="Names are those of the list of features.")


def by_property(
    details: Sequence[tuple[str, str, int]], declared: DeclaredEvent | None
) -> dict[str, list[tuple[str, int]]]:
    """
    How often each value of each property was told; each property adds up to all uses.

    >>> by_property([("size=big", "1.0", 3), ("", "1.0", 1)], None)
    {'size': [('big', 3), ('', 1)]}
    """
    told = [(dict(each.partition("=")[::2] for each in text.split(",") if each), n) for text, _, n in details]
    names = {name for values, _ in told for name in values} | {
        name for name, _ in (declared.properties if declared else ())
    }
    return {name: ranked((values.get(name, ""), n) for values, n in told) for name in sorted(names)}


def ranked(found: Iterable[tuple[str, int]]) -> list[tuple[str, int]]:
    summed = Counter[str]()
    for value, times in found:
        summed[value] += times
    return sorted(summed.items(), key=lambda each: (-each[1], each[0]))
