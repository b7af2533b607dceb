"""
Search and browse over the whole catalogue.

`asked.py` is the question, `found.py` the answer; `language/` reads and writes questions as text, `engine/` answers
them from bitmaps in the searcher's process (`searcher/`), `sql.py` while that is being built. Read `asked.py` first.
docs/decisions/0009-search.md.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator

from django.utils import timezone

from otumat.errors import Invalid, Problem
from otumat_index.discover.search import client, sql
from otumat_index.discover.search.asked import CLASSIFIER, TEXT, Order, Query, Term
from otumat_index.discover.search.found import Found, Source
from otumat_index.discover.search.language import fields
from otumat_index.discover.search.state import BUILDING, OFF, READY, State

__all__ = [
    "BUILDING",
    "CLASSIFIER",
    "OFF",
    "READY",
    "ROWS_MAX",
    "TEXT",
    "Found",
    "Order",
    "Query",
    "Source",
    "State",
    "Term",
    "answered_by",
    "ask",
    "await_serial",
    "describe",
]
ROWS_MAX = 200
Answerer = Callable[..., Found | None]
_here: list[Answerer] = []


def ask(
    query: Query, *, sees: frozenset[int] = frozenset(), rows: int = 20, place: str = "", counts: bool = True
) -> Found:
    """
    One page of the projects that pass every test, with what is shown beside it.

    Args:
        sees: Primary keys of private projects that the asker holds a role in. Everything that is told, totals, counts
            and suggestions included, is about these and the public ones alone.
        rows: Projects a page, at most `ROWS_MAX`.
        place: `next` or `previous` of a page before; empty, or anything unknown, is the first page.
        counts: Whether to count classifiers.

    Raises:
        Invalid: More tests or values than `fields.TERMS_MAX` and `fields.VALUES_MAX`, or a longer one than any field.
    """
    check(query)
    at = int(timezone.now().timestamp())
    rows = max(1, min(rows, ROWS_MAX))
    answerer = _here[-1] if _here else client.ask
    found = answerer(query, sees=sees, rows=rows, place=place, counts=counts, at=at)
    return found if found is not None else sql.ask(query, sees=sees, rows=rows, place=place, at=at)


def check(query: Query) -> None:
    """Bound what a question may cost (A74), whichever door it came by; doors that people use tell them sooner."""
    most = max((len(term.values) for term in query.terms), default=0)
    longest = max((len(value) for term in query.terms for value in term.values), default=0)
    if len(query.terms) > fields.TERMS_MAX or most > fields.VALUES_MAX or longest > fields.TEXT_MAX_CHARS:
        message = f"{len(query.terms)} tests with up to {most} values of up to {longest} characters are too many."
        limits = f"{fields.TERMS_MAX} tests, {fields.VALUES_MAX} values each, {fields.TEXT_MAX_CHARS} characters"
        raise Invalid([Problem("query.large", "q", message)], hint=f"This index answers up to {limits}.")


def describe() -> State:
    """How the engine is, for banners: SQL answers unless it is ready."""
    return State(READY, 1.0) if _here else client.describe()


def await_serial(serial: int, *, timeout_s: float = 600.0) -> bool:
    """Wait until the engine knows a serial; at once where no searcher runs. Whether it does."""
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        state = describe()
        if state.serial >= serial or state.kind == OFF:
            return state.serial >= serial
        time.sleep(0.05)
    return False


@contextlib.contextmanager
def answered_by(answerer: Answerer) -> Iterator[None]:
    """Have questions of this process answered by somebody else than the searcher (`engine.here.Here`, in tests)."""
    _here.append(answerer)
    try:
        yield
    finally:
        _here.remove(answerer)
