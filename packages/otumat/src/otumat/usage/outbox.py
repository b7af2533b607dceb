"""
Making batches of what is held, and how far it is in batches: whatever crashes, no use is in two and none is in none.

Everything here happens under `sender.lock`. What a batch is on disk: `batches.py`.
"""

from __future__ import annotations

import json
import os
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import otumat
from otumat.spec.consent import ON
from otumat.spec.event import COUNT_MAX, Batch, Row, Use, write_batch
from otumat.usage import clock, held, tallies
from otumat.usage.answers import is_still
from otumat.usage.batches import REFUSALS, waiting, write
from otumat.usage.files import locked, read_json, write_json
from otumat.usage.maps import maps_folder
from otumat.usage.spool import spool_folder

if TYPE_CHECKING:
    from collections.abc import Callable

    from otumat.usage.answers import Answer
    from otumat.usage.batches import Frozen
    from otumat.usage.held import Record

WAITING_MAX = 32
_ROWS_ENOUGH = 700  # a segment adds at most 64 KiB / 50 bytes, 1,300 rows: together no more than event.BATCH_MAX_ROWS
_SEGMENTS_AT_ONCE = 4  # a quarter of all, so that there are others to evict meanwhile
_LOCK_WAIT_S = 10
_ROWS_OF_A_TALLY = 1000  # in the dialect of 0.3, which has a row for each use

Cursors = dict[str, Any]
Covers = dict[str, tuple[int, int]]


def freeze(folder: str, answer: Answer, install: str, *, dialect: str = "1.0", copy: str = "") -> list[Frozen]:
    """
    Make batches of everything held for sending, as far as there is room, and return all that wait.

    Each is written under the lock of the answer, while that is the given one: who changes it finds every batch there.

    Args:
        copy: The name of this copy of an image; "" where the install itself is.

    Errors:
        Conflict: this machine is another install by now.
    """
    from otumat.usage.readdressing import readdressed  # not for a host that makes room

    with locked(os.path.join(folder, "consent.lock"), wait_s=_LOCK_WAIT_S):
        if not is_still(folder, answer):
            return []
        before = recovered(folder)
        cursors = readdressed(folder, before, install=install, dialect=dialect)
        if cursors != before:
            write_json(_cursors(folder), cursors)
    held.let_go(folder)  # once it is noted what of it is in batches, for from then on it may be evicted
    while len(waiting(folder)) < WAITING_MAX:
        covers, records = _gather(folder, cursors, most=COUNT_MAX if dialect == "1.0" else _ROWS_OF_A_TALLY)
        lost = _lost(folder)
        news = _beyond(lost, cursors.get("told", {}))
        if not records and not news:
            break
        sequence = int(cursors.get("sequence", 0)) + 1
        batch = os.urandom(16).hex()
        if dialect == "1.0":
            rows = _rows(records, answer)
            body = write_batch(replace(_batch(answer, install, batch, sequence, rows, news), copy=copy))
        else:
            from otumat.usage.dialect03 import events_body

            body = events_body(install, records)
        note = {"batch": batch, "sequence": sequence, "covers": covers, "lost": lost, "dialect": dialect}
        with locked(os.path.join(folder, "consent.lock"), wait_s=_LOCK_WAIT_S):
            if not is_still(folder, answer):
                return []
            write(os.path.join(folder, "outbox", f"{sequence:08d}-{batch}.json"), note, body)
            cursors = recovered(folder)
        held.let_go(folder)
    held.let_go(folder)  # what had nothing new may be evicted while its batches wait
    _delete_done(folder, cursors)
    return waiting(folder)


def preview(folder: str, answer: Answer) -> bytes:
    """What would leave if this machine were enrolled already: the body with an empty install id."""
    _, records = _gather(folder, {}, read=held.read, segments=len(held.segments(folder)))
    lost = _lost(folder)
    rows = _rows(records, answer)
    return write_batch(_batch(answer, "", "", 1, rows, lost)) if records else b""


def discard(folder: str) -> None:
    """Delete what waits, and begin to count anew."""
    for path in held.listed(os.path.join(folder, "outbox")):  # also what was cut short
        held.remove(path)
    held.remove(_cursors(folder))


def cursor_of(folder: str, segment: str) -> int:
    """How many bytes of a segment are in batches already."""
    return int(told_of(folder).get(held.name_of(segment), 0))


def told_of(folder: str) -> dict[str, int]:
    """How much is in batches already: bytes of each segment, uses of each tally."""
    told: dict[str, int] = read_json(_cursors(folder)).get("segments", {})
    return told


def unsent(folder: str) -> list[Record]:
    """Every use that is held and that no host has taken, at any level, in the order of time."""
    begins = {**told_of(folder), **_begins(folder)}
    found = [
        record
        for path in held.segments(folder)
        for record in held.records(held.read(path)[int(begins.get(held.name_of(path), 0)) :])
        if record is not None
    ]
    counted = [tallies.beyond(each, begins, most=each.record.times) for each in tallies.tallies(folder)]
    return sorted([*found, *(record for record in counted if record is not None)])


def _begins(folder: str) -> dict[str, int]:
    """Where in which segment the batches that wait begin."""
    begins: dict[str, int] = {}
    for frozen in waiting(folder):
        for name, (start, _) in frozen.note["covers"].items():
            begins[name] = min(start, begins.get(name, start))
    return begins


def _gather(
    folder: str,
    cursors: Cursors,
    *,
    most: int = COUNT_MAX,
    read: Callable[[str], bytes] = held.gather,
    segments: int = _SEGMENTS_AT_ONCE,
) -> tuple[Covers, list[Record]]:
    """Some of what is not in any batch yet, and up to where it was read in which segment and tally."""
    covers: Covers = {}
    found: list[Record] = []
    kinds: set[tuple[object, ...]] = set()
    for path in held.seal_all(folder):
        if len(kinds) > _ROWS_ENOUGH or len(covers) >= segments:
            break
        name = held.name_of(path)
        start = int(cursors.get("segments", {}).get(name, 0))
        data = read(path)
        end = held.whole(data)
        if end > start:
            covers[name] = (start, end)
            fresh = [record for record in held.records(data[start:end]) if record is not None]
            kinds.update((clock.day(each.at_us / 1e6), *each[1:4]) for each in fresh)
            found += fresh
    for tally in tallies.tallies(folder, ON):
        if len(kinds) > _ROWS_ENOUGH:
            break
        start = int(cursors.get("segments", {}).get(tally.place, 0))
        counted = tallies.beyond(tally, {tally.place: start}, most=most)
        if counted is not None:
            covers[tally.place] = (start, start + counted.times)
            kinds.add(tally)
            found.append(counted)
    return covers, found


def recovered(folder: str) -> Cursors:
    """The cursors, with those of batches that were frozen but not noted because somebody pulled the plug."""
    path = _cursors(folder)
    before = read_json(path)
    cursors: Cursors = json.loads(json.dumps(before))
    segments = cursors.setdefault("segments", {})
    for frozen in waiting(folder):
        for name, (_, end) in frozen.note["covers"].items():
            segments[name] = max(int(segments.get(name, 0)), end)
        if frozen.note["sequence"] > int(cursors.get("sequence", 0)):
            cursors["sequence"], cursors["told"] = frozen.note["sequence"], frozen.note["lost"]
            cursors["install"] = frozen.install
    if cursors != before:
        write_json(path, cursors)
    return cursors


def _delete_done(folder: str, cursors: Cursors) -> None:
    """Delete segments that were sent to their last byte; forget the cursors of those that are gone."""
    segments, waits = cursors.get("segments", {}), _begins(folder)
    for path in held.segments(folder, ON):
        if path.endswith(".open"):  # somebody may begin to write to it in the moment before it is deleted
            continue
        data = held.read(path)
        name = held.name_of(path)
        if name not in waits and segments.get(name, 0) == held.whole(data):
            held.delete_if_done(path, len(data))
    tallies.delete_done(folder, segments, waits)
    there = set(map(held.name_of, [*held.listed(spool_folder(folder)), *held.listed(maps_folder(folder))]))
    kept = {name: end for name, end in segments.items() if name.partition("#")[0] in there}
    if kept != segments:
        write_json(_cursors(folder), {**cursors, "segments": kept})


def _lost(folder: str) -> dict[str, dict[str, int]]:
    """What was lost, but for what a host refused: it knows."""
    return {why: names for why, names in held.lost(folder).items() if why not in REFUSALS}


def _beyond(lost: dict[str, dict[str, int]], told: dict[str, dict[str, int]]) -> dict[str, dict[str, int]]:
    news = {
        why: {name: times - told.get(why, {}).get(name, 0) for name, times in names.items()}
        for why, names in lost.items()
    }
    kept = {why: {name: times for name, times in names.items() if times > 0} for why, names in news.items()}
    return {why: names for why, names in kept.items() if names}


def _rows(records: list[Record], answer: Answer) -> list[Row]:
    """Equal uses are one row, sorted; more of them only where a count would be above COUNT_MAX."""
    counts: dict[Use, int] = {}
    for record in records:
        use = _use(record, answer)
        counts[use] = counts.get(use, 0) + record.times
    return [
        Row(use, min(COUNT_MAX, counts[use] - before))
        for use in sorted(counts)
        for before in range(0, counts[use], COUNT_MAX)
    ]


def _use(record: Record, answer: Answer) -> Use:
    """
    A record as a use: only the day leaves. A clock that is off now or was then must not lose it: no day is before the
    answer, and none after today.
    """
    since = clock.seconds(answer.since)
    at_s = max(min(record.at_us / 1e6, max(clock.now_s(), since)), since)
    return Use(clock.day(at_s), record.name, record.properties, record.where)


def _batch(
    answer: Answer, install: str, batch: str, sequence: int, rows: list[Row], lost: dict[str, dict[str, int]]
) -> Batch:
    return Batch(
        install=install,
        project=answer.project,
        batch=batch,
        sequence=sequence,
        manifest=answer.manifest,
        wording=int(answer.wording or 1),
        agent=f"otumat {otumat.__version__}",
        rows=tuple(rows),
        lost=lost,
    )


def _cursors(folder: str) -> str:
    return os.path.join(folder, "cursors.json")
