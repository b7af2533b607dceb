"""File names: vectors/filenames.json, and that no text gets through as something else."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otumat.errors import Invalid
from otumat.spec import filenames

VECTORS = json.loads((Path(__file__).parent / "vectors" / "filenames.json").read_text("utf-8"))


@pytest.mark.parametrize("case", VECTORS["good"], ids=lambda case: case["why"])
def test_a_distributions_name_is_taken_apart(case):
    parsed = filenames.parse(case["filename"])
    assert (parsed.kind, parsed.project, parsed.version) == (case["kind"], case["project"], case["version"])
    assert (parsed.build, list(parsed.tags)) == (case["build"], case["tags"])
    assert [problem.code for problem in parsed.problems] == case["warnings"]
    assert all(problem.severity == "warning" for problem in parsed.problems)


@pytest.mark.parametrize("case", VECTORS["bad"], ids=lambda case: case["why"])
def test_any_other_name_is_refused_with_its_reason(case):
    with pytest.raises(Invalid) as caught:
        filenames.parse(case["filename"])
    (problem,) = caught.value.problems
    assert (problem.code, problem.field) == (case["code"], "content")


def test_eggs_are_refused_with_what_to_build_instead():
    with pytest.raises(Invalid) as caught:
        filenames.parse("foo-1.0-py3.9.egg")
    assert "Build a wheel" in caught.value.problems[0].hint


def test_a_name_too_long_for_a_file_system_is_refused():
    with pytest.raises(Invalid) as caught:
        filenames.parse(f"{'a' * 300}-1.0.tar.gz")
    assert caught.value.problems[0].code == "filename.too_long"


@given(
    st.one_of(
        st.text(), st.text(alphabet="ab1.0-+!_ /\\").map(lambda text: f"{text}.whl"), st.text().map("{}.zip".format)
    )
)
def test_any_text_is_parsed_or_invalid_and_nothing_else(text):
    try:
        parsed = filenames.parse(text)
    except Invalid:
        return
    assert "/" not in text
    assert parsed.project
