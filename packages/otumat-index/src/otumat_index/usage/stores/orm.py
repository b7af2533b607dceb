"""
The store on SQLite or PostgreSQL: one transaction a batch, counts by upsert.

Rows of counts are written in the order of their keys, so that two batches at once wait for each other in one order.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any, NamedTuple

from django.conf import settings
from django.db import connections, transaction
from django.db.models import Sum

from otumat.errors import Conflict, Refused
from otumat.spec.event import Verdict, Where
from otumat_index.usage import rules
from otumat_index.usage.stores import routing, statements, turns, upserts
from otumat_index.usage.stores.elsewhere import elsewhere
from otumat_index.usage.stores.models import (
    Active,
    Activity,
    Batch,
    Closed,
    Count,
    EventDay,
    Heard,
    InWeek,
    Kept,
    Loss,
    Place,
)
from otumat_index.usage.stores.protocol import Accepted, Day, EventStore, Told

GAP = "gap"
BY = ("day", "properties", "release")


class Sums(NamedTuple):
    """What a batch adds: worked out before others have to wait for it."""

    rows: list[tuple[Any, ...]]
    times: Counter[tuple[date, str]]
    heard: dict[str, date]

    @classmethod
    def of(cls, accepted: Accepted) -> Sums:
        rows, times = [], Counter[tuple[date, str]]()
        for (day, event, properties, release), n in accepted.counts.items():
            rows.append((accepted.project, event, day, properties, release, n))
            times[day, event] += n
        return cls(sorted(rows), times, {event: day for day, event in sorted(times) if day in accepted.days})


class OrmStore:
    """`EventStore` in Django's database `events`, or in the catalogue's."""

    def accept(self, accepted: Accepted) -> Told:
        sums = Sums.of(accepted)
        with turns.turn(routing.alias()), transaction.atomic(using=routing.alias()):
            row = self._locked(accepted.install, accepted.project)
            heard = self._heard(accepted.install)
            if not self._take(accepted):
                return self._told_before(accepted)
            self._count(accepted, sums, heard)
            self._lose(accepted, self._gaps(row, accepted))
            self._mark(row, accepted)
            self._remember(row)
        told = (accepted.batch, accepted.sha256, accepted.counted, tuple(accepted.refused), False)
        return Told(*told, accepted.sequence, accepted.received_on)

    def _locked(self, install: int, project: int) -> Activity:
        """What is remembered of an install; until the end of the transaction, no other batch of it is taken."""
        new = {"project": project, "last_day": date.min, "mask": 0}
        return Activity.objects.select_for_update().get_or_create(install=install, defaults=new)[0]

    def _heard(self, install: int) -> dict[str, date]:
        """When an install last told of which event; refused once it was withdrawn."""
        rows = dict(self._read(statements.HEARD, install, install))
        if "" in rows:
            raise Refused("This install was withdrawn.", code="withdrawn")
        return {event: as_date(day) for event, day in rows.items()}

    def _remember(self, row: Activity) -> None:
        seen = (row.sequence, row.first_day, row.last_day, row.mask)
        with connections[routing.alias()].cursor() as cursor:
            cursor.execute(statements.REMEMBER, [*seen, *where_of(row), row.install])

    def _take(self, accepted: Accepted) -> bool:
        refused = json.dumps([list(each) for each in accepted.refused])
        row = (accepted.install, accepted.batch, accepted.sequence, accepted.sha256, accepted.received_on)
        with connections[routing.alias()].cursor() as cursor:
            cursor.execute(statements.TAKE, [*row, accepted.counted, refused, accepted.body])
            return bool(cursor.rowcount == 1)

    def _told_before(self, accepted: Accepted) -> Told:
        row = Batch.objects.defer("body").get(install=accepted.install, batch=accepted.batch)
        if row.sha256 != accepted.sha256:
            raise Conflict("This batch was sent before with other bytes.", code="batch_differs")
        return told(row)._replace(replayed=True)

    def _run(self, statement: str, rows: Iterable[Sequence[Any]]) -> None:
        upserts.run(connections[routing.alias()], statement, list(rows))

    def _read(self, query: str, *of: int | str | date) -> list[Any]:
        """Asked for every batch, or for many rows, where the ORM would take longer than the database."""
        with connections[routing.alias()].cursor() as cursor:
            cursor.execute(query, of)
            return list(cursor.fetchall())

    def _count(self, accepted: Accepted, sums: Sums, heard: dict[str, date]) -> None:
        """What was done how often, and that this install told of it."""
        project, install, times = accepted.project, accepted.install, sums.times
        self._run(statements.ADD_COUNT, sums.rows)
        shifts = rules.shifts(heard, sums.heard)
        self._run(statements.ADD_EVENT, ((project, *key, times[key], shifts[key]) for key in sorted({*times, *shifts})))
        self._run(statements.HEAR, ((install, event, day) for (day, event), n in sorted(shifts.items()) if n > 0))

    def _gaps(self, row: Activity, accepted: Accepted) -> list[tuple[date, int]]:
        """Batches of the install that are now known to be missing, or that this one was missing until now."""
        number, top = accepted.sequence, row.sequence
        if number > top:
            row.sequence = number
            return [(accepted.received_on, number - top - 1)]
        ours = Batch.objects.filter(install=accepted.install)
        if number < 1 or ours.filter(sequence=number).exclude(batch=accepted.batch).exists():
            return []
        shown_by = ours.filter(sequence__gt=number).order_by("pk").values_list("received_on", flat=True)[0]
        return [(shown_by, -1)]

    def _lose(self, accepted: Accepted, gaps: list[tuple[date, int]]) -> None:
        rows = [(accepted.received_on, *key, n) for key, n in accepted.losses.items()]
        rows += [(day, GAP, "", n) for day, n in gaps if n]
        self._run(statements.ADD_LOSS, ((accepted.project, *row) for row in sorted(rows)))

    def _mark(self, row: Activity, accepted: Accepted) -> None:
        """The days of the install and where it ran; each day counts once, in every window."""
        if not accepted.days:
            return
        project = accepted.project
        seen = seen_of(row)
        before = (row.last_day, where_of(row)) if seen else None
        marked = rules.mark(seen, accepted.days)
        if marked is not None:
            row.last_day, row.mask, row.first_day = marked.seen
        if row.last_day in accepted.days:
            row.release, row.python, row.system, row.machine, row.ci = accepted.days[row.last_day]
        if marked is not None:
            columns = (marked.daily, marked.weekly, marked.fortnightly, marked.monthly, marked.fresh)
            days = sorted({day for column in columns for day in column})
            self._run(statements.ADD_ACTIVE, ((project, day, *(column[day] for column in columns)) for day in days))
        new = marked.daily if marked else ()
        moved = rules.places(new, accepted.days, before=before, after=(row.last_day, where_of(row)))
        self._place(project, moved)
        weeks = rules.in_weeks(new, accepted.days, known=seen.days if seen else ()) if new else {}
        rows = [(project, kind, week, value, n) for (week, kind, value), n in weeks.items()]
        self._run(statements.ADD_IN_WEEK, sorted(rows))
        kept = marked.kept if marked else Counter()
        self._run(statements.ADD_KEPT, ((project, *weeks, n) for weeks, n in sorted(kept.items())))

    def _place(self, project: int, moved: rules.Moved) -> None:
        self._run(statements.ADD_PLACE, ((project, *cell, moved.daily[cell], moved.last[cell]) for cell in moved.cells))

    def close(self, install: int) -> None:
        Closed.objects.get_or_create(install=install)

    def erase(self, install: int) -> int:
        with transaction.atomic(using=routing.alias()):
            self.close(install)
            row = self._locked(install, 0)  # made if need be, to wait for a first batch, whose row nobody sees yet
            self._leave(row)
            row.delete()
            Heard.objects.filter(install=install).delete()
            return Batch.objects.filter(install=install).delete()[0]

    def _leave(self, row: Activity) -> None:
        """Take an install from the counts of those that told last."""
        heard = Heard.objects.filter(install=row.install).values_list("last_day", "event")
        self._run(statements.ADD_EVENT, ((row.project, *key, 0, -1) for key in sorted(heard)))
        if row.mask:
            gone = rules.Moved()
            gone.last.subtract(rules.cells(row.last_day, where_of(row)))
            self._place(row.project, gone)

    def batches(self, install: int) -> list[Told]:
        return [told(row) for row in Batch.objects.defer("body").filter(install=install).order_by("pk")]

    def body(self, install: int, batch: str) -> bytes:
        found = Batch.objects.filter(install=install, batch=batch).values_list("body", flat=True).first()
        return bytes(found or b"")

    def expire(self, before: date) -> int:
        return Batch.objects.filter(received_on__lt=before).exclude(body=b"").update(body=b"")

    def active(self, project: int, since: date, until: date) -> list[Day]:
        found = Active.objects.filter(project=project, day__range=(since, until)).order_by("day")
        return [Day(*row) for row in found.values_list(*Day._fields)]

    def counted(
        self, project: int, since: date, until: date, *, most: int | None = None
    ) -> list[tuple[str, date, int]]:
        of = (project, since, until)
        if most is None:
            found = self._read(statements.COUNTED, *of)
        else:  # to find the most takes as long again, and is needed where copies made up thousands of names
            rows = most * ((until - since).days + 1)
            found = self._read(f"{statements.COUNTED} LIMIT %s", *of, rows + 1)
            found = found if len(found) <= rows else self._read(statements.COUNTED_MOST, *of, *of, most)
        return [(event, as_date(day), n) for event, day, n in found]

    def days_of(self, project: int, event: str, since: date, until: date) -> list[tuple[date, int]]:
        found = EventDay.objects.filter(project=project, event=event, day__range=(since, until), times__gt=0)
        return list(found.order_by("day").values_list("day", "times"))

    def details(self, project: int, event: str, since: date, until: date) -> list[tuple[str, str, int]]:
        found = Count.objects.filter(project=project, event=event, day__range=(since, until))
        summed = found.values("properties", "release").annotate(n=Sum("times")).order_by("-n", "properties", "release")
        return list(summed.values_list("properties", "release", "n"))

    def rows(self, project: int, event: str, since: date, until: date) -> list[tuple[date, str, str, int]]:
        found = Count.objects.filter(project=project, event=event, day__range=(since, until))
        return list(found.order_by(*BY).values_list(*BY, "times"))

    def users(self, project: int, since: date) -> list[tuple[str, int]]:
        found = EventDay.objects.filter(project=project, day__gte=since).values("event").annotate(n=Sum("last_here"))
        return list(found.filter(n__gt=0).order_by("event").values_list("event", "n"))

    def places(self, project: int, since: date, kind: str) -> list[tuple[str, int]]:
        found = Place.objects.filter(project=project, kind=kind, day__gte=since).values("value")
        summed = found.annotate(n=Sum("last_here")).filter(n__gt=0).order_by("-n", "value")
        return list(summed.values_list("value", "n"))

    def spread(self, project: int, kind: str, since: date, until: date) -> list[tuple[str, date, int]]:
        return [
            (value, as_date(day), n) for value, day, n in self._read(statements.SPREAD, project, kind, since, until)
        ]

    def in_week(self, project: int, week: date) -> list[tuple[str, str, int]]:
        found = InWeek.objects.filter(project=project, week=week, installs__gt=0).order_by("kind", "value")
        return list(found.values_list("kind", "value", "installs"))

    def kept(self, project: int, since: date, until: date) -> list[tuple[date, date, int]]:
        found = Kept.objects.filter(project=project, cohort__range=(since, until), installs__gt=0)
        return list(found.order_by("cohort", "week").values_list("cohort", "week", "installs"))

    def losses(self, project: int, since: date, until: date) -> list[tuple[str, str, int]]:
        found = Loss.objects.filter(project=project, day__range=(since, until)).values("reason", "event")
        ordered = found.annotate(n=Sum("times")).exclude(n=0).order_by("reason", "-n", "event")
        return list(ordered.values_list("reason", "event", "n"))


def as_date(value: date | str) -> date:
    """SQLite tells days as text."""
    return date.fromisoformat(value) if isinstance(value, str) else value


def seen_of(row: Activity) -> rules.Seen | None:
    return rules.Seen(row.last_day, row.mask, row.first_day) if row.first_day else None


def where_of(row: Activity) -> Where:
    return Where(row.release, row.python, row.system, row.machine, row.ci)


def told(row: Batch) -> Told:
    refused = tuple(Verdict(*each) for each in json.loads(row.refused))
    return Told(row.batch, row.sha256, row.counted, refused, False, row.sequence, row.received_on)


STORE: EventStore = elsewhere(settings.CONFIG.events_url) or OrmStore()
"""The one of this index."""
