"""
All counts of a project as a file, for other programs: CSV, JSON lines or Parquet.

A month and an event at a time, so that memory does not grow with what there is; the file appears whole or not at all.
`writing.py` knows the formats; start with `export`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path

from otumat.errors import Conflict, Invalid, Problem
from otumat_index.usage.exporting.writing import WRITERS, Counted, whole
from otumat_index.usage.stores.orm import STORE

MOST_DAYS = 10_000


def export(
    project: int,
    path: Path,
    *,
    since: date,
    until: date,
    form: str,
    progress: Callable[[float], object] = lambda _: None,
    replaces: bool = False,
) -> int:
    """
    Write how often each event happened, by day, properties and release; without a word of whose it was.

    Args:
        project: Its key.
        progress: Told after each month which part is done.

    Returns:
        How many rows there are.

    Raises:
        Invalid: Days in the wrong order or too many, or a format whose library is not installed.
        Conflict: The file is there.
    """
    if until < since or (until - since).days > MOST_DAYS:
        message = f"From {since} to {until} is no span of 1 to {MOST_DAYS} days."
        raise Invalid([Problem("days", "--from", message, hint="Give the earlier day first.")])
    if path.exists() and not replaces:
        raise Conflict(f"{path} is there already.", code="exists", hint="Take another name, or --replace it.")
    rows = 0
    with whole(path) as opened, WRITERS[form](opened) as write:
        for start, end in months(since, until):
            for block in counted(project, start, end):
                write(block)
                rows += len(block)
            progress(((end - since).days + 1) / ((until - since).days + 1))
    return rows


def months(since: date, until: date) -> Iterator[tuple[date, date]]:
    """
    The calendar months of a span, the first and the last cut to it.

    >>> [str(end) for _, end in months(date(2026, 1, 30), date(2026, 3, 2))]
    ['2026-01-31', '2026-02-28', '2026-03-02']
    """
    while since <= until:
        following = (since.replace(day=1) + timedelta(32)).replace(day=1)
        end = min(until, following - timedelta(1))
        yield since, end
        since = following


def counted(project: int, since: date, until: date) -> Iterator[list[Counted]]:
    """Rows of a month, an event at a time."""
    for event in sorted({event for event, _, _ in STORE.counted(project, since, until)}):
        found = STORE.rows(project, event, since, until)
        yield [Counted(day, event, properties, release, times) for day, properties, release, times in found]
