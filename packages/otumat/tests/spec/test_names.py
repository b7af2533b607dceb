"""Names: vectors/names.json, and what must hold for any text."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.utils import canonicalize_name

from otumat.spec import names

VECTORS = json.loads((Path(__file__).parent / "vectors" / "names.json").read_text("utf-8"))


@pytest.mark.parametrize("case", VECTORS["good"], ids=lambda case: case["why"])
def test_a_valid_name_has_no_problems_and_one_normal_form(case):
    assert names.check_name(case["name"]) == []
    assert names.normalize(case["name"]) == case["normalized"]


@pytest.mark.parametrize("case", VECTORS["bad"], ids=lambda case: case["why"])
def test_D23_an_invalid_name_is_told_with_field_rule_and_hint(case):
    problems = names.check_name(case["name"])
    assert [problem.code for problem in problems] == case["codes"]
    assert all(problem.field == "name" and problem.rule and problem.hint for problem in problems)


def test_A25_a_look_alike_is_named_and_the_plain_spelling_suggested():
    (problem,) = names.check_name("r\u0435quests")
    assert "CYRILLIC SMALL LETTER IE" in problem.message
    assert "looks like 'e'" in problem.message
    assert problem.suggestions == ("requests",)


def test_a_name_may_have_128_characters_and_no_more():
    assert names.check_name("a" * 128) == []
    assert [problem.code for problem in names.check_name("a" * 129)] == ["name.too_long"]
    assert [problem.code for problem in names.check_name("é" * 5000)] == ["name.too_long", "name.invalid"]


@pytest.mark.parametrize("case", VECTORS["confusable"], ids=lambda case: case["why"])
def test_A25_names_taken_for_one_another_share_a_key(case):
    assert names.confusable_key(case["one"]) == names.confusable_key(case["other"])


@pytest.mark.parametrize("case", VECTORS["distinct"], ids=lambda case: case["why"])
def test_names_that_look_different_keep_different_keys(case):
    assert names.confusable_key(case["one"]) != names.confusable_key(case["other"])


@pytest.mark.parametrize("case", VECTORS["unclaimable"], ids=lambda case: case["why"])
def test_A25_a_name_that_would_mislead_cannot_be_claimed(case):
    assert [problem.code for problem in names.check_claim(case["name"], existing_confusable=None)] == [case["code"]]


def test_A25_a_name_confusable_with_an_existing_one_cannot_be_claimed():
    (problem,) = names.check_claim("p1llow", existing_confusable="Pillow")
    assert problem.code == "name.confusable"
    assert "'Pillow'" in problem.message


def test_another_spelling_of_the_same_project_is_not_confusable():
    assert names.check_claim("foo.bar", existing_confusable="Foo-Bar") == []


def test_every_problem_of_a_claim_is_told_at_once():
    codes = [problem.code for problem in names.check_claim("Index", existing_confusable="lndex")]
    assert codes == ["name.prohibited", "name.confusable"]


@given(st.text())
def test_a_name_normalises_once_and_nothing_raises(name):
    assert names.normalize(names.normalize(name)) == names.normalize(name)
    names.check_name(name)
    assert "name.confusable" not in [p.code for p in names.check_claim(name, existing_confusable=name)]
    names.confusable_key(name)


@given(st.from_regex(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,20}[A-Za-z0-9])?", fullmatch=True))
def test_valid_names_are_normalised_as_packaging_does(name):
    assert names.check_name(name) == []
    assert names.normalize(name) == canonicalize_name(name, validate=True)
