"""Pure decisions of usage: what is declared, what a batch adds up to, when an install counts as active."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import NamedTuple

from otumat.spec.event import Row, Verdict
from otumat.spec.manifest import DeclaredEvent, Manifest
from otumat_index.usage.stores.protocol import Key

MASK_DAYS = 63
LATE_DAYS = 35
"""How late a day may be told and still be marked: older windows reach back beyond the mask."""
WEEK, MONTH = 7, 28
OTHER = "other"


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
    for number, (use, times) in enumerate(rows):
        if number in out:
            continue
        day = days.get(use.day) or days.setdefault(use.day, date.fromisoformat(use.day))
        properties = ",".join([f"{name}={value}" for name, value in use.properties]) if use.properties else ""
        release = use.where.release
        key = Key(day, use.name, properties, releases.get(release, OTHER) if release else "")
        found[key] = found.get(key, 0) + times
    return found


def losses(
    rows: Sequence[Row], refused: Iterable[Verdict], lost: Mapping[str, Mapping[str, int]]
) -> Counter[tuple[str, str]]:
    """What a batch says was lost, and what of it was refused; of a malformed or unknown event the name is not kept."""
    found: Counter[tuple[str, str]] = Counter()
    for reason, names in lost.items():
        for name, times in names.items():
            found[reason, name] += times
    for number, code in refused:
        name = "" if code in ("malformed", "undeclared") else rows[number].use.name
        found[code, name] += max(rows[number].times, 1)
    return found


class Seen(NamedTuple):
    """An install's last active day, and a mask: bit n is n days before it."""

    last: date
    mask: int


class Marked(NamedTuple):
    """What new active days change in a project's counts, each by day."""

    seen: Seen
    daily: Counter[date]
    weekly: Counter[date]
    monthly: Counter[date]


def mark(seen: Seen | None, days: Iterable[date]) -> Marked | None:
    """
    Mark active days; each install counts once in each window, whatever order its days come in.

    Returns:
        None when nothing new was told.

    >>> from datetime import date
    >>> marked = mark(None, [date(2026, 3, 2)])
    >>> marked.daily[date(2026, 3, 2)], marked.weekly[date(2026, 3, 8)], marked.weekly[date(2026, 3, 9)]
    (1, 1, 0)
    """
    known = {seen.last - timedelta(n) for n in range(MASK_DAYS) if seen.mask >> n & 1} if seen else set()
    newest = max([*days, *known], default=None)
    fresh = sorted(day for day in set(days) - known if newest and (newest - day).days <= LATE_DAYS)
    if newest is None or not fresh:
        return None
    daily: Counter[date] = Counter(fresh)
    weekly: Counter[date] = Counter()
    monthly: Counter[date] = Counter()
    for day in fresh:
        weekly.update(window(day, known, WEEK))
        monthly.update(window(day, known, MONTH))
        known.add(day)
    mask = sum(1 << (newest - day).days for day in known if (newest - day).days < MASK_DAYS)
    return Marked(Seen(newest, mask), daily, weekly, monthly)


def window(day: date, known: set[date], width: int) -> list[date]:
    """The days whose window of `width` days holds `day`, and no other day that was known."""
    before = max((each for each in known if each < day), default=date.min)
    after = min((each for each in known if each > day), default=date.max)
    days = (day + timedelta(n) for n in range(width))
    return [each for each in days if (each - before).days >= width and each < after]
