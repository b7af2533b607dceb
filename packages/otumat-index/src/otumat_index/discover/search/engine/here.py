"""The engine in one's own process: for tests, and for who asks the catalogue once."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from otumat_index.discover.search.asked import Query
from otumat_index.discover.search.engine import building, following, reading
from otumat_index.discover.search.engine.answering import answer
from otumat_index.discover.search.engine.base import Base
from otumat_index.discover.search.engine.index import Index
from otumat_index.discover.search.found import Found


class Here:
    """An index in memory, of the catalogue as it is whenever a question comes: `with search.answered_by(Here()): …`."""

    def __init__(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            head = {"serial": following.head(), "mark": ""}
            at = int(time.time())
            made = building.build(Path(folder), reading.everything(), expected=reading.count(), head=head, at=at)
            self.index = Index(Base(made))

    def __call__(
        self, query: Query, *, sees: frozenset[int], rows: int, place: str, counts: bool, at: int
    ) -> Found | None:
        for _ in following.steps(self.index):
            pass
        told = answer(self.index, query, sees=sees, rows=rows, place=place, counts=counts, at=at)
        numbers = told.counts.tolist() if told.counts is not None else []
        named = {text: count for text, count in zip(self.index.nodes, numbers, strict=False) if count}
        return Found(told.total, told.ids, told.next, told.previous, named, told.suggestion, told.serial)
