"""Writing the journal."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from otumat_index.journal.actor import Actor
from otumat_index.journal.models import Entry, Head
from otumat_index.web import hints, prepared


def write(action: str, subject: str, *, by: Actor, at: datetime, topic: str = "", **data: Any) -> int:
    """
    Add one row for a change, inside the caller's transaction.

    Args:
        action: Room-less noun and verb: `release.yank`, `file.publish`, `token.create`.
        subject: What changed, readable: `roundup 1.0`, `roundup-1.0.tar.gz`, `alice`.
        by: Who did it, with which credential.
        at: The moment, aware, UTC.
        topic: Normalised name of the project concerned; whoever keeps derived pages of it is told after the commit.
        data: What a reader will want to know; never a secret.

    Returns:
        The serial: 1, 2, 3, … without gaps in commit order.
    """
    if not connection.in_atomic_block:
        raise RuntimeError(f"The change {action!r} and its journal row must share one transaction.")
    serial = take_serials(1)
    prepared.insert(
        Entry(
            serial=serial,
            at=at,
            actor=by.name,
            credential=by.credential,
            action=action,
            subject=subject[:512],
            topic=topic,
            data=data,
        )
    )
    if topic:
        transaction.on_commit(lambda: hints.changed(topic, serial))
    return serial


def blank(action: str, subject: str, *, words: Collection[str]) -> None:
    """
    Take personal words out of rows about somebody who left; a row of that leaving, in the same transaction, says so.

    The one change of what was written, for it is the person's to have forgotten.
    """
    rows = Entry.objects.filter(action=action, subject=subject)
    for row in rows:
        row.data = {word: "" if word in words else value for word, value in row.data.items()}
    Entry.objects.bulk_update(rows, ["data"], batch_size=500)


def take_serials(count: int) -> int:
    """The first of `count` fresh serials. The row lock on `Head` lasts until commit: no gaps, no overtaking."""
    with connection.cursor() as cursor:  # part of every change, hence not by way of the ORM
        cursor.execute(MOVE, [count])
        moved = cursor.fetchone()
        if moved is None:
            Head.objects.get_or_create(pk=1)  # the very first change; two at once meet in the unique key
            cursor.execute(MOVE, [count])
            moved = cursor.fetchone()
    last: int = moved[0]
    return last - count + 1


MOVE = "UPDATE journal_head SET serial = serial + %s WHERE id = 1 RETURNING serial"
