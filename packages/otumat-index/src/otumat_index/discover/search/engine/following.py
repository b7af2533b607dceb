"""Keeping an index current: which projects the journal names since, read again and taken in."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from itertools import islice

from otumat_index.discover.search.engine import reading
from otumat_index.discover.search.engine.index import Index
from otumat_index.journal import queries as journal
from otumat_index.journal.models import Entry

SERIALS_AT_ONCE = 2_000
PROJECTS_AT_ONCE = 50
"""Taken in while no question is answered: about five milliseconds."""


def head() -> int:
    """The journal's newest serial."""
    return journal.last_serial()


def mark(serial: int) -> str:
    """What tells this journal's row from that of another catalogue with the same serial."""
    found = Entry.objects.filter(serial=serial).values_list("at", "action", "subject").first()
    return f"{found[0].isoformat()} {found[1]} {found[2]}" if found else ""


def steps(index: Index, lock: AbstractContextManager[object] | None = None) -> Iterator[int]:
    """
    Take in everything since the index's serial, a little at a time.

    Yields:
        The serial that the index has come to.
    """
    to = head()
    while index.serial < to:
        up_to = min(to, index.serial + SERIALS_AT_ONCE)
        for names in chunks(journal.topics_since(index.serial, up_to=up_to)):
            documents = reading.some(names)
            with lock or nullcontext():
                index.update(documents, names)
        index.serial = up_to
        yield up_to


def chunks(names: Iterable[str]) -> Iterator[list[str]]:
    left = iter(names)
    while some := list(islice(left, PROJECTS_AT_ONCE)):
        yield some
