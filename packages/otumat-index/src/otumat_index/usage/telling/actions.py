"""Defining alerts, and telling: each digest and each occasion of an alert once."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.db import transaction

from otumat.errors import Conflict, Invalid, NotFound, Problem
from otumat_index.accounts.notices import queries as accounts
from otumat_index.jobs import outbox
from otumat_index.jobs.outbox import Draft
from otumat_index.journal import actions as journal
from otumat_index.journal.actor import Actor
from otumat_index.publish import queries as publish
from otumat_index.publish.models import Project
from otumat_index.usage.actions.collecting import locked
from otumat_index.usage.telling import queries, rules
from otumat_index.usage.telling.models import Alert, Told


@transaction.atomic
def add_alert(project: Project, asked: rules.Definition, *, by: Actor, at: datetime) -> Alert:
    """
    Let owners be told of something.

    Raises:
        Conflict: There is the same already.
        Invalid: There are `rules.ALERTS_MOST`.
    """
    project = locked(project, by)
    known = Alert.objects.filter(project=project)
    words = {"kind": asked.kind, "number": asked.number, "event": asked.event}
    if known.filter(**words).exists():
        raise Conflict(f"You are told already when {asked.words}.", code="alert_exists")
    if known.count() >= rules.ALERTS_MOST:
        told = f"A project has {rules.ALERTS_MOST} alerts at most."
        raise Invalid([Problem("alert.most", "kind", told, hint="Remove one first.")])
    made = Alert.objects.create(project=project, created_at=at, **words)
    journal.write("usage.alert", project.normalized, by=by, at=at, topic=project.normalized, alert=asked.words)
    return made


@transaction.atomic
def remove_alert(project: Project, number: int, *, by: Actor, at: datetime) -> None:
    project = locked(project, by)
    found = Alert.objects.filter(project=project, pk=number).first()
    if found is None:
        raise NotFound("There is no such alert.")
    words = queries.defined(found).words
    found.delete()
    Told.objects.filter(project=project, what=what_of(number)).delete()
    journal.write("usage.alert.remove", project.normalized, by=by, at=at, topic=project.normalized, alert=words)


def tell_all(*, at: datetime) -> None:
    """Queue what is due. Done again, by whomever and however often, it queues nothing twice."""
    for every in rules.EVERY:
        for topic in accounts.topics_of_digest(every):
            project = publish.by_name(topic)
            if project is not None:
                tell_digest(project, every, at=at)
    projects = Project.objects.filter(pk__in=Alert.objects.values("project")).select_related("latest")
    for project in projects.order_by("pk"):
        tell_alerts(project, at=at)


def tell_digest(project: Project, every: str, *, at: datetime) -> None:
    """The numbers of the last whole week or month, to who wants them; an empty one is no mail."""
    period = rules.last_period(every, today=at.date())
    if is_told(project, every, period.since.isoformat()):
        return
    people = queries.readers(project, every)
    if people and queries.digest_in(project, every, period, today=at.date()).is_empty:
        people = []
    tell(project, every, period.since.isoformat(), people, at=at)


def tell_alerts(project: Project, *, at: datetime) -> None:
    facts, people = queries.facts_of(project, today=at.date()), queries.alerted(project)
    for alert in queries.alerts_of(project):
        for each in rules.fired(queries.defined(alert), facts):
            tell(project, what_of(alert.pk), each.occasion, people, words=each.words, at=at)


def what_of(alert: int) -> str:
    return f"alert {alert}"


def is_told(project: Project, what: str, occasion: str) -> bool:
    return Told.objects.filter(project=project, what=what, occasion=occasion).exists()


@transaction.atomic
def tell(project: Project, what: str, occasion: str, people: Iterable[Draft], *, words: str = "", at: datetime) -> None:
    """Queue a mail for each of them, and write down that it was: both, or nothing, and never a second time."""
    said = {"words": words[:300], "at": at}
    told, is_new = Told.objects.get_or_create(project=project, what=what, occasion=occasion[:200], defaults=said)
    if is_new:
        outbox.post(queries.USES, people, number=told.pk, topic=project.normalized, at=at)
