"""
`EventStore` on ClickHouse: facts under keys, in an order that a crash may cut anywhere.

A batch is its body, what it adds up to, the days of its install, and last the row that says it was taken. A sender that
got no answer sends it again: each of these is then written over the same, and counts once.
"""

from __future__ import annotations

import base64
import hashlib
import json
import time
from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from typing import Any

from django.utils import timezone

from otumat.errors import Conflict, OtumatError, Refused
from otumat.spec.event import Verdict
from otumat_index.usage.stores.clickhouse import reads, schema
from otumat_index.usage.stores.clickhouse.link import Link
from otumat_index.usage.stores.protocol import Accepted, Day, Told

GAP = "gap"
COPYING, COPIED = 1, 2
PATIENCE_S = 5
KEPT_DAYS = 2
"""How long it is remembered which copy an erased install has: until every replica has deleted the install itself."""


class ClickHouseStore:
    """Tables are made at the first use."""

    def __init__(self, link: Link, *, database: str = "otumat", cluster: str = "") -> None:
        self._link, self._database, self._cluster = link, database, cluster
        self._is_ready = False

    @property
    def link(self) -> Link:
        if not self._is_ready:
            self._make()
        return self._link

    def _make(self) -> None:
        there = f"SELECT count() FROM system.tables WHERE database = {reads.text(self._database)}"
        wanted = len(schema.TABLES) * (2 if self._cluster else 1)
        if int(self._link.ask(there, anywhere=True)[0][0]) < wanted:
            for statement in schema.statements(self._database, self._cluster):
                self._link.do(statement)
        self._is_ready = True

    def accept(self, accepted: Accepted) -> Told:
        self._check_open(accepted.install)
        for before in self._told(reads.one_batch(accepted.install, accepted.batch)):
            if before.sha256 != accepted.sha256:
                raise Conflict("This batch was sent before with other bytes.", code="batch_differs")
            return before._replace(replayed=True)
        for table, rows in facts(accepted, at=time.time_ns() // 1000).items():
            self.link.put(table, rows)
        try:
            self._check_open(accepted.install)  # whoever closed it meanwhile did not see these rows
        except Refused:
            self._take_back(accepted)
            raise
        told = (accepted.batch, accepted.sha256, accepted.counted, tuple(accepted.refused), False)
        return Told(*told, accepted.sequence, accepted.received_on)

    def _check_open(self, install: int) -> None:
        if self.link.ask(f"SELECT 1 FROM closed WHERE install = {install} LIMIT 1"):
            raise Refused("This install was withdrawn.", code="withdrawn")

    def _take_back(self, accepted: Accepted) -> None:
        for table in ("told", "body", "used"):
            self._mutate(table, f"install = {accepted.install} AND batch = {reads.text(accepted.batch)}")
        self._mutate("counted", f"project = {accepted.project} AND token = {reads.text(token_of(accepted))}")

    def _told(self, query: str) -> list[Told]:
        found = []
        for batch, sha256, counted, refused, sequence, received in self.link.ask(query):
            verdicts = tuple(Verdict(*each) for each in json.loads(refused))
            found.append(
                Told(batch, sha256, int(counted), verdicts, False, int(sequence), date.fromisoformat(received))
            )
        return found

    def close(self, install: int) -> None:
        self.link.put("closed", [{"install": install}])

    def erase(self, install: int) -> int:
        """
        Give an install's days to a number that nothing leads to, and delete the rest.

        One row decides which of the two counts, so each day does at every moment; cut short anywhere, it is done again.
        """
        self.close(install)
        state = self.link.ask(f"SELECT state FROM gone FINAL WHERE install = {install}")
        told = [] if state == [[COPIED]] else self._told(reads.batches(install))
        if told:
            token = anonymous(min(each.batch for each in told))
            self._gone(install, token, COPYING)
            self._copy(install, token)
            self._gone(install, token, COPIED)
        if told or state or self._has_rest(install):
            self._delete(install)
        return len(told)

    def _has_rest(self, install: int) -> bool:
        """Whether there are rows of a batch that was cut off, and never taken."""
        tables = ("body", "used")
        return any(self.link.ask(f"SELECT 1 FROM {table} WHERE install = {install} LIMIT 1") for table in tables)

    def _gone(self, install: int, token: int, state: int) -> None:
        today = timezone.now().date()
        self.link.put("gone", [{"install": install, "token": token, "state": state, "erased_on": today}])

    def _copy(self, install: int, token: int) -> None:
        rows = [dict(zip(reads.COPIED, row, strict=True)) for row in self.link.ask(reads.copied(install))]
        gaps = self.link.ask(reads.gaps(f"install = {install}"))
        project = self.link.ask(f"SELECT any(project) FROM told WHERE install = {install}")[0][0]
        for row in rows:
            row.update(install=token, batch=f"{anonymous(row['batch']):016x}", events=[], is_left=1)
        self.link.put("used", rows)
        empty = {"days": [], "events": [], "properties": [], "releases": [], "times": [], "reasons": [GAP]}
        for number, (day, n) in enumerate(gaps):
            spans = {"first_day": day, "last_day": day, "lost_on": day, "lost_events": [""], "lost": [int(n)]}
            name = f"gone-{token}" + (f"-{number}" if number else "")
            self.link.put("counted", [{**empty, **spans, "project": int(project), "token": name}])

    def _delete(self, install: int) -> None:
        """It counts no more; the bytes go as soon as each replica comes to it."""
        for table in ("told", "body", "used"):
            self._mutate(table, f"install = {install}")
        # Else this row would come back when the other goes.
        self._mutate("gone", f"install = {install} AND state = {COPYING}")

    def _mutate(self, table: str, where: str) -> None:
        self.link.do(f"ALTER TABLE {self._everywhere(table)} DELETE WHERE {where}", patience_s=0)

    def _everywhere(self, table: str) -> str:
        name = f"{self._database}.{table}"
        return f"{name}_local ON CLUSTER {self._cluster}" if self._cluster else name

    def batches(self, install: int) -> list[Told]:
        return self._told(reads.batches(install))

    def body(self, install: int, batch: str) -> bytes:
        found = self.link.ask(reads.body(install, batch))
        return base64.b64decode(found[0][0]) if found else b""

    def expire(self, before: date) -> int:
        """Bodies are kept in a partition for each day; old ones are dropped whole."""
        old = f"FROM body FINAL WHERE received_on < {reads.day(before)}"
        found = self.link.ask(f"SELECT toString(received_on), count() {old} GROUP BY received_on")
        for day, _ in found:
            self.link.do(f"ALTER TABLE {self._everywhere('body')} DROP PARTITION '{day}'", patience_s=PATIENCE_S)
        long_gone = f"state = {COPIED} AND erased_on < {reads.day(before)} - {KEPT_DAYS}"
        if self.link.ask(f"SELECT 1 FROM gone WHERE {long_gone} LIMIT 1"):
            self._mutate("gone", long_gone)
        return sum(int(n) for _, n in found)

    def active(self, project: int, since: date, until: date) -> list[Day]:
        rows = self.link.ask(reads.active(project, since, until))
        fresh = {day: int(n) for day, n in self.link.ask(reads.fresh(project, since, until))}
        return [
            Day(date.fromisoformat(day), int(one), int(seven), int(month), fresh.get(day, 0), int(fourteen))
            for day, one, seven, month, fourteen in rows
        ]

    def counted(
        self, project: int, since: date, until: date, *, most: int | None = None
    ) -> list[tuple[str, date, int]]:
        found = self.link.ask(reads.counted(project, since, until, most))
        return [(event, date.fromisoformat(day), int(n)) for event, day, n in found]

    def days_of(self, project: int, event: str, since: date, until: date) -> list[tuple[date, int]]:
        found = self.link.ask(reads.days_of(project, event, since, until))
        return [(date.fromisoformat(day), int(n)) for day, n in found]

    def details(self, project: int, event: str, since: date, until: date) -> list[tuple[str, str, int]]:
        return _numbered(self.link.ask(reads.details(project, event, since, until)))

    def rows(self, project: int, event: str, since: date, until: date) -> list[tuple[date, str, str, int]]:
        found = self.link.ask(reads.rows(project, event, since, until))
        return [(date.fromisoformat(day), properties, release, int(n)) for day, properties, release, n in found]

    def users(self, project: int, since: date) -> list[tuple[str, int]]:
        return [(event, int(n)) for event, n in self.link.ask(reads.users(project, since))]

    def places(self, project: int, since: date, kind: str) -> list[tuple[str, int]]:
        return [(value, int(n)) for value, n in self.link.ask(reads.places(project, since, checked(kind)))]

    def spread(self, project: int, kind: str, since: date, until: date) -> list[tuple[str, date, int]]:
        found = self.link.ask(reads.spread(project, checked(kind), since, until))
        return [(value, date.fromisoformat(day), int(n)) for value, day, n in found]

    def in_week(self, project: int, week: date) -> list[tuple[str, str, int]]:
        return _numbered(self.link.ask(reads.in_week(project, week, week + timedelta(6))))

    def kept(self, project: int, since: date, until: date) -> list[tuple[date, date, int]]:
        found = self.link.ask(reads.kept(project, since, until))
        return [(date.fromisoformat(cohort), date.fromisoformat(week), int(n)) for cohort, week, n in found]

    def losses(self, project: int, since: date, until: date) -> list[tuple[str, str, int]]:
        found = {(reason, event): int(n) for reason, event, n in self.link.ask(reads.lost(project, since, until))}
        gaps = self.link.ask(reads.gaps(f"project = {project}"))
        missing = sum(int(n) for day, n in gaps if since <= date.fromisoformat(day) <= until)
        if missing:
            found[GAP, ""] = found.get((GAP, ""), 0) + missing
        return sorted(((*key, n) for key, n in found.items()), key=lambda row: (row[0], -row[2], row[1]))


def _numbered(rows: Iterable[list[Any]]) -> list[tuple[str, str, int]]:
    return [(one, other, int(n)) for one, other, n in rows]


def checked(kind: str) -> str:
    if kind not in reads.KINDS:
        raise OtumatError(f"Nobody tells {kind!r} of an install.", code="invalid")
    return kind


def anonymous(batch: str) -> int:
    """A number from a batch's random id, which is deleted: nobody can come to it again."""
    return int.from_bytes(hashlib.sha256(b"erased" + batch.encode()).digest()[:8], "big") | 1 << 63


def facts(accepted: Accepted, *, at: int) -> Mapping[str, list[dict[str, Any]]]:
    """
    The rows of a batch, by table in the order in which they are written.

    Args:
        at: Microseconds, to tell what came first.
    """
    whose = {"install": accepted.install, "batch": accepted.batch, "received_on": accepted.received_on}
    told = {
        **whose,
        "project": accepted.project,
        "sequence": accepted.sequence,
        "sha256": accepted.sha256,
        "at": at,
        "counted": accepted.counted,
        "refused": json.dumps([list(each) for each in accepted.refused]),
    }
    return {
        "body": [{**whose, "body": base64.b64encode(accepted.body).decode()}],
        "counted": [sums(accepted)],
        "used": list(days(accepted, at)),
        "told": [told],
    }


def sums(accepted: Accepted) -> dict[str, Any]:
    keys, losses = sorted(accepted.counts), sorted(accepted.losses)
    on = [key.day for key in keys] or [accepted.received_on]
    return {
        "project": accepted.project,
        "token": token_of(accepted),
        "first_day": min(on),
        "last_day": max(on),
        "days": [key.day for key in keys],
        "events": [key.event for key in keys],
        "properties": [key.properties for key in keys],
        "releases": [key.release for key in keys],
        "times": [accepted.counts[key] for key in keys],
        "lost_on": accepted.received_on,
        "reasons": [reason for reason, _ in losses],
        "lost_events": [event for _, event in losses],
        "lost": [accepted.losses[key] for key in losses],
    }


def token_of(accepted: Accepted) -> str:
    """What the sums of a batch are under, without a word of whose they are: its id is random."""
    return hashlib.sha256(f"{accepted.install}:{accepted.batch}".encode()).hexdigest()[:32]


def days(accepted: Accepted, at: int) -> Iterable[dict[str, Any]]:
    events: dict[date, set[str]] = {}
    for key in accepted.counts:
        events.setdefault(key.day, set()).add(key.event)
    for day, where in accepted.days.items():
        yield {
            "project": accepted.project,
            "install": accepted.install,
            "day": day,
            "batch": accepted.batch,
            "at": at,
            **where._replace(ci=False)._asdict(),
            "ci": "yes" if where.ci else "no",
            "events": sorted(events.get(day, ())),
            "is_left": 0,
        }
