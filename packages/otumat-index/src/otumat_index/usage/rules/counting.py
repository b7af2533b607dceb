"""What a project declared, and what a batch adds up to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace
from datetime import date

from otumat.spec.event import Row, Verdict, Where
from otumat.spec.manifest import DeclaredEvent, Manifest
from otumat_index.usage.stores.protocol import Key

OTHER = "other"
LOST = ("room", "unreadable", "unanswered")
"""Why a copy may say that it lost something; other words are kept as `other`, so that none passes for ours."""


def merged(manifests: Sequence[Manifest]) -> dict[str, DeclaredEvent] | None:
    """
    Everything a project declared, oldest manifest first; None for one that declared nothing.

    Releases of all ages tell, so values add up; the last day is what the newest manifest with the event says.
    """
    if not manifests:
        return None
    events: dict[str, DeclaredEvent] = {}
    for manifest in manifests:
        for event in manifest.events:
            events[event.name] = joined(events.get(event.name), event, manifest.expires)
    return events


def joined(before: DeclaredEvent | None, event: DeclaredEvent, expires: date | None) -> DeclaredEvent:
    values = dict(before.properties) if before else {}
    for name, each in event.properties:
        values[name] = tuple(dict.fromkeys((*values.get(name, ()), *each)))
    last = min((day for day in (event.expires, expires) if day), default=None)
    return replace(event, properties=tuple(sorted(values.items())), expires=last)


def counts(rows: Sequence[Row], refused: Iterable[Verdict], releases: Mapping[str, str]) -> dict[Key, int]:
    """
    Add accepted rows up.

    Args:
        releases: A release as it was told to the one that the index knows; others are `other`, none stays "".
    """
    out = {verdict.row for verdict in refused}
    found: dict[Key, int] = {}
    days: dict[str, date] = {}
    texts: dict[tuple[tuple[str, str], ...], str] = {(): ""}
    shown = {**releases, "": ""}
    for number, ((day, name, properties, where), times) in enumerate(rows):
        if number in out:
            continue
        if day not in days:
            days[day] = date.fromisoformat(day)
        if properties not in texts:
            texts[properties] = ",".join([f"{key}={value}" for key, value in properties])
        counted = tuple.__new__(Key, (days[day], name, texts[properties], shown.get(where.release, OTHER)))
        found[counted] = found.get(counted, 0) + times
    return found


def days_of(rows: Sequence[Row], refused: Iterable[Verdict], releases: Mapping[str, str]) -> dict[date, Where]:
    """The days of accepted rows, and where the last row of each ran, its release as the index knows it."""
    out = {verdict.row for verdict in refused}
    found: dict[str, Where] = {row.use.day: row.use.where for number, row in enumerate(rows) if number not in out}
    known = {where: where._replace(release=known_release(where.release, releases)) for where in {*found.values()}}
    return {date.fromisoformat(day): known[where] for day, where in found.items()}


def known_release(told: str, releases: Mapping[str, str]) -> str:
    return releases.get(told, OTHER) if told else ""


def losses(
    rows: Sequence[Row], refused: Iterable[Verdict], lost: Mapping[str, Mapping[str, int]], names: AbstractSet[str]
) -> Counter[tuple[str, str]]:
    """
    What a batch says was lost, and what of it was refused.

    Args:
        names: The events that the project knows; of a malformed or unknown one the name is not kept, whatever it was
            refused for.
    """
    found: Counter[tuple[str, str]] = Counter()
    for reason, told in lost.items():
        for name, times in told.items():
            found[reason if reason in LOST else OTHER, name if name in names else ""] += times
    for number, code in refused:
        name = rows[number].use.name
        is_kept = name in names and code not in ("malformed", "undeclared")
        found[code, name if is_kept else ""] += max(rows[number].times, 1)
    return found
