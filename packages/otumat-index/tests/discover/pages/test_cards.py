"""What lists show of a project: cards."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from otumat_index.discover.pages import facts
from otumat_index.discover.pages.cards import cards
from otumat_index.publish.models import Project

Register = Callable[..., Project]
MIT = "License :: OSI Approved :: MIT License"


@pytest.mark.django_db
def test_cards_keep_the_order_that_was_asked_for_and_leave_out_who_is_gone(register: Register) -> None:
    one, two, three = (register(name).pk for name in ("one", "two", "three"))
    assert [card.name for card in cards([three, one, 10**9, two])] == ["three", "one", "two"]
    assert cards([]) == []


@pytest.mark.django_db
def test_A86_private_projects_have_cards_only_for_who_sees_them(register: Register) -> None:
    hidden, shown, other = (register(n, is_private=n != "shown").pk for n in ("hidden", "shown", "other"))
    assert [card.id for card in cards([hidden, shown, other])] == [shown]
    assert [card.id for card in cards([hidden, shown, other], sees=frozenset({hidden}))] == [hidden, shown]


@pytest.mark.django_db
def test_cards_take_one_query_whatever_their_number(register: Register, django_assert_num_queries: Any) -> None:
    ids = [register(f"project-{number}", classifiers=[MIT]).pk for number in range(5)]
    with django_assert_num_queries(1):
        assert len(cards(ids)) == 5


@pytest.mark.django_db
def test_a_card_tells_what_one_chooses_by(register: Register) -> None:
    classifiers = [
        MIT,
        "Programming Language :: Python :: 3.12",
        "Framework :: Django :: 5.2",
        "Framework :: Django :: 5.1",
    ]
    pk = register("roundup", summary="Issues & <b>more</b>", requires_python=">=3.12", classifiers=classifiers).pk
    text = cards([pk])[0].html
    for words in ("MIT License", "Python &gt;=3.12", "for 3.12", ">Django<", "Issues &amp; &lt;b&gt;more", "<time"):
        assert words in text
    assert 'href="/browse/?c=Framework%20%3A%3A%20Django"' in text
    assert '<input type="checkbox" name="p" value="roundup" form="compare">' in text


@pytest.mark.parametrize(
    ("expression", "text", "classifiers", "told"),
    [
        ("MIT OR Apache-2.0", "MIT", [MIT], "MIT OR Apache-2.0"),
        ("", "whatever", [MIT, "License :: OSI Approved"], "MIT License"),
        ("", "BSD-3-Clause", [], "BSD-3-Clause"),
        ("", "Permission is hereby granted, " * 9, [], "see its page"),
        ("", "Copyright\nAll rights reserved", [], "see its page"),
        ("", "", [], ""),
    ],
)
def test_a_licence_is_told_in_one_line(expression: str, text: str, classifiers: list[str], told: str) -> None:
    assert facts.license_of(expression, text, classifiers) == told


@pytest.mark.parametrize(
    ("versions", "told"),
    [
        (["3", "3.9", "3.10", "3.11"], "3.9 to 3.11"),
        (["3.8", "3.10", "2.7", "3.11"], "2.7, 3.8, 3.10 to 3.11"),
        (["3", "2", "3 :: Only"], "2, 3"),
        (["Implementation :: CPython"], ""),
        (["٣.١"], "3.1"),
        ([], ""),
    ],
)
def test_python_versions_are_told_as_runs(versions: list[str], told: str) -> None:
    assert facts.python_versions([facts.PYTHON + version for version in versions]) == told


def test_labels_are_the_most_telling_and_none_implies_another() -> None:
    labels = facts.labels_of(
        ["Topic", "Topic :: Internet", "Topic :: Internet :: WWW/HTTP", "Framework :: Django", "Typing :: Typed", MIT]
    )
    assert [label.words for label in labels] == ["Django", "WWW/HTTP"]
