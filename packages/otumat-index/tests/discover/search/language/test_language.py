"""The query language: what texts mean, what is told of slips, and that no text makes it fail."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from otumat.spec.classifiers import Vocabulary
from otumat_index.discover.search import asked
from otumat_index.discover.search.asked import Order, Query, Term
from otumat_index.discover.search.language import Names, field_terms, fields, licences, read, write

TROVE = Vocabulary.from_trove()
NAMES = Names.of(TROVE.allowed)
MIT = "License :: OSI Approved :: MIT License"


def terms(text: str) -> tuple[Term, ...]:
    found = read(text, names=NAMES)
    assert not found.slips, found.slips
    return found.query.terms


def classifier(*values: str, negated: bool = False) -> Term:
    return Term(asked.CLASSIFIER, values, negated)


MEANINGS: dict[str, tuple[Term, ...]] = {
    "": (),
    "issue tracker": (Term("text", ("issue",)), Term("text", ("tracker",))),
    '"time series"': (Term("text", ("time series",)),),
    "-windows": (Term("text", ("windows",), negated=True),),
    "text:queue,broker": (Term("text", ("queue", "broker")),),
    "c++ std::string https://x.example": (
        Term("text", ("c++",)),
        Term("text", ("std::string",)),
        Term("text", ("https://x.example",)),
    ),
    "framework:django": (classifier("Framework :: Django"),),
    "-Framework:DJANGO": (classifier("Framework :: Django", negated=True),),
    "framework:django,flask": (classifier("Framework :: Django", "Framework :: Flask"),),
    "framework:django/5.0": (classifier("Framework :: Django :: 5.0"),),
    'framework:"Django :: 5.0"': (classifier("Framework :: Django :: 5.0"),),
    'classifier:"Framework :: Django :: 5.0"': (classifier("Framework :: Django :: 5.0"),),
    'classifier:"framework :: django"': (classifier("Framework :: Django"),),
    "classifier:django": (classifier("Framework :: Django"),),
    "Framework :: Django :: 5.0": (classifier("Framework :: Django :: 5.0"),),
    "-topic ::  nothing": (
        Term("text", ("topic",), negated=True),
        Term("text", ("nothing",)),
    ),
    "topic:office/business os:os/2": (classifier("Topic :: Office/Business"), classifier("Operating System :: OS/2")),
    "topic:business": (classifier("Topic :: Office/Business"),),
    "topic:software-development": (classifier("Topic :: Software Development"),),
    'topic:"software development"': (classifier("Topic :: Software Development"),),
    "os:linux os:windows": (
        classifier("Operating System :: POSIX :: Linux"),
        classifier("Operating System :: Microsoft :: Windows"),
    ),
    "python:3.13": (classifier("Programming Language :: Python :: 3.13"),),
    "python:3": (classifier("Programming Language :: Python :: 3"),),
    "language:python": (classifier("Programming Language :: Python"),),
    "dev:stable": (classifier("Development Status :: 5 - Production/Stable"),),
    "status:beta": (classifier("Development Status :: 4 - Beta"),),
    "status:alpha": (classifier("Development Status :: 3 - Alpha"),),
    "audience:developers env:console": (
        classifier("Intended Audience :: Developers"),
        classifier("Environment :: Console"),
    ),
    "natural:german typing:typed": (classifier("Natural Language :: German"), classifier("Typing :: Typed")),
    "license:MIT": (Term("license", (MIT, "MIT")),),
    "licence:mit": (Term("license", (MIT, "MIT")),),
    f'license:"{MIT}"': (Term("license", (MIT, "MIT")),),
    "license:bsd-3-clause": (Term("license", ("License :: OSI Approved :: BSD License", "BSD-3-Clause")),),
    "license:bsd": (Term("license", ("License :: OSI Approved :: BSD License", "BSD-3-Clause", "BSD-2-Clause")),),
    'author:"R. Jones"': (Term("author", ("R. Jones",)),),
    'author:"R. \\"Bob\\" Jones\\\\"': (Term("author", ('R. "Bob" Jones\\',)),),
    "requires_python:3.8 requires-python:3.9": (
        Term("requires_python", ("3.8",)),
        Term("requires_python", ("3.9",)),
    ),
    "depends:NumPy": (Term("depends", ("numpy",)),),
    "has:wheel -is:yanked": (Term("has", ("wheel",)), Term("is", ("yanked",), negated=True)),
    "is:archived,deprecated": (Term("status", ("archived", "deprecated")),),
    "updated:90d created:=2024": (Term("updated", ("<90d",)), Term("created", ("2024",))),
    "updated:<90d created:>2024-01-01": (Term("updated", ("<90d",)), Term("created", (">2024-01-01",))),
    "django django": (Term("text", ("django",)),),
}


@pytest.mark.parametrize("text", MEANINGS)
def test_a_text_means_what_the_guide_says(text: str) -> None:
    found = read(text, names=NAMES)
    assert found.query.terms == MEANINGS[text]
    assert [slip.code for slip in found.slips] == (["text.empty"] if "nothing" in text else [])


def test_the_example_of_the_guide_is_written_back_as_it_was() -> None:
    text = 'framework:django -windows license:MIT author:"R. Jones" updated:<90d depends:numpy has:wheel sort:updated'
    assert write(read(text, names=NAMES).query, NAMES) == text


def test_every_line_of_the_help_page_is_understood() -> None:
    for _, lines in fields.HELP:
        for line in lines:
            found = read(line.example, names=NAMES)
            assert found.slips == (), line
            assert found.query != Query(), line


def test_every_thing_and_state_and_field_of_metadata_can_be_asked_for() -> None:
    for text in [f"has:{each}" for each in asked.THINGS] + [f"is:{each}" for each in (*asked.STATES, *asked.STATUSES)]:
        assert len(terms(text)) == 1
    for field in fields.METADATA:
        assert terms(f"{field}:x") == (Term(field, ("x",)),)


SLIPS = {
    "framwork:django": ("field.unknown", 0, 15, "framework:django", 0),
    "rest topic:gmaes api": ("classifier.unknown", 5, 16, "topic:games/entertainment", 2),
    "framework:5.0": ("classifier.ambiguous", 0, 13, "framework:django/5.0", 1),
    'classifier:"Framework :: Djagno"': ("classifier.unknown", 0, 32, "framework:django", 1),
    "author: jones": ("value.missing", 0, 7, None, 1),
    '"time series': ("quote.open", 0, 12, None, 1),
    "is:yankd": ("value.unknown", 0, 8, "is:yanked", 0),
    "is:archivd": ("value.unknown", 0, 10, "is:archived", 0),
    "is:yanked,archived": ("value.mixed", 0, 18, None, 1),
    "updated:soon": ("moment.unreadable", 0, 12, None, 0),
    "created:2024-02-31": ("moment.unreadable", 0, 18, None, 0),
    "sort:updatd": ("sort.unknown", 0, 11, "sort:updated", 0),
    "license:MTI": ("license.unknown", 0, 11, "license:MIT", 1),
    "depends:n?": ("name.invalid", 0, 10, None, 0),
    "+++ x": ("text.empty", 0, 3, None, 1),
    "x" * 600: ("text.long", 500, 500, None, 1),
    " ".join(f"w{n}" for n in range(40)): ("terms.many", 118, 121, None, 32),
    "text:" + ",".join(f"w{n}" for n in range(20)): ("values.many", 0, 74, None, 1),
    " ".join(f'"a w{n}"' for n in range(13)): ("values.dear", 86, 93, None, 12),
    "x updated:" + ",".join(f"<{n}d" for n in range(14)): ("values.dear", 2, 69, None, 2),
}


@pytest.mark.parametrize("text", SLIPS, ids=range(len(SLIPS)))
def test_a_slip_is_told_with_its_place_and_the_rest_still_counts(text: str) -> None:
    code, start, end, instead, count = SLIPS[text]
    found = read(text, names=NAMES)
    slip = found.slips[0]
    assert [each.code for each in found.slips] == [code]
    assert (slip.start, slip.end) == (start, end)
    assert slip.message.endswith(".")
    assert instead is None or slip.instead[0] == instead
    assert len(found.query.terms) == count


TWO = [f"{first}{second}" for first in "bcdfghjklmnpqrst" for second in "aeiouvwxyz"]
MANY_SLIPS = [
    "classifier:" + ",".join(TWO),
    " ".join(f"classifier:{each}" for each in TWO),
    " ".join(f"os:q{each}" for each in TWO),
    " ".join(f"q{each}:a" for each in TWO),
    "is:" + ",".join(TWO),
    " ".join(f"sort:{each}" for each in TWO),
]


@pytest.mark.parametrize("text", MANY_SLIPS, ids=range(len(MANY_SLIPS)))
def test_A74_only_few_slips_are_told_and_nothing_is_looked_for_beyond_them(
    text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[str] = []
    near = Names.near
    monkeypatch.setattr(Names, "near", lambda names, *of: looks.append(of[1]) or near(names, *of))
    assert len(read(text, names=NAMES).slips) == fields.SLIPS_MAX
    assert len(set(looks)) <= fields.SLIPS_MAX


def test_what_a_slip_offers_is_understood_in_its_place() -> None:
    for text in SLIPS:
        for slip in read(text, names=NAMES).slips:
            for instead in slip.instead:
                better = read(text[: slip.start] + instead + text[slip.end :], names=NAMES)
                assert slip.code not in {each.code for each in better.slips}, (text, instead)


def test_a_short_form_may_mean_many_but_is_never_a_guess() -> None:
    found = read("framework:5.0", names=NAMES)
    assert set(found.query.terms[0].values) == {
        text for text in TROVE.allowed if text.startswith("Framework") and text.endswith(" 5.0")
    } | {"Framework :: Plone :: 5.0"}


def test_every_classifier_has_one_spelling_that_means_it_and_nothing_else() -> None:
    for text in NAMES.texts:
        query = Query((classifier(text),))
        assert read(write(query, NAMES), names=NAMES).query == query
        assert read(text, names=NAMES).query.terms in ((classifier(text),), MEANINGS.get(text)) or " :: " not in text


def test_every_licence_can_be_asked_for_by_classifier_and_by_id() -> None:
    assert set(licences.IDS_OF) <= NAMES.texts
    for text in NAMES.texts:
        if text.startswith("License :: "):
            query = Query((Term("license", licences.group(text)),))
            assert read(write(query, NAMES), names=NAMES).query == query


def test_an_index_has_fields_for_its_own_categories_but_none_that_is_taken() -> None:
    names = Names.of([*TROVE.allowed, "Acme Team :: Pay & Bill", "Name :: x", "9 Lives :: y"])
    assert read("acme-team:pay-&-bill", names=names).query.terms == (classifier("Acme Team :: Pay & Bill"),)
    assert read("name:x", names=names).query.terms == (Term("name", ("x",)),)
    for text in ("Name :: x", "9 Lives :: y", "Name"):
        query = Query((classifier(text),))
        assert read(write(query, names), names=names).query == query


def test_only_a_word_that_may_grow_is_being_typed() -> None:
    growing = {"djan": True, "a djan": True, "djan ": False, '"djan"': False, "-djan": False, "author:djan": False}
    for text, expected in growing.items():
        assert read(text, names=NAMES, is_typing=True).query.is_typing is expected, text
        assert read(text, names=NAMES).query.is_typing is False


def test_a_star_behind_the_last_word_says_that_it_is_a_beginning() -> None:
    for text in ("djan*", "rest djan* topic:internet", "djan** -windows"):
        found = read(text, names=NAMES)
        assert found.query.is_typing
        assert "djan* " in write(found.query, NAMES) + " "
        assert read(write(found.query, NAMES), names=NAMES).query == found.query
    assert [slip.code for slip in read("djan* rest", names=NAMES).slips] == ["star.early"]
    for text in ('"djan*"', "author:djan*", "-djan*"):
        assert not read(text, names=NAMES).query.is_typing
    assert read(write(Query((Term("text", ("c*",)),)), NAMES), names=NAMES).query == Query((Term("text", ("c*",)),))


def test_D10_the_fields_of_a_form_become_terms() -> None:
    pairs = [("author", " R.  Jones "), ("license", "MIT"), ("summary", ""), ("nonsense", "x")]
    assert field_terms(pairs, names=NAMES) == (Term("author", ("R. Jones",)), Term("license", (MIT, "MIT")))


words = some.text(min_size=1, max_size=12).map(lambda text: " ".join(filter(str.isprintable, text.split())))
texts = words.map(lambda text: "".join(filter(str.isprintable, text)).strip()).map(lambda text: " ".join(text.split()))
sayings = texts.filter(lambda text: any(char.isalnum() for char in text))
known = some.sampled_from(sorted(NAMES.texts))
ages = some.builds("{}{}{}".format, some.sampled_from("<>"), some.integers(0, 900), some.sampled_from("dwmy"))
days = some.dates(date(1990, 1, 1), date(2999, 1, 1)).map(str)
dates = some.builds("{}{}".format, some.sampled_from(["", "<", "<=", ">", ">="]), days)


def lists(values: some.SearchStrategy[str]) -> some.SearchStrategy[tuple[str, ...]]:
    return some.lists(values, min_size=1, max_size=4, unique=True).map(tuple)


some_terms = some.one_of(
    some.builds(Term, some.just("text"), lists(sayings), some.booleans()),
    some.builds(Term, some.just("classifier"), lists(known), some.booleans()),
    some.builds(
        Term,
        some.just("license"),
        some.sampled_from(sorted(licences.IDS_OF)).map(licences.group),
        some.booleans(),
    ),
    some.builds(Term, some.sampled_from(fields.METADATA), lists(texts.filter(bool)), some.booleans()),
    some.builds(Term, some.sampled_from(["has"]), lists(some.sampled_from(asked.THINGS)), some.booleans()),
    some.builds(Term, some.sampled_from(["is"]), lists(some.sampled_from(asked.STATES)), some.booleans()),
    some.builds(Term, some.just("status"), lists(some.sampled_from(asked.STATUSES)), some.booleans()),
    some.builds(Term, some.sampled_from(["updated", "created"]), lists(ages | dates), some.booleans()),
    some.builds(Term, some.just("depends"), lists(some.from_regex(r"[a-z]{1,9}(-[a-z0-9]{1,9})?", fullmatch=True))),
)
queries = some.builds(Query, some.lists(some_terms, max_size=3, unique=True).map(tuple), some.sampled_from(Order))


@settings(deadline=None, max_examples=400)
@given(queries)
def test_what_is_written_is_read_as_the_same_query(query: Query) -> None:
    text = write(query, NAMES)
    if len(text) <= fields.TEXT_MAX_CHARS:
        assert read(text, names=NAMES) == type(read("", names=NAMES))(query, (), text)


LETTERS = some.sampled_from(
    [*'ab:,-"\\ <>=.*/%_', "::", " :: ", "framework", "Topic", "license", "is", "é", "\0", "🐍", "²"]
)
ANYTHING = some.lists(LETTERS | some.text(max_size=3), max_size=60).map("".join)


@settings(deadline=None, max_examples=800)
@given(ANYTHING, some.booleans())
def test_A73_no_text_makes_it_fail_and_its_spelling_is_stable(text: str, is_typing: bool) -> None:
    found = read(text, names=NAMES, is_typing=is_typing)
    assert len(found.query.terms) <= fields.TERMS_MAX
    assert all(0 < len(term.values) <= fields.VALUES_MAX for term in found.query.terms)
    assert all(0 <= slip.start <= slip.end <= len(found.text) for slip in found.slips)
    once = write(found.query, NAMES)
    if len(once) <= fields.TEXT_MAX_CHARS:
        again = read(once, names=NAMES)
        assert again.query == found.query
        assert write(again.query, NAMES) == once
