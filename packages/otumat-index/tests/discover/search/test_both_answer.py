"""The engine and SQL answer the same questions from the same catalogue, and both follow every change."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from otumat.errors import Invalid
from otumat_index.accounts.credentials import of_user
from otumat_index.accounts.models import User
from otumat_index.discover import search
from otumat_index.discover.search import CLASSIFIER, TEXT, Found, Order, Query, Source, Term, sql
from otumat_index.discover.search.engine.here import Here
from otumat_index.publish import actions, queries
from otumat_index.publish.models import Project
from otumat_index.web.errors import TooMany

pytestmark = pytest.mark.django_db
AT = int(datetime.now(UTC).timestamp())  # noqa: TID251 - the actions of these tests happen now
DJANGO = "Framework :: Django"
PROJECTS: tuple[dict[str, Any], ...] = (
    {"name": "anchor", "summary": "Holds fast", "keywords": "deck,iron", "classifiers": ["Topic :: Utilities"]},
    {"name": "Anchor_Chain", "summary": "An iron chain", "requires_dist": ["anchor>=1"], "author": "R. Jones"},
    {"name": "bosun", "summary": "Whistles", "classifiers": [DJANGO, f"{DJANGO} :: 5.2"], "license_expression": "MIT"},
    {"name": "capstan", "summary": "Turns", "requires_python": ">=3.13", "description": "Winds the anchor up"},
    {"name": "davit", "version": "1.0a1", "summary": "Swings out", "project_urls": ["Docs, https://example.org/"]},
)


@pytest.fixture
def here(alice: User, submit: Callable[..., Any]) -> Here:
    """The engine, over five projects of Alice."""
    for fields in PROJECTS:
        answer = submit(alice, **fields)
        assert answer.status_code == 200, answer.content
    return Here()


def term(field: str, *values: str, negated: bool = False) -> Term:
    return Term(field, values, negated)


def engine(here: Here, query: Query, **words: Any) -> Found:
    found = here(query, **{"sees": frozenset(), "rows": 20, "place": "", "counts": True, "at": AT, **words})
    assert found is not None
    return found


def by_sql(query: Query, **words: Any) -> Found:
    return sql.ask(query, **{"sees": frozenset(), "rows": 20, "place": "", "at": AT, **words})


def names(found: Found) -> list[str]:
    known = dict(Project.objects.values_list("pk", "normalized"))
    return [known[pk] for pk in found.ids]


@pytest.mark.parametrize(
    ("terms", "wanted"),
    [
        ((), ["anchor", "anchor-chain", "bosun", "capstan", "davit"]),
        ((term(TEXT, "anchor"),), ["anchor", "anchor-chain", "capstan"]),
        ((term(TEXT, "anchor", negated=True),), ["bosun", "davit"]),
        ((term(TEXT, "iron chain"),), ["anchor-chain"]),
        ((term(TEXT, "whistles", "turns"),), ["bosun", "capstan"]),
        ((term(CLASSIFIER, "Framework"),), ["bosun"]),
        ((term(CLASSIFIER, DJANGO, "Topic"),), ["anchor", "bosun"]),
        ((term(CLASSIFIER, DJANGO, negated=True),), ["anchor", "anchor-chain", "capstan", "davit"]),
        ((term("name", "anch"),), ["anchor", "anchor-chain"]),
        ((term("depends", "Anchor"),), ["anchor-chain"]),
        ((term("requires_dist", "anchor"),), ["anchor-chain"]),
        ((term("author", "jones"),), ["anchor-chain"]),
        ((term("license", "mit"),), ["bosun"]),
        ((term("keyword", "iron"),), ["anchor"]),
        ((term("python", "3.13"),), ["capstan"]),
        ((term("has", "docs-url"),), ["davit"]),
        ((term("has", "description"),), ["capstan"]),
        ((term("has", "wheel"),), []),
        ((term("is", "prerelease"),), ["davit"]),
        ((term("status", "active"), term(TEXT, "swings")), ["davit"]),
        ((term("version", "1.0a1"),), ["davit"]),
        ((term("version", "1.0*"),), ["anchor", "anchor-chain", "bosun", "capstan", "davit"]),
        ((term("created", ">1y"),), []),
        ((term("updated", "<2000-01-01", negated=True),), ["anchor", "anchor-chain", "bosun", "capstan", "davit"]),
        ((term("project-urls", "example"),), ["davit"]),
        ((term("no_such_field", "x"),), []),
    ],
)
def test_D9_every_field_filters_on_both_sides(here: Here, terms: tuple[Term, ...], wanted: list[str]) -> None:
    query = Query(terms, Order.NAME)
    assert names(engine(here, query)) == wanted
    assert names(by_sql(query)) == wanted


@pytest.mark.parametrize("order", [Order.NAME, Order.UPDATED, Order.CREATED])
def test_places_of_one_side_are_good_on_the_other(here: Here, order: Order) -> None:
    query = Query((), order)
    whole = engine(here, query).ids
    assert by_sql(query).ids == whole
    first, other_first = engine(here, query, rows=2), by_sql(query, rows=2)
    assert (first.next, first.previous) == (other_first.next, "")
    for answer in (lambda **words: engine(here, query, **words), lambda **words: by_sql(query, **words)):
        second = answer(rows=2, place=first.next)
        assert second.ids == whole[2:4]
        assert answer(rows=2, place=second.previous).ids == whole[:2]
        assert answer(rows=2, place=second.next).ids == whole[4:]
        assert answer(rows=2, place=second.next).next == ""
        assert answer(rows=2, place="a.\x00nonsense" if order is not Order.NAME else "nonsense").ids == whole[:2]


@pytest.mark.parametrize(
    "terms",
    [
        tuple(term(TEXT, f"w{number}") for number in range(33)),
        (term(TEXT, *(f"w{number}" for number in range(17))),),
        (term(TEXT, "w" * 501),),
    ],
)
def test_A74_a_question_is_bounded_whichever_door_it_came_by(terms: tuple[Term, ...]) -> None:
    with pytest.raises(Invalid) as refused:
        search.ask(Query(terms))
    assert [problem.code for problem in refused.value.problems] == ["query.large"]


def test_sql_says_that_it_is_sql(here: Here) -> None:
    found = by_sql(Query())
    assert (found.source, found.counts, found.suggestion, found.total) == (Source.SQL, {}, "", 5)


def test_a_misspelt_name_is_suggested(here: Here) -> None:
    assert engine(here, Query((term(TEXT, "capsten"),))).suggestion == "capstan"


def test_A73_what_is_private_shows_to_its_people_alone(here: Here, alice: User, now: Any) -> None:
    by = of_user(alice, "session")
    project = actions.set_visibility(queries.project("capstan", by=by), is_private=True, by=by, at=now)
    query, mine = Query((term(TEXT, "turns"),)), frozenset({project.pk})
    for answer in (lambda **words: engine(here, query, **words), lambda **words: by_sql(query, **words)):
        assert (answer().total, answer().ids) == (0, ())
        assert answer(sees=mine).ids == (project.pk,)
    assert engine(here, Query((term(TEXT, "capsten"),))).suggestion == ""
    assert engine(here, Query((term(TEXT, "capsten"),)), sees=mine).suggestion == "capstan"
    assert engine(here, Query(), sees=mine).total == engine(here, Query()).total + 1 == 5


def test_a_later_release_changes_words_and_counts(here: Here, alice: User, submit: Callable[..., Any]) -> None:
    before = engine(here, Query())
    assert before.counts[DJANGO] == 1
    submit(alice, name="bosun", version="2.0", summary="Pipes", classifiers=["Topic :: Utilities"])
    after = engine(here, Query())
    assert (after.counts.get(DJANGO), after.counts["Topic"], after.total) == (None, 2, 5)
    assert after.serial > before.serial
    assert engine(here, Query((term(TEXT, "whistles"),))).total == 0
    assert names(engine(here, Query((term(TEXT, "pipes"),)))) == ["bosun"]


def test_a_yank_and_a_status_show(here: Here, alice: User, now: Any) -> None:
    by = of_user(alice, "session")
    project = queries.project("davit", by=by)
    actions.yank_release(project, "1.0a1", reason="", by=by, at=now)
    assert names(engine(here, Query((term("is", "yanked"),)))) == ["davit"]
    actions.set_status(project, "archived", reason="", by=by, at=now)
    assert names(engine(here, Query((term("status", "archived"),)))) == ["davit"]


def test_the_best_come_first(here: Here, alice: User, submit: Callable[..., Any]) -> None:
    """Exact name, name, keywords, summary, description."""
    submit(alice, name="iron", summary="A metal")
    submit(alice, name="cast-iron", summary="A metal")
    submit(alice, name="kettle", summary="Boils", description="Made of iron")
    found = names(engine(here, Query((term(TEXT, "iron"),))))
    assert found == ["iron", "cast-iron", "anchor", "anchor-chain", "kettle"]


def test_asking_costs_a_web_worker_no_memory_for_the_engine() -> None:
    """numpy and the bitmaps are paid for once a machine, by the searcher."""
    script = (
        "import django, sys; django.setup(); import otumat_index.urls; "
        "print([name for name in ('numpy', 'pyroaring') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_A74_few_walks_over_the_catalogue_at_once_and_a_plain_list_always(
    here: Here, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sql.WALKS, "wait_s", 0)
    with sql.WALKS, sql.WALKS:
        with pytest.raises(TooMany):
            by_sql(Query((term(TEXT, "anchor"),)))
        assert by_sql(Query()).total == 5
    assert by_sql(Query((term(TEXT, "anchor"),))).total == 3
