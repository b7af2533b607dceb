"""Whatever is asked, after whatever changes: totals, pages and counts are those of looking at every project."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from otumat.spec.metadata import FIELDS
from otumat_index.discover.search.asked import CLASSIFIER, TEXT, Order, Query, Term
from otumat_index.discover.search.engine import building, counting
from otumat_index.discover.search.engine.answering import Answer, answer
from otumat_index.discover.search.engine.base import Base
from otumat_index.discover.search.engine.document import Document
from otumat_index.discover.search.engine.index import Index
from otumat_index.discover.search.engine.reading import COLUMNS
from otumat_index.discover.search.engine.selecting import select

AT = 1_800_000_000
DAY = 86_400
NAMES = ("anchor", "beam-net", "cork", "deck-anchor", "e", "fathom-line", "gaff", "hull", "beam", "net-tools", "zz-9")
WORDS = ("anchor", "beam", "net", "line", "the", "of")
PHRASES = ("anchor beam", "net line", "the line", "beam net line")
LEAVES = ("A", "A :: B", "A :: B :: C", "A :: D", "E :: F", "E :: G :: H", "Programming Language :: Python :: 3.13")
MANY = tuple(f"M :: {number:02}" for number in range(40))
"""More than one block of a row has room for."""
LISTS = frozenset(field.attribute for field in FIELDS if field.multiple)
EMPTY: dict[str, Any] = {name: () if name in LISTS else "" for name in COLUMNS}


def sentences() -> st.SearchStrategy[str]:
    return st.lists(st.sampled_from(WORDS), max_size=4).map(" ".join)


@st.composite
def documents(draw: st.DrawFn, name: str | None = None) -> Document:
    name = name or draw(st.sampled_from(NAMES))
    classifiers = draw(st.one_of(st.lists(st.sampled_from(LEAVES), max_size=4, unique=True), st.just(list(MANY))))
    fields = {
        **EMPTY,
        "summary": draw(sentences()),
        "description": draw(sentences()),
        "keywords": draw(st.lists(st.sampled_from(WORDS), max_size=2)),
        "classifiers": classifiers,
        "requires_dist": draw(st.lists(st.sampled_from(["cork>=1", "Beam.Net[x]; extra == 'x'"]), max_size=2)),
        "requires_python": draw(st.sampled_from(["", ">=3.8", "<3.12", "nonsense"])),
        "author": draw(st.sampled_from(["", "Ada Novak", "ada line"])),
    }
    return Document(
        pk=0,
        name=name,
        is_private=draw(st.booleans()),
        status=draw(st.sampled_from(["active", "archived"])),
        created=AT - draw(st.integers(0, 3)) * DAY,
        updated=AT - draw(st.integers(0, 400)) * DAY,
        version="1.0",
        canonical="1",
        is_prerelease=False,
        is_yanked=draw(st.booleans()),
        fields=fields,
        kinds=draw(st.sampled_from([frozenset[str](), frozenset({"wheel"})])),
    )


def terms() -> st.SearchStrategy[Term]:
    def term(field: str, values: tuple[str, ...], most: int = 2) -> st.SearchStrategy[Term]:
        chosen = st.lists(st.sampled_from(values), min_size=1, max_size=most, unique=True).map(tuple)
        return st.builds(Term, st.just(field), chosen, st.booleans())

    return st.one_of(
        term(TEXT, WORDS),
        term(TEXT, PHRASES),
        term(CLASSIFIER, (*LEAVES, "E", "E :: G", "M", "Programming Language", "Unknown"), 3),
        term("depends", ("cork", "beam-net")),
        term("python", ("3.13", "3.9")),
        term("author", ("Novak", "ada", "line ada")),
        term("status", ("active", "archived")),
        term("is", ("yanked", "private")),
        term("has", ("wheel", "files", "description")),
        term("updated", ("<90d", ">200d", "2026", "<2026-06-01")),
        term("name", ("beam", "anchor", "deck-an")),
        term("keyword", ("net", "line")),
    )


def queries() -> st.SearchStrategy[Query]:
    return st.builds(Query, st.lists(terms(), max_size=3).map(tuple), st.sampled_from(list(Order)))


# The brute force: every project, every test, by the words of `asked.Term`.


def says(text: str, value: str) -> bool:
    """Whether words stand in a text one after the other."""
    return f" {value} " in f" {text} "


def passes(document: Document, term: Term, skips: bool) -> bool:
    return skips or any(passes_one(document, term.field, value) for value in term.values) != term.negated


def passes_one(document: Document, field: str, value: str) -> bool:
    fields, words = document.fields, document.name.replace("-", " ")
    texts = [words, *fields["keywords"], fields["summary"]]
    # Grammar alone is not indexed in descriptions.
    loose = [word for word in fields["description"].split() if word not in ("the", "of")]
    dependencies = {"cork>=1": "cork"}
    admitted = {"3.13": (">=3.8",), "3.9": (">=3.8", "<3.12")}
    tests = {
        TEXT: lambda: any(says(text, value) for text in texts) or value in loose,
        CLASSIFIER: lambda: carries(document, value),
        "depends": lambda: value in [dependencies.get(each, "beam-net") for each in fields["requires_dist"]],
        "python": lambda: (
            fields["requires_python"] in admitted[value]
            or carries(document, f"Programming Language :: Python :: {value}")
        ),
        "author": lambda: {*value.lower().split()} <= {*fields["author"].lower().split()},
        "status": lambda: document.status == value,
        "is": lambda: getattr(document, f"is_{value}"),
        "has": lambda: bool(fields["description"] if value == "description" else document.kinds),
        "updated": lambda: updated(document.updated, value),
        "name": lambda: {*value.split("-")} <= {*words.split()} or document.name.startswith(value),
        "keyword": lambda: value in fields["keywords"],
    }
    return bool(tests[field]())


def updated(moment: int, value: str) -> bool:
    new_year, june = 1_767_225_600, 1_780_272_000
    return {
        "<90d": moment >= AT - 90 * DAY,
        ">200d": moment < AT - 200 * DAY,
        "2026": new_year <= moment < 1_798_761_600,
        "<2026-06-01": moment < june,
    }[value]


def carries(document: Document, value: str) -> bool:
    return any(each == value or each.startswith(f"{value} :: ") for each in document.fields["classifiers"])


def brute(known: Mapping[str, Document], query: Query, sees: frozenset[int]) -> list[Document]:
    positive = [term for term in query.terms if term.field == TEXT and not term.negated]
    unsaid = [term for term in positive if {*" ".join(term.values).split()} <= {"the", "of"}]
    skipped = unsaid if len(unsaid) < len(positive) else []
    return [
        each
        for each in known.values()
        if (not each.is_private or each.pk in sees)
        and all(passes(each, term, any(term is other for other in skipped)) for term in query.terms)
    ]


# What is compared.


def ask(index: Index, query: Query, sees: frozenset[int], place: str = "") -> Answer:
    return answer(index, query, sees=sees, rows=3, place=place, counts=True, at=AT)


def pages(index: Index, query: Query, sees: frozenset[int]) -> Iterator[Answer]:
    place = ""
    while True:
        page = ask(index, query, sees, place)
        yield page
        place = page.next
        if not place:
            return


def check(index: Index, known: Mapping[str, Document], query: Query, sees: frozenset[int]) -> None:
    wanted = brute(known, query, sees)
    found = list(pages(index, query, sees))
    ids = [pk for page in found for pk in page.ids]
    assert {page.total for page in found} == {len(wanted)}
    assert sorted(ids) == sorted(each.pk for each in wanted)
    assert all(len(page.ids) == 3 for page in found[:-1])
    if query.order is not Order.BEST:
        keys = {each.pk: key_of(each, query.order) for each in wanted}
        assert ids == sorted(ids, key=lambda pk: keys[pk])
    for before, page in pairwise(found):
        assert ask(index, query, sees, page.previous).ids == before.ids
    counts = found[0].counts
    assert counts is not None
    for text, count in zip(index.nodes, counts.tolist(), strict=True):
        assert count == sum(carries(each, text) for each in wanted if text), text


def key_of(document: Document, order: Order) -> object:
    if order is Order.NAME:
        return document.name
    return (-getattr(document, order.value), -document.pk)


def numbered(made: list[Document]) -> dict[str, Document]:
    """Documents by name; the primary key is the place of the name."""
    return {each.name: replace(each, pk=NAMES.index(each.name) + 1) for each in made}


SLOWLY = settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])


@SLOWLY
@given(
    first=st.lists(documents(), max_size=10),
    changes=st.lists(st.tuples(st.sampled_from(NAMES), st.booleans(), documents()), max_size=8),
    asked=st.lists(queries(), min_size=1, max_size=5),
    sees=st.frozensets(st.integers(1, len(NAMES)), max_size=4),
    frequent=st.sampled_from([1, 4, 1_000]),
)
def test_D11_every_count_is_the_length_of_the_list_behind_it(
    first: list[Document],
    changes: list[tuple[str, bool, Document]],
    asked: list[Query],
    sees: frozenset[int],
    frequent: int,
) -> None:
    known = numbered(first)
    with tempfile.TemporaryDirectory() as folder:
        made = building.build(
            Path(folder), [list(known.values())], expected=1, head={"serial": 1}, at=AT, frequent=frequent
        )
        index = Index(Base(made))
    for query in asked:
        check(index, known, query, sees)
    for name, is_gone, document in changes:
        document = replace(document, name=name, pk=NAMES.index(name) + 1)
        known.pop(name, None)
        if not is_gone:
            known[name] = document
        index.update([] if is_gone else [document], [name])
    for query in asked:
        check(index, known, query, sees)
        check(index, known, query, frozenset())


@SLOWLY
@given(first=st.lists(documents(), max_size=10), query=queries(), frequent=st.sampled_from([1, 1_000]))
def test_all_ways_of_counting_agree(first: list[Document], query: Query, frequent: int) -> None:
    known = numbered(first)
    with tempfile.TemporaryDirectory() as folder:
        made = building.build(
            Path(folder), [list(known.values())], expected=1, head={"serial": 1}, at=AT, frequent=frequent
        )
        index = Index(Base(made))
    match = select(index, query, index.public, at=AT).match
    counted = counting.by_rows(index, match).tolist()
    assert counting.by_bitmaps(index, match).tolist() == counted
    assert counting.count(index, query, match, index.mine(frozenset())).tolist() == counted
