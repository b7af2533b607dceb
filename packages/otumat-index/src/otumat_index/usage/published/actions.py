"""Beginning and ending to publish, and making the weeks that are told of."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Collection
from datetime import date, datetime, timedelta
from functools import partial

from django.conf import settings
from django.db import transaction

from otumat.errors import Refused
from otumat_index.journal import actions as journal
from otumat_index.journal.actor import Actor
from otumat_index.publish import queries as publish
from otumat_index.publish import rules as roles
from otumat_index.publish.actions import entry
from otumat_index.publish.models import Project
from otumat_index.usage.actions.collecting import INDEX
from otumat_index.usage.published import queries
from otumat_index.usage.published.models import Publication, PublishedWeek
from otumat_index.usage.rules import publishing as rules
from otumat_index.usage.stores.orm import STORE


def set_publishing(project: Project, *, is_on: bool, by: Actor, at: datetime) -> None:
    """
    Publish how a project is used, or stop: that holds from the next request on. Owners begin; admins may end it.

    A yes is that of the owner who says it, and ends when they own the project no more. The weeks that it tells of are
    worked out first, while nobody waits for anything: the store may be slow.

    Raises:
        Refused: `role`; `private`: nothing of a private project is published.
    """
    check_may_set(project, is_on=is_on, by=by)
    said = Publication.objects.filter(project=project).first()
    first = said.first_week if said else rules.first_week(at.date())
    weeks = weeks_due(project, first, at=at) if is_on else []
    with transaction.atomic():
        project = entry.lock(project)
        check_may_set(project, is_on=is_on, by=by)
        said_now = {"is_on": is_on, "changed_at": at, "said_by_id": by.user_id}
        Publication.objects.update_or_create(
            project=project, defaults=said_now, create_defaults={**said_now, "first_week": first}
        )
        PublishedWeek.objects.bulk_create(weeks, ignore_conflicts=True)
        action = "usage.publish" if is_on else "usage.unpublish"
        journal.write(action, project.normalized, by=by, at=at, topic=project.normalized)


def check_may_set(project: Project, *, is_on: bool, by: Actor) -> None:
    deed = "disclose" if is_on else "manage"
    roles.check_may(by, deed, publish.standing_of(by, project.normalized), name_claims="admin")
    if is_on and project.is_private:
        told = "Nothing of a private project is published."
        raise Refused(told, hint="Make the project public first, if that is what you want.", code="private")


def end_of_who_left(topics: Collection[str] | None = None, *, at: datetime) -> None:
    """
    End the yeses of those who own the project no more; its owners are told, and say it again or not.

    Nothing of it is shown from the moment in which they leave (`queries.in_effect`); this is what makes it last.

    Args:
        topics: Of these projects alone.
    """
    left = queries.of_who_left().select_related("project")
    for said in left if topics is None else left.filter(project__normalized__in=topics):
        end_if_left(said.project, at=at)


@transaction.atomic
def end_if_left(project: Project, *, at: datetime) -> None:
    project = entry.lock(project)
    said = queries.of_who_left().filter(project=project).select_related("said_by").first()
    if said is None:
        return
    who = said.said_by.username if said.said_by else "Who published it"
    because = f"{who} said yes to that and owns the project no more. Any owner can publish it again."
    Publication.objects.filter(pk=said.pk).update(is_on=False, changed_at=at)
    topic = project.normalized
    journal.write("usage.unpublish", topic, by=INDEX, at=at, topic=topic, because=because)


def make_all_weeks(*, at: datetime) -> None:
    """Make what is due of every project that publishes. A week that is there stays as it is, whoever else is at it."""
    for said in queries.in_effect().select_related("project"):
        PublishedWeek.objects.bulk_create(weeks_due(said.project, said.first_week, at=at), ignore_conflicts=True)


def weeks_due(project: Project, first: date, *, at: datetime) -> list[PublishedWeek]:
    """The weeks that are due and not there, worked out and not yet written."""
    known = set(PublishedWeek.objects.filter(project=project).values_list("week", flat=True))
    due = [week for week in rules.weeks_over(first, today=at.date()) if week not in known]
    made = [(week, figures_of(project, week)) for week in due]
    return [PublishedWeek(project=project, week=week, installs=each.installs, parts=each.parts) for week, each in made]


def figures_of(project: Project, week: date) -> rules.Figures:
    """What is published of a week, worked out anew from roll-ups."""
    sunday = week + timedelta(6)
    installs = next((day.weekly for day in STORE.active(project.pk, sunday, sunday)), 0)
    parts: dict[str, dict[str, int]] = {kind: {} for kind in rules.KINDS}
    for kind, value, number in STORE.in_week(project.pk, week):
        if kind in parts:
            parts[kind][value] = number
    return rules.figures(installs, parts, partial(rules.noise, secret(), project.pk, week))


def secret() -> bytes:
    """The key of the noise: the same in every worker, and after a restart."""
    return hmac.digest(settings.SECRET_KEY.encode(), b"otumat public usage 1", hashlib.sha256)
