"""Forms, JSON and METADATA bytes: what comes in goes out unchanged, and what cannot come in is told."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from packaging.metadata import parse_email

from otumat.spec.metadata import FIELDS, Metadata, from_bytes, from_form, from_json, to_form, to_headers, to_json

FULL = Metadata(
    metadata_version="2.6",
    name="Roundup",
    version="1.0",
    dynamic=("requires-dist",),
    platforms=("any",),
    supported_platforms=("linux",),
    summary="An issue tracker – small",
    description="# Roundup\n\nHello\r\nwörld\n        eight spaces\n",
    description_content_type="text/markdown",
    keywords=("issue", "two words"),
    home_page="https://example.org/",
    download_url="https://example.org/d",
    author="Jane Doe\nSomewhere",
    author_email="jane@example.org",
    maintainer="Bob",
    maintainer_email="bob@example.org",
    license="Line one\n\n  indented\nlast",
    license_expression="MIT",
    license_files=("LICENSE", "LICENSES/MIT.txt"),
    classifiers=("Environment :: Console", "Topic :: Office/Business"),
    requires_dist=("a>=1", "b; extra == 'x'"),
    requires_python=">=3.11",
    requires_external=("C", "libpng (>=1.5)"),
    project_urls=(("Docs", "https://example.org/docs"), ("Issues", "https://example.org/i")),
    provides_extra=("x",),
    provides_dist=("c",),
    obsoletes_dist=("d",),
    import_names=("roundup",),
    import_namespaces=("r.plugins",),
    requires=("e",),
    provides=("f",),
    obsoletes=("g",),
)


def test_the_full_record_has_every_field():
    assert all(getattr(FULL, field.attribute) for field in FIELDS)
    assert {field.attribute for field in FIELDS} == set(Metadata.__dataclass_fields__)


def test_D5_every_field_survives_form_json_and_headers():
    assert from_form(to_form(FULL)) == (FULL, [])
    assert from_json(json.loads(json.dumps(to_json(FULL)))) == (FULL, [])
    assert from_bytes(to_headers(FULL)) == (FULL, [])


def test_what_is_written_is_what_packaging_reads():
    raw, unparsed = parse_email(to_headers(FULL))
    assert unparsed == {}
    assert raw["description"] == FULL.description
    assert raw["project_urls"] == dict(FULL.project_urls)
    assert set(raw) == {field.attribute for field in FIELDS}


def test_the_json_form_is_packagings_raw_metadata():
    assert to_json(Metadata(name="x", keywords=("a",), project_urls=(("A", "b"),))) == {
        "name": "x",
        "keywords": ["a"],
        "project_urls": {"A": "b"},
    }


def test_a_label_given_twice_is_kept_twice():
    twice = Metadata(project_urls=(("A", "b"), ("A", "c")))
    assert from_json(to_json(twice)) == (twice, [])
    again, problems = from_bytes(to_headers(twice))
    assert again == twice
    assert "project_urls.duplicate" in [problem.code for problem in problems]


@pytest.mark.parametrize("name", ["classifiers", "classifier", "discriminators"])
def test_D46_classifiers_come_under_three_names(name):
    assert from_form([(name, "A"), (name, "B")])[0].classifiers == ("A", "B")
    assert from_json({name: ["A", "B"]})[0].classifiers == ("A", "B")


@pytest.mark.parametrize(
    ("name", "attribute"),
    [
        ("platform", "platforms"),
        ("platforms", "platforms"),
        ("license_file", "license_files"),
        ("import_name", "import_names"),
    ],
)
def test_fields_come_under_singular_and_plural_names(name, attribute):
    assert getattr(from_form([(name, "A")])[0], attribute) == ("A",)


def test_D18_the_home_page_comes_as_url_too():
    assert from_form([("url", "https://example.org")])[0].home_page == "https://example.org"


def test_A29_two_names_in_one_form_are_told_and_the_first_is_kept():
    metadata, (problem,) = from_form([("name", "a"), ("version", "1"), ("name", "b")])
    assert metadata.name == "a"
    assert (problem.code, problem.field, problem.severity) == ("name.duplicate", "name", "error")


def test_A29_a_form_without_end_is_read_to_its_limit():
    metadata, problems = from_form(("classifiers", str(n)) for n in range(10**9))
    assert len(metadata.classifiers) == 20_000
    assert [problem.code for problem in problems] == ["form.too_many_fields"]


def test_fields_that_belong_to_the_door_are_passed_over():
    pairs = [(":action", "submit"), ("content", "x"), ("filetype", "sdist"), ("name", "x")]
    assert from_form(pairs) == (Metadata(name="x"), [])


def test_empty_values_and_unknown_are_absent():
    pairs = [("name", "x"), ("summary", "UNKNOWN"), ("license", "  "), ("platform", "UNKNOWN"), ("classifiers", "")]
    assert from_form(pairs) == (Metadata(name="x"), [])
    assert from_json({"name": "x", "summary": None, "keywords": "", "classifiers": []}) == (Metadata(name="x"), [])


def test_D25_absent_fields_are_empty_and_not_kept_from_anywhere():
    assert from_form([("name", "x")])[0].summary == ""


@pytest.mark.parametrize(
    "urls",
    [{"A": "u"}, ["A, u"], [["A", "u"]], "A, u"],
)
def test_project_urls_come_in_every_json_shape(urls):
    assert from_json({"project_urls": urls}) == (Metadata(project_urls=(("A", "u"),)), [])


@pytest.mark.parametrize("value", [1, True, 1.5, {"a": 1}, [1], ["a", None], [["a"]]])
@pytest.mark.parametrize("key", ["name", "classifiers", "project_urls"])
def test_json_of_the_wrong_type_is_told_with_its_field(key, value):
    metadata, problems = from_json({key: value})
    assert metadata == Metadata()
    assert [(problem.code, problem.field) for problem in problems] == [(f"{key}.type", key)]


def test_an_unknown_json_key_is_warned_of():
    _, (problem,) = from_json({"colour": "red"})
    assert (problem.code, problem.value, problem.severity) == ("metadata.unknown_key", "colour", "warning")


HEAD = b"Metadata-Version: 2.1\nName: x\nVersion: 1\n"


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"Name: x\nVersion: 1\n", "metadata_version.missing"),
        (HEAD + b"Name: y\n", "name.duplicate"),
        (HEAD + b"Summary: \xff\n", "summary.unreadable"),
        (HEAD + b"Classifier: \xff\n", "classifiers.unreadable"),
        (HEAD + b"\n\xff", "description.unreadable"),
        (HEAD + b"Description: a\n\nb", "description.unreadable"),
        (HEAD + b"Colour: red\n", "metadata.unknown_header"),
        (HEAD + b"this is no header\nRequires-Dist: hidden\n", "metadata.broken_headers"),
        (HEAD + b"Content-Transfer-Encoding: base64\n\naGlkZGVu", "metadata.mime_header"),
        (HEAD + b"Content-Type: multipart/mixed; boundary=x\n\n--x\n", "metadata.mime_header"),
        (b"From x\nContent-Type: multipart/mixed; boundary=x\n\n--x\n", "metadata.mime_header"),
        (b":\nContent-Type: message/rfc822\n\n", "metadata.mime_header"),
        (b"Name: x\rContent-Type: message/rfc822\r\r", "metadata.mime_header"),
        (b"From x\n" + HEAD, "metadata.broken_headers"),
        (HEAD + b": x\n", "metadata.broken_headers"),
        (HEAD + b"Project-URL: A, b\nProject-URL: A, c\n", "project_urls.duplicate"),
        (b"".join(b"H%d: x\n" % n for n in range(101)), "metadata.too_many_headers"),
        (b"Classifier: x\n" * 50_001, "metadata.too_many_headers"),
        (b" \n" * 50_001, "metadata.too_many_headers"),
        (b"Keywords: " + b"," * 2**20, "metadata.too_many_headers"),
        (b"x" * (4 * 2**20 + 1), "metadata.too_large"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_a_reader_would_silently_pass_over_is_told(data, code):
    _, problems = from_bytes(data)
    assert code in [problem.code for problem in problems]


def test_undecodable_fields_leave_the_others_readable():
    metadata, _ = from_bytes(HEAD + b"Summary: \xff\nAuthor: Jane\n\nHello")
    assert (metadata.name, metadata.summary, metadata.author, metadata.description) == ("x", "", "Jane", "Hello")


def test_folded_values_are_unfolded():
    data = (
        HEAD + b"License: one\n        two\n        \n          three\nDescription: a\n       |b\n       |\n       |c\n"
    )
    metadata, problems = from_bytes(data)
    assert metadata.license == "one\ntwo\n\n  three"
    assert metadata.description == "a\nb\n\nc"
    assert problems == []


def test_A29_no_value_can_begin_a_header_of_its_own():
    evil = Metadata(
        metadata_version="2.1", name="x", version="1", summary="a\nRequires-Dist: evil\r\n\r\nbody\rName: y"
    )
    metadata, _ = from_bytes(to_headers(evil))
    assert (metadata.name, metadata.requires_dist, metadata.description) == ("x", (), "")


def test_an_import_name_that_says_none_is_kept_apart_from_saying_nothing():
    none = Metadata(metadata_version="2.5", name="x", version="1", import_names=("",))
    assert from_bytes(to_headers(none)) == (none, [])
    assert from_json(to_json(none)) == (none, [])
    assert from_bytes(b"Metadata-Version: 2.5\nName: x\nVersion: 1\nImport-Name:\n")[0] == none


HEADER_LINES = st.one_of(
    st.sampled_from([field.header.encode() for field in FIELDS]).flatmap(
        lambda header: st.binary(max_size=40).map(lambda value: header + b": " + value)
    ),
    st.sampled_from([field.header.encode() for field in FIELDS]).flatmap(
        lambda header: st.text(max_size=20).map(lambda value: header + b": " + value.encode("utf-8", "replace"))
    ),
    st.text(alphabet="ab, \n\t|:é\x0b\x0c\x1c\x85\u2028", max_size=20).map(
        lambda text: b"License: x\n        " + text.replace("\n", "\n        ").encode()
    ),
    st.binary(max_size=20),
    st.sampled_from([b"", b" folded", b"        eight", b"       |bar", b"Content-Type: text/plain", b"From x"]),
)
FILES = st.lists(HEADER_LINES, max_size=8).flatmap(
    lambda lines: st.sampled_from([b"\n", b"\r\n", b"\r"]).map(lambda end: end.join(lines))
)


@settings(max_examples=400)
@given(st.one_of(FILES, st.binary(max_size=200)))
def test_D5_whatever_was_read_is_written_and_read_again_without_loss(data):
    read, _ = from_bytes(data)
    through_json, problems = from_json(json.loads(json.dumps(to_json(read))))
    assert problems == []
    assert through_json == read
    assert from_bytes(to_headers(through_json))[0] == read


JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=10)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=5), inner, max_size=3)),
    max_leaves=6,
)
KEYS = st.one_of(st.sampled_from([field.attribute for field in FIELDS]), st.text(max_size=8))


@given(st.dictionaries(KEYS, JSON, max_size=6))
def test_any_json_is_read_and_can_be_written(obj):
    metadata, _ = from_json(obj)
    to_headers(metadata)
    assert from_json(to_json(metadata))[0] == metadata


@given(st.lists(st.tuples(KEYS, st.text(max_size=20)), max_size=10))
def test_any_form_is_read_and_can_be_sent_again(pairs):
    metadata, _ = from_form(pairs)
    assert from_form(to_form(metadata))[0] == metadata
