"""Writing checked records: one batch, one transaction, one journal row for each record that changes something."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from django.db import connection, transaction
from django.db.models import OuterRef, Subquery

from otumat.errors import Problem
from otumat.spec import names
from otumat_index.accounts.models import User
from otumat_index.journal import actions as journal
from otumat_index.journal.actor import Actor
from otumat_index.journal.models import Entry
from otumat_index.publish.actions.entry import NEWEST_FIRST
from otumat_index.publish.bulk import tables
from otumat_index.publish.bulk.records import COLUMNS, JSON_COLUMNS, Record
from otumat_index.publish.models import Classifier, Project, Release, ReleaseClassifier, Role

PROJECT_COLUMNS = ("id", "normalized", "name", "confusable", "created_at", "updated_at", "latest_id")
RELEASE_COLUMNS = (
    *("id", "project_id", "version", "canonical", "sort_key", "is_prerelease", "created_at", "updated_at"),
    *COLUMNS,
)
ENTRY_COLUMNS = ("serial", "at", "actor", "credential", "action", "subject", "topic", "data")
JSON_PLACES = tuple(place for place, name in enumerate(COLUMNS) if name in JSON_COLUMNS)


class Mark(NamedTuple):
    """A journal row by which a batch can be told to have been committed."""

    serial: int
    at: str


@dataclass(slots=True)
class Written:
    """What one batch did. `claims` are (line, problem): what a submission of the same new name would have met."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    claims: list[tuple[int, Problem]] = field(default_factory=list)


class Place(NamedTuple):
    """A project as far as an import needs it."""

    pk: int
    name: str
    is_new: bool


class Change(NamedTuple):
    """A record and where it goes."""

    record: Record
    project: Place
    release: int
    is_new: bool


class Writer:
    """Writes batches, remembering the ids of classifiers between them."""

    def __init__(self, *, owner: User | None, by: Actor) -> None:
        self.owner = owner
        self.by = by
        self.classifiers: dict[str, int] = {}

    def write(
        self, records: Sequence[Record], *, at: datetime, before_commit: Callable[[Written, Mark | None], None]
    ) -> Written:
        """
        Create or replace the entries of some records, all or none.

        Args:
            records: In the order of the source. Of several for one release the last one counts.
            at: The moment of the change.
            before_commit: Called last in the transaction; its mark is None when nothing changed.
        """
        try:
            with transaction.atomic():
                written, mark = self._write(records, at)
                before_commit(written, mark)
        except BaseException:
            self.classifiers.clear()  # some of them may never have been committed
            raise
        return written

    def _write(self, records: Sequence[Record], at: datetime) -> tuple[Written, Mark | None]:
        last = {(record.normalized, record.canonical): record for record in records}
        kept = list(last.values())
        written = Written(unchanged=len(records) - len(kept))
        known = lock_projects({record.normalized for record in kept})
        new = {record.normalized: record for record in reversed(kept) if record.normalized not in known}
        written.claims = check_claims(new.values())
        places = {**known, **place_new(new)}
        changes = find_changes(kept, places)
        written.created = sum(change.is_new for change in changes)
        written.updated = len(changes) - written.created
        written.unchanged += len(kept) - len(changes)
        if not changes:
            return written, None
        self._insert_projects(new, changes, at)
        write_releases(changes, at)
        self._link(changes)
        refresh_known(changes, at)
        return written, self._tell(changes, at)

    def _insert_projects(self, new: dict[str, Record], changes: list[Change], at: datetime) -> None:
        """New projects at once with their latest release: all releases they have are in this batch."""
        newest: dict[int, Change] = {}
        for change in changes:
            best = newest.setdefault(change.project.pk, change)
            if _preference(change.record) > _preference(best.record):
                newest[change.project.pk] = change
        when = tables.stored(Project, "created_at", at)
        rows = []
        for pk, change in newest.items():
            if change.project.is_new:
                first = new[change.record.normalized]
                rows.append((pk, first.normalized, first.name, first.confusable, when, when, change.release))
        tables.insert(Project, PROJECT_COLUMNS, rows)
        if self.owner is not None and rows:
            granted = [(row[0], self.owner.pk, Role.Kind.OWNER.value, when) for row in rows]
            tables.insert(Role, ("project_id", "user_id", "kind", "granted_at"), granted)

    def _link(self, changes: list[Change]) -> None:
        """Make the classifier rows of every changed release those of its record."""
        replaced = [change.release for change in changes if not change.is_new]
        ReleaseClassifier.objects.filter(release__in=replaced).delete()
        ids = self._classifier_ids({text for change in changes for text in change.record.classifiers})
        rows = [(change.release, ids[text]) for change in changes for text in change.record.classifiers]
        tables.insert(ReleaseClassifier, ("release_id", "classifier_id"), rows)

    def _classifier_ids(self, texts: set[str]) -> dict[str, int]:
        missing = texts - self.classifiers.keys()
        if missing:
            Classifier.objects.bulk_create([Classifier(text=text) for text in sorted(missing)], ignore_conflicts=True)
            self.classifiers.update(Classifier.objects.filter(text__in=missing).values_list("text", "pk"))
        return self.classifiers

    def _tell(self, changes: list[Change], at: datetime) -> Mark:
        """One journal row each. Last of all, for the journal's head is locked from here to the commit."""
        serial = journal.take_serials(len(changes))
        when = tables.stored(Entry, "at", at)
        owner = {"owner": self.owner.username} if self.owner is not None else {}
        rows = [
            (
                number,
                when,
                self.by.name,
                self.by.credential,
                "release.create" if is_new else "release.update",
                f"{project.name} {record.version}"[:512],
                record.normalized,
                _data(record.version, claimed=is_new and project.is_new, **owner),
            )
            for number, (record, project, _, is_new) in enumerate(changes, start=serial)
        ]
        tables.insert(Entry, ENTRY_COLUMNS, rows)
        return Mark(serial, at.isoformat())


def _data(version: str, *, claimed: bool, **more: str) -> str:
    told = {"import": True, "version": version, "claimed": claimed}
    return json.dumps({**told, **more} if claimed else told)


def _preference(record: Record) -> tuple[bool, str]:
    """The greatest comes first in `NEWEST_FIRST`; nothing imported is yanked. `sort_key` is compared as bytes are."""
    return not record.is_prerelease, record.sort_key


def lock_projects(wanted: set[str]) -> dict[str, Place]:
    """Projects that exist, locked in one order by all importers."""
    found = Project.objects.filter(normalized__in=wanted).select_for_update().order_by("pk")
    return {
        normalized: Place(pk, name, False) for pk, normalized, name in found.values_list("pk", "normalized", "name")
    }


def check_claims(new: Iterable[Record]) -> list[tuple[int, Problem]]:
    """What the rules about claiming a new name say; an operator's act is told, not refused."""
    new = sorted(new, key=lambda record: record.line)
    keys = {record.confusable for record in new}
    taken = dict(Project.objects.filter(confusable__in=keys).values_list("confusable", "name"))
    claims = []
    for record in new:
        problems = names.check_claim(record.name, existing_confusable=taken.get(record.confusable))
        claims += [(record.line, problem) for problem in problems]
        taken.setdefault(record.confusable, record.name)
    return claims


def place_new(new: dict[str, Record]) -> dict[str, Place]:
    """Ids for new projects, in the order of their lines."""
    ordered = sorted(new.values(), key=lambda record: record.line)
    ids = tables.take_ids(Project, len(ordered))
    return {record.normalized: Place(pk, record.name, True) for pk, record in zip(ids, ordered, strict=True)}


def find_changes(records: list[Record], places: dict[str, Place]) -> list[Change]:
    """Which records say something new, each with the id of its release."""
    known = releases_of(
        [(places[record.normalized].pk, record) for record in records if not places[record.normalized].is_new]
    )
    fresh = [record for record in records if (places[record.normalized].pk, record.canonical) not in known]
    ids = dict(zip((record.line for record in fresh), tables.take_ids(Release, len(fresh)), strict=True))
    changes = []
    for record in records:
        place = places[record.normalized]
        if record.line in ids:
            changes.append(Change(record, place, ids[record.line], True))
        elif (pk := known[place.pk, record.canonical]) is not None:
            changes.append(Change(record, place, pk, False))
    return changes


def releases_of(wanted: list[tuple[int, Record]]) -> dict[tuple[int, str], int | None]:
    """Ids of the releases that exist, by project and canonical version; None for those that say exactly the same."""
    if not wanted:
        return {}
    records = {(pk, record.canonical): record for pk, record in wanted}
    columns = ", ".join(connection.ops.quote_name(name) for name in ("id", "project_id", "canonical", *COLUMNS))
    pairs = ", ".join(["(%s, %s)"] * len(records))
    table = connection.ops.quote_name(Release._meta.db_table)
    found: dict[tuple[int, str], int | None] = {}
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {columns} FROM {table} WHERE (project_id, canonical) IN (VALUES {pairs})",  # noqa: S608
            [value for pair in records for value in pair],
        )
        for pk, project, canonical, *values in cursor:
            same = _is_same(values, records[project, canonical].values)
            found[project, canonical] = None if same else pk
    return found


def _is_same(stored: Sequence[Any], told: Sequence[str]) -> bool:
    if tuple(stored) == tuple(told):
        return True
    decoded, wanted = list(stored), list(told)
    for place in JSON_PLACES:  # PostgreSQL spells its JSON in another way
        decoded[place] = json.loads(stored[place]) if isinstance(stored[place], str) else stored[place]
        wanted[place] = json.loads(told[place])
    return decoded == wanted


def write_releases(changes: list[Change], at: datetime) -> None:
    """Insert what is new, replace all information of the rest."""
    when = tables.stored(Release, "created_at", at)
    rows = [
        (release, place.pk, r.version, r.canonical, r.sort_key, r.is_prerelease, when, when, *r.values)
        for r, place, release, is_new in changes
        if is_new
    ]
    tables.insert(Release, RELEASE_COLUMNS, rows)
    replaced = [(when, *change.record.values, change.release) for change in changes if not change.is_new]
    if replaced:
        tables.update(Release, ("updated_at", *COLUMNS), replaced)


def refresh_known(changes: list[Change], at: datetime) -> None:
    """Point projects that existed before at their latest release."""
    touched: defaultdict[bool, set[int]] = defaultdict(set)
    for change in changes:
        if not change.project.is_new:
            touched[change.is_new].add(change.project.pk)
    newest = Release.objects.filter(project=OuterRef("pk")).order_by(*NEWEST_FIRST).values("pk")[:1]
    Project.objects.filter(pk__in=touched[False] - touched[True]).update(updated_at=at)
    Project.objects.filter(pk__in=touched[True]).update(latest=Subquery(newest), updated_at=at)
