"""
What a 0.3 copy posts, as batches of the 1.0 dialect.

It sends every use that it still holds, with its moment, in one request, and deletes them after any 2xx. When the answer
was lost the same uses come again, among newer ones. A use has no id; its moment (to the microsecond), its name, and how
many were alike before it in the same request are as good as one. Whatever came before and is in no request since was
deleted by the copy, so only the marks of the newest request, and of some days, have to be kept.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime

from otumat.errors import Invalid, Problem
from otumat.spec.event import BATCH_MAX_ROWS, Batch, Use, Where, add_up
from otumat.spec.manifest import EVENT_NAME

POST_MAX_BYTES = 4 * 1024 * 1024
"""About 80,000 uses. A 0.3 copy sends all it has at once or nothing, so this is also the most it may ever hold."""
HEADERS = ["install_id", "event_date", "event_type"]
MARK_BYTES = 8
_MOMENT = "%Y-%m-%d %H:%M:%S.%f"

OldUse = tuple[str, str]


def read_post(body: bytes, install: str) -> list[OldUse]:
    """
    Moments and names, as they were posted: three headers, two values a row; "" for a value that is no text.

    Raises:
        Invalid: It is no post, or one of another install.
    """
    try:
        told = json.loads(body)
        rows = [(as_text(moment), as_text(name)) for moment, name in told["rows"]]
        is_sound = told["headers"] == HEADERS and isinstance(told["rows"], list)
    except (ValueError, TypeError, KeyError, RecursionError) as exc:
        raise Invalid([Problem("post.body", "body", "The body is no post of uses.")]) from exc
    if not is_sound:
        raise Invalid([Problem("post.headers", "headers", f"The headers are not {', '.join(HEADERS)}.")])
    if told.get("installId") != install:
        raise Invalid([Problem("post.install", "installId", "The token is of another install.")])
    return rows


def as_text(value: object) -> str:
    return value if isinstance(value, str) else ""


def marks(rows: Iterable[OldUse], *, key: bytes) -> list[bytes]:
    """
    Of each use the digest that it is known again by: without the key it cannot be turned back into a moment.

    >>> one, same, other = marks([("2026-11-21 20:33:40.441950", "import")] * 2 + [("", "fetch")], key=b"k")
    >>> one != same
    True
    """
    alike: Counter[OldUse] = Counter()
    found = []
    for row in rows:
        text = json.dumps([*row, alike[row]]).encode()
        alike[row] += 1
        found.append(hashlib.blake2b(text, digest_size=MARK_BYTES, key=key).digest())
    return found


def apart(joined: bytes) -> Iterator[bytes]:
    """Marks that were kept in one piece."""
    return (joined[start : start + MARK_BYTES] for start in range(0, len(joined), MARK_BYTES))


def batches(
    rows: Iterable[OldUse], *, install: str, project: str, where: Where, before: int, new_id: Callable[[], str]
) -> list[Batch]:
    """
    Uses added up by day and name, as a 1.0 copy would tell them.

    Args:
        before: The sequence of the batch before these.
    """
    added = add_up(as_use(row, where) for row in rows)
    parts: Sequence[int] = range(0, len(added), BATCH_MAX_ROWS)
    return [
        Batch(
            install=install,
            project=project,
            batch=new_id(),
            sequence=number,
            agent="otumat 0.3",
            rows=tuple(added[start : start + BATCH_MAX_ROWS]),
        )
        for number, start in enumerate(parts, before + 1)
    ]


def as_use(row: OldUse, where: Where) -> Use:
    """Day and name; one that is not well-formed has no day, and is refused as such further on."""
    moment, name = row
    day = day_of(moment)
    is_sound = day and EVENT_NAME.fullmatch(name)
    return Use(day, name, (), where) if is_sound else Use("", "", (), where)


def day_of(moment: str) -> str:
    try:
        return datetime.strptime(moment, _MOMENT).date().isoformat()  # noqa: DTZ007
    except ValueError:
        return ""
