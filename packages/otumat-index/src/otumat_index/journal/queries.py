"""Reading the journal."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.db.models import Max, Q, QuerySet

from otumat_index.journal.models import Entry, Head
from otumat_index.web import prepared


def last_serial() -> int:
    """Serial of the newest change, 0 before the first."""
    found = heads()  # asked many times a second by whoever follows, hence prepared
    return int(found[0][0]) if found else 0


@prepared.rows
def heads() -> QuerySet[Head, tuple[int]]:
    return Head.objects.filter(pk=1).values_list("serial")


def since(serial: int, *, limit: int = 1000) -> list[Entry]:
    """The changes after a serial, oldest first."""
    return list(Entry.objects.filter(serial__gt=serial).order_by("serial")[:limit])


def topics_since(serial: int, *, up_to: int) -> dict[str, int]:
    """Projects that changed after `serial` up to and including `up_to`: normalised name to newest serial."""
    rows = Entry.objects.filter(serial__gt=serial, serial__lte=up_to).exclude(topic="")
    return dict(rows.values_list("topic").annotate(newest=Max("serial")))


def newest_since(serial: int, action: str) -> dict[str, int]:
    """Projects to which one thing was done after a serial: normalised name to newest serial of that."""
    rows = Entry.objects.filter(serial__gt=serial, action=action)
    return dict(rows.values_list("topic").annotate(newest=Max("serial")))


def serial_of(topic: str) -> int:
    """Serial of the newest change of one project, 0 if there was none."""
    newest: int | None = Entry.objects.filter(topic=topic).aggregate(newest=Max("serial"))["newest"]
    return newest or 0


def serials_of(topics: Iterable[str]) -> dict[str, int]:
    """The same for many projects."""
    return dict(Entry.objects.filter(topic__in=list(topics)).values_list("topic").annotate(newest=Max("serial")))


def of_project(topic: str, *, limit: int = 100) -> list[Entry]:
    """What happened to a project, newest first."""
    return list(Entry.objects.filter(topic=topic).order_by("-serial")[:limit])


ABOUT_PEOPLE = Q(topic="") | Q(action__startswith="role.") | Q(action__startswith="invitation.")
"""Rows whose subject, where it is a login name, is that person and not a project of the same name."""


def count_by(actor: str, action: str, *, since: datetime) -> int:
    """How often somebody did something since a moment."""
    return Entry.objects.filter(actor=actor, action=action, at__gt=since).count()


def about_person(name: str) -> QuerySet[Entry]:
    """What a person did, and what was done to the person."""
    transferred = Q(action__in=("project.transfer", "project.assign"))
    return Entry.objects.filter(Q(actor=name) | (Q(subject=name) & (ABOUT_PEOPLE | transferred)))


def about_project(topic: str) -> QuerySet[Entry]:
    """What happened to a project."""
    return Entry.objects.filter(topic=topic)


def everything() -> QuerySet[Entry]:
    """All of it, for admins."""
    return Entry.objects.all()


def page(entries: QuerySet[Entry], *, before: int | None, limit: int) -> tuple[list[Entry], int | None]:
    """
    The newest rows, or those before a serial; and the serial to ask before for the next page, None on the last.
    """
    # No serial is that large: a number that a database cannot compare is no number of ours.
    wanted = entries.filter(serial__lt=min(before, 2**62)) if before is not None and before > 0 else entries
    rows = list(wanted.order_by("-serial")[: limit + 1])
    return rows[:limit], rows[limit - 1].serial if len(rows) > limit else None
