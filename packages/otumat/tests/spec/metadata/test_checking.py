"""Every rule about a record: vectors/metadata.json, limits, and that nothing ever raises."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otumat.spec.classifiers import Vocabulary
from otumat.spec.metadata import FIELDS, Metadata, check, from_json

VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "metadata.json").read_text("utf-8"))
TROVE = Vocabulary.from_trove()


def codes(metadata, **options):
    return [problem.code for problem in check(metadata, vocabulary=TROVE, **options)]


def valid(**fields):
    return Metadata(**{"name": "x", "version": "1", **fields})


@pytest.mark.parametrize("case", VECTORS["good"], ids=lambda case: case["why"])
def test_a_good_record_has_no_problems(case):
    metadata, problems = from_json(case["metadata"])
    assert problems == []
    assert check(metadata, vocabulary=TROVE) == []


@pytest.mark.parametrize("case", VECTORS["bad"], ids=lambda case: f"{case['codes'][0]}: {case['why']}")
def test_D23_a_bad_record_has_exactly_its_problems(case):
    metadata, problems = from_json(case["metadata"])
    assert problems == []
    found = check(metadata, vocabulary=TROVE)
    assert sorted(problem.code for problem in found) == sorted(case["codes"])
    attributes = {field.attribute for field in FIELDS}
    assert all(problem.field in attributes and problem.rule and problem.message for problem in found)


def test_D44_all_problems_of_a_record_are_told_at_once():
    metadata = Metadata(
        name="-", version="x", summary="a\nb", home_page="javascript:x", requires_dist=("?",), classifiers=("Nonsense",)
    )
    assert {problem.field for problem in check(metadata, vocabulary=TROVE)} == {
        *("name", "version", "summary", "home_page", "requires_dist", "classifiers")
    }


def test_a_version_outside_pep_440_is_a_warning_for_imports_of_old_records():
    (problem,) = check(valid(version="1.13++"), vocabulary=TROVE, lenient_version=True)
    assert (problem.code, problem.severity) == ("version.invalid", "warning")
    assert check(valid(version="1.13++"), vocabulary=TROVE)[0].severity == "error"


@pytest.mark.parametrize("field", [field for field in FIELDS if field.since != "1.0"], ids=lambda field: field.header)
def test_a_field_newer_than_the_metadata_version_is_told(field):
    value = {"single": "a", "urls": (("a", "https://example.org"),)}.get(field.kind, ("a",))
    early = valid(metadata_version="1.0", **{field.attribute: value})
    told = [p for p in check(early, vocabulary=TROVE) if p.code == "metadata_version.too_early"]
    assert [(p.field, p.severity) for p in told] == [
        (field.attribute, "warning" if field.attribute == "license_files" else "error")
    ]
    in_time = valid(metadata_version=field.since, **{field.attribute: value})
    assert "metadata_version.too_early" not in codes(in_time)


def test_a_summary_may_have_512_characters():
    assert codes(valid(summary="a" * 512)) == []
    assert codes(valid(summary="a" * 513)) == ["summary.too_long"]


def test_A29_a_description_of_ten_megabytes_is_refused():
    assert codes(valid(description="a" * 2 * 2**20)) == []
    assert codes(valid(description="é" * (2**20 + 1))) == ["description.too_large"]
    assert codes(valid(description="a" * 10 * 2**20)) == ["description.too_large"]


def test_A29_long_values_and_many_values_are_refused():
    assert codes(valid(keywords=("a" * 4097,))) == ["text.too_long"]
    assert codes(valid(platforms=tuple("a" * 10_001))) == ["text.too_many"]
    assert codes(valid(platforms=("a" * 3000, "b" * 3000))) == []
    assert codes(valid(license="a" * (256 * 1024 + 1))) == ["text.too_long"]


def test_ten_thousand_bad_values_do_not_make_ten_thousand_problems():
    assert len(codes(valid(platforms=("\0",) * 10_000))) == 100


def test_a_thousand_problems_are_told_and_that_there_are_more_errors_first():
    many = valid(version="1+local", requires_dist=("?",) * 9000)
    found = check(many, vocabulary=TROVE)
    assert len(found) == 1001
    assert {problem.code for problem in found} == {"requires_dist.invalid", "metadata.more_problems"}
    assert found[-1].severity == "error"


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("MIT License", "MIT"),
        ("The MIT License", "MIT"),
        ("Apache 2.0", "Apache-2.0"),
        ("Apache License, Version 2.0", "Apache-2.0"),
        ("Apache Software License", "Apache-2.0"),
        ("BSD", "BSD-3-Clause"),
        ("3-Clause BSD License", "BSD-3-Clause"),
        ("GPLv3", "GPL-3.0-only"),
        ("GPLv3+", "GPL-3.0-or-later"),
        ("GPL v2 or later", "GPL-2.0-or-later"),
        ("LGPLv3+", "LGPL-3.0-or-later"),
        ("MPL 2.0", "MPL-2.0"),
        ("Python Software Foundation License", "PSF-2.0"),
        ("Public Domain", "CC0-1.0"),
        ("Proprietary", "LicenseRef-Proprietary"),
    ],
)
def test_the_spdx_name_of_a_common_licence_is_suggested(said, meant):
    (problem,) = check(valid(license_expression=said), vocabulary=TROVE)
    assert (problem.code, problem.suggestions) == ("license_expression.invalid", (meant,))
    assert codes(valid(license_expression=meant)) == []


@pytest.mark.parametrize(
    ("retired", "successor"),
    [
        ("GPL-3.0", "GPL-3.0-only"),
        ("GPL-2.0+", "GPL-2.0-or-later"),
        ("AGPL-3.0", "AGPL-3.0-only"),
        ("LGPL-2.1", "LGPL-2.1-only"),
    ],
)
def test_the_successor_of_a_retired_spdx_identifier_is_suggested(retired, successor):
    (problem,) = check(valid(license_expression=retired), vocabulary=TROVE)
    assert (problem.severity, problem.suggestions) == ("warning", (successor,))


def test_an_address_without_scheme_is_suggested_with_one():
    (problem,) = check(valid(home_page="example.org/x"), vocabulary=TROVE)
    assert problem.suggestions == ("https://example.org/x",)


def test_A26_a_direct_requirement_is_refused_with_what_to_write():
    (problem,) = check(valid(requires_dist=("a @ git+https://example.org/a",)), vocabulary=TROVE)
    assert (problem.code, problem.severity) == ("requires_dist.direct_url", "error")
    assert "'a'" in problem.hint


@pytest.mark.parametrize(
    "field",
    ["license_expression", "requires_python", "author_email", "home_page", "description_content_type"],
)
@pytest.mark.parametrize(
    "evil", ["(" * 4000, "a;" * 2000, "<" * 4000, '"' * 4000, "a@" * 2000, "9" * 4000, ">=" + "9" * 4000]
)
def test_text_made_to_exhaust_a_parser_is_told_like_any_other(field, evil):
    assert codes(valid(**{field: evil}))


def test_nested_markers_do_not_exhaust_the_stack():
    evil = "a; " + "(" * 1500 + "os_name=='x'" + ")" * 1500
    assert codes(valid(requires_dist=(evil,))) in (["requires_dist.invalid"], [])
    assert codes(valid(requires_dist=("a" * 4097,))) == ["text.too_long", "requires_dist.invalid"]


TEXT = st.one_of(
    st.text(max_size=30),
    st.text(alphabet="ab@<>,;:/.[]()\"' \n=\0\ud800", max_size=30),
    st.sampled_from(
        ["MIT", "a>=1; os_name=='x'", "https://example.org", "mailto:x", "2.6", "2.0", ">=3", "a@b.c", "A, b"]
    ),
)
KINDS = {"single": TEXT, "urls": st.lists(st.tuples(TEXT, TEXT), max_size=3).map(tuple)}
RECORDS = st.fixed_dictionaries(
    {}, optional={f.attribute: KINDS.get(f.kind, st.lists(TEXT, max_size=3).map(tuple)) for f in FIELDS}
).map(lambda values: Metadata(**values))


@given(RECORDS)
def test_no_record_makes_the_check_raise(metadata):
    for problem in check(metadata, vocabulary=TROVE):
        assert problem.severity in ("error", "warning")
        assert len(problem.message) < 1000
        json.dumps(problem.as_dict())
