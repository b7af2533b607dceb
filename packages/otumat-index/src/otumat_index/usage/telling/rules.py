"""When a digest is due, and when an alert fires; pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from otumat.errors import Invalid, Problem
from otumat_index.usage.report.period import Period
from otumat_index.usage.rules import monday

WEEK, MONTH = "week", "month"
EVERY = (WEEK, MONTH)
LATE_DAYS = 1
"""So long after a period's end it is told of: most copies tell once a day."""
PERCENT_MOST, NUMBER_MOST = 100, 10**9
ALERTS_MOST = 20
"""So many a project may have."""
FEWEST = 10
"""Below so many installs, percentages say nothing."""
KINDS: Mapping[str, tuple[str, int]] = {
    "fall": ("active installs fall by {number} % or more from one week to the next", PERCENT_MOST),
    "yanked": ("a yanked release still has {number} or more active installs", NUMBER_MOST),
    "lost": ("{number} or more uses{of_event} were lost in a week, and more than in the week before", NUMBER_MOST),
    "adopted": ("the latest release is on {number} % or more of the active installs", PERCENT_MOST),
}
"""What can be asked to be told: in words, and the largest number."""


@dataclass(frozen=True, slots=True)
class Definition:
    """What owners want to be told of."""

    kind: str
    number: int
    event: str = ""

    @property
    def words(self) -> str:
        of_event = f" of {self.event}" if self.event else ""
        return KINDS[self.kind][0].replace("{number}", f"{self.number:,}").replace("{of_event}", of_event)


@dataclass(frozen=True, slots=True)
class Facts:
    """
    What alerts are judged by.

    Attributes:
        week: The Monday of the last whole week.
        active, active_before: Installs used in that week and in the one before.
        yanked: Installs of the last 28 days on releases that are yanked.
        lost, lost_before: Uses by event that were not counted, in that week and in the one before.
        latest: The current release; "" where there is none.
        on_latest, installs: Installs of the last 28 days on it, and all of them.
    """

    week: date
    active: int = 0
    active_before: int = 0
    yanked: Mapping[str, int] | None = None
    lost: Mapping[str, int] | None = None
    lost_before: Mapping[str, int] | None = None
    latest: str = ""
    on_latest: int = 0
    installs: int = 0


@dataclass(frozen=True, slots=True)
class Fired:
    """That an alert has something to say: once for each occasion."""

    occasion: str
    words: str


def read(kind: str, number: str, event: str = "", *, declared: Sequence[str] | None = None) -> Definition:
    """
    An alert as somebody typed it.

    Args:
        declared: Events of the project; None: any.

    Raises:
        Invalid: With everything that is wrong with it.

    >>> read("fall", "30").words
    'active installs fall by 30 % or more from one week to the next'
    """
    found: list[Problem] = []
    if kind not in KINDS:
        found.append(problem("kind", kind, "is nothing to be told of.", f"Choose from {', '.join(KINDS)}."))
    most = KINDS[kind][1] if kind in KINDS else NUMBER_MOST
    is_number = number.isascii() and number.isdigit() and len(number) <= 10 and 1 <= int(number) <= most
    if not is_number:
        found.append(problem("number", number, "is no number for this.", f"Write a whole one from 1 to {most:,}."))
    if event and kind in KINDS and kind != "lost":
        found.append(problem("event", event, "has nothing to do with it.", "Leave the event empty."))
    elif event and declared is not None and event not in declared:
        found.append(problem("event", event, "is no event of this project.", f"There are {listed(declared)}."))
    if found:
        raise Invalid(found)
    return Definition(kind, int(number), event)


def problem(name: str, value: str, what: str, hint: str) -> Problem:
    return Problem(f"alert.{name}", name, f"{value[:40]!r} {what}", value=value[:40], hint=hint)


def listed(names: Sequence[str]) -> str:
    return ", ".join(sorted(names)[:20]) or "none"


def fired(asked: Definition, facts: Facts) -> list[Fired]:
    """
    What an alert has to say.

    >>> fired(Definition("fall", 30), Facts(date(2026, 3, 2), active=60, active_before=100))[0].words
    'In the week of 2 March 2026, 60 installs were active, 40 % fewer than the 100 of the week before.'
    """
    judge = {"fall": fallen, "yanked": yanked, "lost": lost, "adopted": adopted}[asked.kind]
    return judge(asked, facts)


def fallen(asked: Definition, facts: Facts) -> list[Fired]:
    gone = facts.active_before - facts.active
    if facts.active_before < FEWEST or gone * 100 < asked.number * facts.active_before:
        return []
    percent = f"{100 * gone // facts.active_before} % fewer than the {facts.active_before:,} of the week before"
    return [Fired(facts.week.isoformat(), f"In {week(facts)}, {installs(facts.active)} active, {percent}.")]


def yanked(asked: Definition, facts: Facts) -> list[Fired]:
    return [
        Fired(release, f"{release} is yanked, and {installs(number)} active with it in the last 28 days.")
        for release, number in sorted((facts.yanked or {}).items())
        if number >= asked.number
    ]


def lost(asked: Definition, facts: Facts) -> list[Fired]:
    """Of one event, or of all together."""
    now, before = (times_of(each or {}, asked.event) for each in (facts.lost, facts.lost_before))
    if now < asked.number or now <= before:
        return []
    what = f"use{'' if now == 1 else 's'}" + (f" of {asked.event}" if asked.event else "")
    told = f"In {week(facts)}, {now:,} {what} {'was' if now == 1 else 'were'} not counted; {before:,} the week before."
    return [Fired(facts.week.isoformat(), told)]


def times_of(lost: Mapping[str, int], event: str) -> int:
    return lost.get(event, 0) if event else sum(lost.values())


def adopted(asked: Definition, facts: Facts) -> list[Fired]:
    if not facts.latest or facts.installs < FEWEST or facts.on_latest * 100 < asked.number * facts.installs:
        return []
    share = 100 * facts.on_latest // facts.installs
    told = f"{facts.latest} is on {share} % of the {facts.installs:,} installs that were active in the last 28 days."
    return [Fired(facts.latest, told)]


def week(facts: Facts) -> str:
    return f"the week of {facts.week.day} {facts.week:%B %Y}"


def installs(number: int) -> str:
    return f"{number:,} install{' was' if number == 1 else 's were'}"


def last_period(every: str, *, today: date) -> Period:
    """
    The last whole week or month that is told of.

    >>> last_period("week", today=date(2026, 3, 10)).since, last_period("month", today=date(2026, 3, 1)).since
    (datetime.date(2026, 3, 2), datetime.date(2026, 1, 1))
    """
    day = today - timedelta(LATE_DAYS)
    if every == WEEK:
        return period_from(WEEK, monday(day) - timedelta(7))
    return period_from(MONTH, (day.replace(day=1) - timedelta(1)).replace(day=1))


def period_from(every: str, since: date) -> Period:
    """The week or month that begins on a day."""
    if every == WEEK:
        return Period(since, since + timedelta(6))
    return Period(since, (since + timedelta(31)).replace(day=1) - timedelta(1))
