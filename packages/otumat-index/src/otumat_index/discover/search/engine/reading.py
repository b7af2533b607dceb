"""Catalogue rows as documents, on SQLite and PostgreSQL: all of them for a build, some after a change."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from django.db import connection

from otumat.spec.metadata import FIELDS
from otumat_index.discover.search.engine.document import BODY_MAX_CHARS, Document
from otumat_index.publish.models import Project, Release

ROWS_AT_ONCE = 2_000
decoded = json.JSONDecoder().raw_decode  # what `loads` calls, without the calls between
_RELEASE = {field.column: field for field in Release._meta.concrete_fields}
COLUMNS = tuple(field.attribute for field in FIELDS if field.attribute in _RELEASE)
_JSON = frozenset(name for name in COLUMNS if _RELEASE[name].get_internal_type() == "JSONField")
_HEAD = (
    *("p.id", "p.normalized", "p.is_private", "p.status", "p.created_at", "p.updated_at"),
    *("r.version", "r.canonical", "r.is_prerelease", "r.is_yanked", "r.id"),
)
_TAIL = tuple(
    # A long description is not even read: its beginning is all that is indexed.
    f"substr(r.description, 1, {BODY_MAX_CHARS})" if name == "description" else f"r.{name}"
    for name in COLUMNS
    if name != "version"
)
_NAMES = tuple(name for name in COLUMNS if name != "version")
_DECODED = tuple(at for at, name in enumerate(_NAMES) if name in _JSON)
_SELECT = f"SELECT {', '.join((*_HEAD, *_TAIL))} FROM publish_project p JOIN publish_release r ON r.id = p.latest_id"  # noqa: S608
_RANGE = f"{_SELECT} WHERE p.id > %s ORDER BY p.id LIMIT {ROWS_AT_ONCE}"


def count() -> int:
    """About how many documents there are."""
    return int(Project.objects.filter(latest__isnull=False).count())


def everything() -> Iterator[list[Document]]:
    """All documents, a few thousand at a time; each part is of one moment, and the next one may be of a later one."""
    if connection.vendor == "sqlite":
        fetch("PRAGMA mmap_size = 0", [])  # what is read once need not count as our memory
    after = 0
    while rows := fetch(_RANGE, [after]):
        after = rows[-1][0]
        yield documents(rows)


def some(names: Sequence[str]) -> list[Document]:
    """Documents of projects by normalised name; nothing for those that are gone or have no release."""
    if not names:
        return []
    places = ", ".join(["%s"] * len(names))
    return documents(fetch(f"{_SELECT} WHERE p.normalized IN ({places})", names))


def fetch(statement: str, values: Sequence[Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows


def documents(rows: Sequence[tuple[Any, ...]]) -> list[Document]:
    """Rows of the statement above, with what other tables know of them."""
    kinds = file_kinds([row[10] for row in rows])
    releases = release_counts([row[0] for row in rows])
    return [document(row, kinds.get(row[10], frozenset()), releases.get(row[0], 1)) for row in rows]


def document(row: tuple[Any, ...], kinds: frozenset[str], releases: int) -> Document:
    pk, name, is_private, status, created, updated, version, canonical, is_prerelease, is_yanked, _ = row[:11]
    values = list(row[11:])
    for at in _DECODED:
        if (value := values[at]) != "[]":
            values[at] = decoded(value)[0] if isinstance(value, str) else value or ()
        else:
            values[at] = ()
    fields = dict(zip(_NAMES, values, strict=True))
    return Document(
        *(pk, name, bool(is_private), status, seconds(created), seconds(updated), version, canonical),
        *(bool(is_prerelease), bool(is_yanked), fields, kinds, releases),
    )


def file_kinds(releases: Sequence[int]) -> dict[int, frozenset[str]]:
    """Which kinds of files releases have."""
    found: dict[int, frozenset[str]] = {}
    for release, kind in fetch_in("SELECT DISTINCT release_id, kind FROM publish_file WHERE release_id IN", releases):
        found[release] = found.get(release, frozenset()) | {kind}
    return found


def release_counts(projects: Sequence[int]) -> dict[int, int]:
    """How many releases projects have, those with one left out."""
    statement = "SELECT project_id, COUNT(*) FROM publish_release WHERE project_id IN"
    return dict(fetch_in(statement, projects, " GROUP BY project_id HAVING COUNT(*) > 1"))


def fetch_in(statement: str, values: Sequence[int], end: str = "") -> list[tuple[Any, ...]]:
    if not values:
        return []
    return fetch(f"{statement} ({', '.join(map(str, values))}){end}", [])


def seconds(moment: datetime | str) -> int:
    """Seconds since 1970; SQLite hands out text."""
    if isinstance(moment, str):
        moment = datetime.fromisoformat(moment)
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())
