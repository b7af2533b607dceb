"""Versions: vectors/versions.json, and the laws of an order over any text."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.utils import canonicalize_version
from packaging.version import Version

from otumat.spec import versions

VECTORS = json.loads((Path(__file__).parent / "vectors" / "versions.json").read_text("utf-8"))

PEP440 = st.builds(
    "".join,
    st.tuples(
        st.sampled_from(["", "", "1!", "v"]),
        st.lists(st.sampled_from(["0", "1", "2", "10", "99999999", "100000000", "007"]), min_size=1, max_size=4).map(
            ".".join
        ),
        st.sampled_from(["", "", "a1", "b2", "rc10", "-alpha", "c"]),
        st.sampled_from(["", "", ".post1", "-3", "r10"]),
        st.sampled_from(["", "", ".dev0", "dev12"]),
        st.sampled_from(["", "", "+a", "+a.1", "+1", "+10.b", "+ab", "+Ubuntu-1"]),
    ),
)
LOOSE = st.text(alphabet='0123456789abXY.+- !"#~\0\u0660é\ud800', max_size=12)
ANY = st.one_of(PEP440, LOOSE, st.text(max_size=20))


@pytest.mark.parametrize("case", VECTORS["ascending"], ids=lambda case: case["why"])
def test_D15_versions_stand_in_order(case):
    for lower, higher in pairwise(case["versions"]):
        assert versions.sort_key(lower) < versions.sort_key(higher), (lower, higher)


def test_D15_the_whole_table_has_one_order():
    table = ["1.13++", "1.5.1", "1.5.2b2", "1.9", "1.10", "2.2beta29", "3.10a", "8.02", "161", "1996.07.12"]
    for versions_in_any_order in (sorted(table), table[::-1], sorted(table, key=len)):
        assert sorted(versions_in_any_order, key=versions.sort_key) == table
        assert sorted(versions_in_any_order, key=versions.sortable) == table
        assert versions.latest([(each, False) for each in versions_in_any_order]) == "1996.07.12"


@pytest.mark.parametrize("case", VECTORS["equal"], ids=lambda case: case["why"])
def test_A24_spellings_of_one_version_have_one_key(case):
    assert {versions.canonical(text) for text in case["versions"]} == {case["canonical"]}
    assert len({versions.sortable(text) for text in case["versions"]}) == 1


@pytest.mark.parametrize("case", VECTORS["invalid"], ids=lambda case: case["why"])
def test_text_outside_pep_440_is_known_as_such(case):
    assert not versions.is_valid(case["version"])
    assert not versions.is_prerelease(case["version"])


@pytest.mark.parametrize("case", VECTORS["latest"], ids=lambda case: case["why"])
def test_D15_the_latest_version_is_the_one_a_reader_expects(case):
    assert versions.latest([(version, yanked) for version, yanked in case["candidates"]]) == case["latest"]


def test_numbers_of_any_length_are_bounded_and_ordered():
    assert not versions.is_valid("1." + "9" * 5000)
    assert versions.sort_key("x" + "9" * 5000) < versions.sort_key("x1" + "0" * 5000)


@given(st.lists(PEP440, min_size=2, max_size=6))
def test_pep_440_versions_sort_as_packaging_sorts_them(texts):
    ours = [Version(text) for text in sorted(texts, key=versions.sort_key)]
    assert ours == sorted(map(Version, texts))


@given(PEP440, PEP440)
def test_pep_440_versions_are_equal_as_packaging_says(one, other):
    assert (versions.canonical(one) == versions.canonical(other)) == (Version(one) == Version(other))
    assert versions.canonical(one) == canonicalize_version(Version(one))
    assert versions.is_prerelease(one) == Version(one).is_prerelease


@given(ANY, ANY)
def test_D15_any_two_texts_compare_and_are_equal_only_when_they_are_the_same_version(one, other):
    one_key, other_key = versions.sort_key(one), versions.sort_key(other)
    assert (one_key < other_key) + (one_key > other_key) + (one_key == other_key) == 1
    assert (one_key == other_key) == (versions.canonical(one) == versions.canonical(other))


@given(ANY, ANY)
def test_the_text_for_a_database_sorts_as_the_key_does(one, other):
    assert (versions.sortable(one) < versions.sortable(other)) == (versions.sort_key(one) < versions.sort_key(other))


@given(ANY)
def test_the_text_for_a_database_can_be_stored(text):
    assert "\0" not in versions.sortable(text)
    assert versions.sortable(text).encode("utf-8").decode("utf-8") == versions.sortable(text)


@given(ANY, PEP440)
def test_pep_440_versions_stand_above_all_other_text(other, version):
    if not versions.is_valid(other):
        assert versions.sort_key(other) < versions.sort_key(version)


@given(st.integers(0, 10**12), st.integers(0, 10**12), st.sampled_from(["++", "_x", "~"]))
def test_numbers_in_other_text_count_as_numbers(one, other, ending):
    keys = versions.sort_key(f"{one}{ending}") < versions.sort_key(f"{other}{ending}")
    assert keys == (one < other)


@given(ANY)
def test_a_version_becomes_canonical_once(text):
    assert versions.canonical(versions.canonical(text)) == versions.canonical(text)


@given(st.lists(st.tuples(ANY, st.booleans())))
def test_the_latest_is_one_of_the_candidates(candidates):
    latest = versions.latest(candidates)
    assert latest in [version for version, _ in candidates] if candidates else latest is None
