"""
The store on SQLite or PostgreSQL: one transaction a batch, counts by upsert.

Rows of counts are written in the order of their keys, so that two batches at once wait for each other in one order.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any

from django.db import connections, transaction
from django.db.models import Count as CountOf
from django.db.models import Sum

from otumat.errors import Conflict, Refused
from otumat.spec.event import Verdict
from otumat_index.usage import rules
from otumat_index.usage.stores import routing
from otumat_index.usage.stores.models import Active, Activity, Batch, Closed, Count, Loss
from otumat_index.usage.stores.protocol import Accepted, Day, Told

TAKE = """INSERT INTO events_batch (install, batch, sequence, sha256, received_on, counted, refused, body)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT (install, batch) DO NOTHING"""
ADD_COUNT = """INSERT INTO events_count (project, day, event, properties, release, times)
VALUES (%s, %s, %s, %s, %s, %s)
ON CONFLICT (project, day, event, properties, release) DO UPDATE SET times = events_count.times + excluded.times"""
ADD_ACTIVE = """INSERT INTO events_active (project, day, daily, weekly, monthly, fresh) VALUES (%s, %s, %s, %s, %s, %s)
ON CONFLICT (project, day) DO UPDATE SET daily = events_active.daily + excluded.daily,
weekly = events_active.weekly + excluded.weekly, monthly = events_active.monthly + excluded.monthly,
fresh = events_active.fresh + excluded.fresh"""
ADD_LOSS = """INSERT INTO events_loss (project, day, reason, event, times) VALUES (%s, %s, %s, %s, %s)
ON CONFLICT (project, day, reason, event) DO UPDATE SET times = events_loss.times + excluded.times"""


class OrmStore:
    """`EventStore` in Django's database `events`, or in the catalogue's."""

    def accept(self, accepted: Accepted) -> Told:
        with transaction.atomic(using=routing.alias()):
            if Closed.objects.filter(install=accepted.install).exists():
                raise Refused("This install was withdrawn.", code="withdrawn")
            if not self._take(accepted):
                return self._told_before(accepted)
            self._run(ADD_COUNT, ((accepted.project, *key, times) for key, times in sorted(accepted.counts.items())))
            self._run(
                ADD_LOSS,
                ((accepted.project, accepted.received_on, *key, n) for key, n in sorted(accepted.losses.items())),
            )
            self._mark(accepted)
        told = (accepted.batch, accepted.sha256, accepted.counted, tuple(accepted.refused), False)
        return Told(*told, accepted.sequence, accepted.received_on)

    def _take(self, accepted: Accepted) -> bool:
        refused = json.dumps([list(each) for each in accepted.refused])
        row = (accepted.install, accepted.batch, accepted.sequence, accepted.sha256, accepted.received_on)
        with connections[routing.alias()].cursor() as cursor:
            cursor.execute(TAKE, [*row, accepted.counted, refused, accepted.body])
            return bool(cursor.rowcount == 1)

    def _told_before(self, accepted: Accepted) -> Told:
        row = Batch.objects.defer("body").get(install=accepted.install, batch=accepted.batch)
        if row.sha256 != accepted.sha256:
            raise Conflict("This batch was sent before with other bytes.", code="batch_differs")
        return told(row)._replace(replayed=True)

    def _run(self, statement: str, rows: Iterable[Sequence[Any]]) -> None:
        if listed := list(rows):
            with connections[routing.alias()].cursor() as cursor:
                cursor.executemany(statement, listed)

    def _mark(self, accepted: Accepted) -> None:
        """The days of an install, under a lock on its row: each counts once, in every window."""
        if accepted.where is None:
            return
        row, is_new = Activity.objects.select_for_update().get_or_create(
            install=accepted.install, defaults={"project": accepted.project, "last_day": date.min, "mask": 0}
        )
        seen = rules.Seen(row.last_day, row.mask) if row.mask else None
        marked = rules.mark(seen, accepted.days)
        if marked is None:
            return
        row.last_day, row.mask = marked.seen
        if seen is None or max(accepted.days) >= seen.last:
            row.release, row.python, row.system, row.machine, row.ci = accepted.where
        row.save()
        first = min(marked.daily)
        self._run(
            ADD_ACTIVE,
            (
                (accepted.project, day, marked.daily[day], marked.weekly[day], marked.monthly[day], n)
                for day in sorted({*marked.daily, *marked.weekly, *marked.monthly})
                for n in [int(is_new and day == first)]
            ),
        )

    def close(self, install: int) -> None:
        Closed.objects.get_or_create(install=install)

    def erase(self, install: int) -> int:
        with transaction.atomic(using=routing.alias()):
            self.close(install)
            removed = Batch.objects.filter(install=install).delete()[0]
            Activity.objects.filter(install=install).delete()
        return removed

    def batches(self, install: int) -> list[Told]:
        return [told(row) for row in Batch.objects.defer("body").filter(install=install).order_by("pk")]

    def body(self, install: int, batch: str) -> bytes:
        found = Batch.objects.filter(install=install, batch=batch).values_list("body", flat=True).first()
        return gzip.decompress(bytes(found)) if found else b""

    def expire(self, before: date) -> int:
        return Batch.objects.filter(received_on__lt=before).exclude(body=b"").update(body=b"")

    def active(self, project: int, since: date, until: date) -> list[Day]:
        found = Active.objects.filter(project=project, day__range=(since, until)).order_by("day")
        return [Day(*row) for row in found.values_list("day", "daily", "weekly", "monthly", "fresh")]

    def counted(self, project: int, since: date, until: date) -> list[tuple[str, date, int]]:
        found = Count.objects.filter(project=project, day__range=(since, until)).values("event", "day")
        return list(found.annotate(n=Sum("times")).order_by("event", "day").values_list("event", "day", "n"))

    def properties(self, project: int, since: date, until: date) -> list[tuple[str, str, int]]:
        found = Count.objects.filter(project=project, day__range=(since, until)).values("event", "properties")
        ordered = found.annotate(n=Sum("times")).order_by("event", "-n", "properties")
        return list(ordered.values_list("event", "properties", "n"))

    def places(self, project: int, since: date, column: str) -> list[tuple[str, int]]:
        found = Activity.objects.filter(project=project, last_day__gte=since).values(column)
        return list(found.annotate(n=CountOf("pk")).order_by("-n", column).values_list(column, "n"))

    def in_use(self, since: date, *, at_least: int) -> dict[int, int]:
        found = Activity.objects.filter(last_day__gte=since).values("project").annotate(n=CountOf("pk"))
        return dict(found.filter(n__gte=at_least).order_by().values_list("project", "n"))

    def losses(self, project: int, since: date, until: date) -> list[tuple[str, str, int]]:
        found = Loss.objects.filter(project=project, day__range=(since, until)).values("reason", "event")
        ordered = found.annotate(n=Sum("times")).order_by("reason", "-n", "event")
        return list(ordered.values_list("reason", "event", "n"))


def told(row: Batch) -> Told:
    refused = tuple(Verdict(*each) for each in json.loads(row.refused))
    return Told(row.batch, row.sha256, row.counted, refused, False, row.sequence, row.received_on)


STORE = OrmStore()
