"""What alerts are judged by, who is to be told, and what a digest says."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

from otumat_index.accounts.models import User
from otumat_index.accounts.notices import queries as accounts
from otumat_index.accounts.notices.models import UsageMail
from otumat_index.jobs.outbox import Draft
from otumat_index.publish.models import Project, Role
from otumat_index.publish.notices import queries as notices
from otumat_index.usage import queries, report, rules
from otumat_index.usage.report import Feature, Period, Report, Version
from otumat_index.usage.report.shapes import GAP
from otumat_index.usage.stores.orm import STORE
from otumat_index.usage.stores.protocol import Day
from otumat_index.usage.telling.models import Alert
from otumat_index.usage.telling.rules import Definition, Facts, last_period

USES = "usage"
"""The kind of these mails."""
SHOWN = 5


@dataclass(frozen=True, slots=True)
class Wish:
    """What mail about a project's uses somebody gets: as they said, or else alerts for owners and no digest."""

    digest: str
    alerts: bool


def alerts_of(project: Project) -> list[Alert]:
    return list(Alert.objects.filter(project=project))


def defined(alert: Alert) -> Definition:
    return Definition(alert.kind, alert.number, alert.event)


def wishes(project: Project) -> dict[int, Wish]:
    """What each owner and maintainer wants; nobody else is told anything."""
    said = accounts.usage_mail_in(project.normalized)
    found = {}
    for person, kinds in notices.holders(project).items():
        if kinds & {Role.Kind.OWNER, Role.Kind.MAINTAINER}:
            row = said.get(person)
            found[person] = Wish(row.digest, row.alerts) if row else usual(is_owner=Role.Kind.OWNER in kinds)
    return found


def usual(*, is_owner: bool) -> Wish:
    return Wish(UsageMail.Digest.NONE, is_owner)


def wish_of(user: User, project: Project) -> Wish | None:
    """None for who neither owns nor maintains it."""
    return wishes(project).get(user.pk)


def readers(project: Project, every: str) -> list[Draft]:
    """Who gets the digest."""
    return drafts(person for person, wish in wishes(project).items() if wish.digest == every)


def alerted(project: Project) -> list[Draft]:
    return drafts(person for person, wish in wishes(project).items() if wish.alerts)


def drafts(people: Iterable[int]) -> list[Draft]:
    return [Draft(USES, address, person) for person, address in accounts.addresses_of(people).items()]


def facts_of(project: Project, *, today: date) -> Facts:
    """What all alerts of a project are judged by: five small questions to the roll-ups."""
    period = last_period("week", today=today)
    ends = {day.day: day.weekly for day in STORE.active(project.pk, period.before.until, period.until)}
    installs = dict(STORE.places(project.pk, today - timedelta(rules.MONTH - 1), "release"))
    yanked = project.releases.filter(is_yanked=True, version__in=list(installs)).values_list("version", flat=True)
    latest = project.latest.version[:64] if project.latest else ""
    return Facts(
        week=period.since,
        active=ends.get(period.until, 0),
        active_before=ends.get(period.before.until, 0),
        yanked={version: installs[version] for version in yanked},
        lost=lost_in(project, period),
        lost_before=lost_in(project, period.before),
        latest=latest,
        on_latest=installs.get(latest, 0),
        installs=sum(installs.values()),
    )


def lost_in(project: Project, period: Period) -> Counter[str]:
    """Uses that were not counted, by event; batches that are missing are no uses."""
    found: Counter[str] = Counter()
    for reason, event, times in STORE.losses(project.pk, period.since, period.until):
        if reason != GAP:
            found[event] += times
    return found


def events_of(project: Project) -> list[str] | None:
    """The events that a project's manifests declare; None: there is no manifest."""
    state = queries.state_of(project)
    return sorted(state.declared) if state and state.declared is not None else None


@dataclass(frozen=True, slots=True)
class Digest:
    """A period's numbers as a mail tells them."""

    every: str
    report: Report

    @property
    def period(self) -> Period:
        return self.report.period

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to tell: no use, and none before."""
        return not (self.active or self.active_before or self.report.times or self.report.times_before)

    @property
    def active(self) -> int:
        return self.window(self.report.active)

    @property
    def active_before(self) -> int:
        return self.window(self.report.active_before)

    def window(self, days: list[Day]) -> int:
        """Installs in the last 7 or 28 days of some."""
        return days[-1].weekly if self.every == "week" else days[-1].monthly

    @property
    def features(self) -> list[Feature]:
        used = [each for each in self.report.features if each.times]
        return sorted(used, key=lambda each: (-each.times, each.event))[:SHOWN]

    @property
    def versions(self) -> list[Version]:
        used = [each for each in self.report.versions if each.spot.days and each.spot.value not in ("", "other")]
        return sorted(used, key=lambda each: (-each.spot.days, each.spot.value))[:SHOWN]


def digest_of(project: Project, every: str, *, today: date) -> Digest:
    """The last whole week or month."""
    return digest_in(project, every, last_period(every, today=today), today=today)


def digest_in(project: Project, every: str, period: Period, *, today: date) -> Digest:
    return Digest(every, report.report(project, period, today=today))
