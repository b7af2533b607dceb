"""The best first: what decides among projects that match alike."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from otumat.spec.metadata import FIELDS
from otumat_index.discover.search.asked import TEXT, Query, Term
from otumat_index.discover.search.engine import building
from otumat_index.discover.search.engine.answering import answer
from otumat_index.discover.search.engine.base import Base
from otumat_index.discover.search.engine.document import Document
from otumat_index.discover.search.engine.index import Index
from otumat_index.discover.search.engine.reading import COLUMNS

AT = 1_800_000_000
YEAR = 31_557_600
LISTS = frozenset(field.attribute for field in FIELDS if field.multiple)
EMPTY: dict[str, Any] = {name: () if name in LISTS else "" for name in COLUMNS}
SAME = Document(
    pk=1,
    name="mail-a",
    is_private=False,
    status="active",
    created=AT,
    updated=AT,
    version="1.0",
    canonical="1",
    is_prerelease=False,
    is_yanked=False,
    fields=EMPTY,
)


def best(folder: Path, *documents: Document, in_use: dict[int, int] | None = None) -> list[int]:
    made = building.build(folder, [list(documents)], expected=len(documents), head={"serial": 1}, at=AT, in_use=in_use)
    query = Query((Term(TEXT, ("mail",)),))
    return list(answer(Index(Base(made)), query, sees=frozenset(), rows=10, place="", counts=False, at=AT).ids)


def test_who_is_used_comes_first_among_equals(tmp_path: Path) -> None:
    other = replace(SAME, pk=2, name="mail-b")
    assert best(tmp_path / "unused", SAME, other) == [1, 2]
    assert best(tmp_path / "used", SAME, other, in_use={2: 40}) == [2, 1]


@pytest.mark.parametrize(
    "worse", [{"updated": AT - 3 * YEAR}, {"is_yanked": True}, {"status": "archived"}, {"is_prerelease": True}]
)
def test_what_is_fresh_and_kept_comes_first_among_equals(tmp_path: Path, worse: dict[str, Any]) -> None:
    other = replace(SAME, pk=2, name="mail-b")
    assert best(tmp_path, replace(SAME, **worse), other) == [2, 1]


def test_a_name_comes_before_a_summary_whoever_uses_it(tmp_path: Path) -> None:
    told = replace(SAME, pk=2, name="post", fields={**EMPTY, "summary": "mail for all"})
    assert best(tmp_path, SAME, told, in_use={2: 1_000_000}) == [1, 2]
