"""A question answered: select, count, put in order, suggest."""

from __future__ import annotations

from dataclasses import dataclass

from otumat_index.discover.search.asked import Order, Query
from otumat_index.discover.search.engine import counting, ordering, ranking, suggesting
from otumat_index.discover.search.engine.counting import Counts
from otumat_index.discover.search.engine.index import Index
from otumat_index.discover.search.engine.selecting import select


@dataclass(frozen=True, slots=True)
class Answer:
    """What `found.Found` says, with a number for each of `index.nodes` as counts."""

    total: int
    ids: tuple[int, ...]
    next: str
    previous: str
    counts: Counts | None
    suggestion: str
    serial: int


def answer(index: Index, query: Query, *, sees: frozenset[int], rows: int, place: str, counts: bool, at: int) -> Answer:
    """
    One page of projects, and all that is shown beside it.

    Args:
        sees: Private projects of the asker, by primary key.
        at: Now, in seconds since 1970.
    """
    mine = index.mine(sees)
    visible = index.public | mine if mine else index.public
    chosen = select(index, query, visible, at=at)
    if query.order is Order.BEST:
        page = ranking.page(index, chosen, rows=rows, place=place)
    else:
        page = ordering.page(index, chosen.match, query.order, rows=rows, place=place)
    return Answer(
        total=len(chosen.match),
        ids=tuple(index.pk(number) for number in page.ids),
        next=page.next,
        previous=page.previous,
        counts=counting.count(index, query, chosen.match, mine) if counts else None,
        suggestion=suggesting.suggest(index, chosen, visible),
        serial=index.serial,
    )
