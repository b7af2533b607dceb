"""Classifiers: the allowed set, what was perhaps meant, order and ancestors."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otumat.spec.classifiers import Vocabulary, parents

TROVE = Vocabulary.from_trove()


@pytest.mark.parametrize(
    ("unknown", "meant"),
    [
        ("Environment :: Console (Text Based)", "Environment :: Console"),
        (
            "License :: OSI Approved :: Python License",
            "License :: OSI Approved :: Python Software Foundation License",
        ),
        ("Operating System :: MacOS X", "Operating System :: MacOS :: MacOS X"),
        ("Programming Language :: Pyhton", "Programming Language :: Python"),
        ("Programming Language :: Python 3", "Programming Language :: Python :: 3"),
        ("programming language :: python :: 3.11", "Programming Language :: Python :: 3.11"),
        ("Topic::Software Development", "Topic :: Software Development"),
        ("Development Status :: 4 - Betta", "Development Status :: 4 - Beta"),
        ("Development Status :: Beta", "Development Status :: 4 - Beta"),
        ("License :: OSI Approved :: MIT", "License :: OSI Approved :: MIT License"),
        ("Framework :: Djnago", "Framework :: Django"),
        ("Operating System :: Linux", "Operating System :: POSIX :: Linux"),
    ],
)
def test_D24_D45_an_unknown_classifier_is_named_with_the_one_that_was_meant(unknown, meant):
    (problem,) = TROVE.check([unknown])
    assert (problem.code, problem.field, problem.value, problem.severity) == (
        "classifier.unknown",
        "classifiers",
        unknown,
        "error",
    )
    assert problem.suggestions[0] == meant


def test_D24_nothing_is_suggested_for_what_is_like_nothing():
    assert TROVE.suggest("zzzzqqqq") == ()


def test_A28_a_deprecated_classifier_is_refused_with_its_replacement():
    (problem,) = TROVE.check(["Natural Language :: Ukranian"])
    assert (problem.code, problem.suggestions) == ("classifier.deprecated", ("Natural Language :: Ukrainian",))


def test_A28_a_deprecated_classifier_is_never_suggested():
    assert "Natural Language :: Ukranian" not in TROVE.suggest("Natural Language :: Ukrainan", limit=10)


def test_A28_private_classifiers_are_told_and_not_refused():
    (problem,) = TROVE.check(["Private :: Do Not Upload"])
    assert (problem.code, problem.severity) == ("classifier.private", "warning")


def test_classifiers_of_an_index_are_allowed_like_the_others():
    vocabulary = Vocabulary.from_trove(extra=["Team :: Blue"])
    assert vocabulary.check(["Team :: Blue", "Topic :: Office/Business"]) == []
    assert vocabulary.suggest("Team :: Bleu")[0] == "Team :: Blue"


def test_every_problem_is_told_at_once_in_the_order_sent():
    problems = TROVE.check(["Nonsense", "Environment :: Console", "Environment :: Console", "Private :: x"])
    assert [problem.code for problem in problems] == [
        "classifier.unknown",
        "classifier.private",
        "classifier.duplicate",
    ]


def test_D48_ancestors_stand_from_the_top_and_slashes_stay_whole():
    assert parents("Operating System :: OS/2") == ("Operating System",)
    assert parents("A :: B :: C") == ("A", "A :: B")
    assert parents("A") == ()


def test_D49_the_list_is_stable_without_deprecated_ones_and_numbers_count():
    shown = TROVE.sorted_for_display
    assert shown == Vocabulary.from_trove().sorted_for_display
    assert "Natural Language :: Ukranian" not in shown
    assert shown.index("Programming Language :: Python :: 3.9") < shown.index("Programming Language :: Python :: 3.10")
    seen = set()
    for classifier in shown:
        assert not any(parent in TROVE.allowed and parent not in seen for parent in parents(classifier))
        seen.add(classifier)


def test_D50_todays_list_is_the_one_of_trove_classifiers():
    assert len(TROVE.allowed) > 800
    assert TROVE.check(TROVE.sorted_for_display) == []


def test_D45_a_flood_of_unknown_classifiers_is_told_without_searching_for_each():
    problems = TROVE.check([f"Environment :: Consol {n}" for n in range(100)])
    assert [bool(problem.suggestions) for problem in problems] == [True] * 20 + [False] * 80


@given(st.lists(st.text(max_size=400), max_size=5))
def test_any_text_gets_an_answer(values):
    for problem in TROVE.check(values):
        assert problem.field == "classifiers"
