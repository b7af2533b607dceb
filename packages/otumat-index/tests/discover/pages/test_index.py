"""The draft's `index`, also at `/projects/`: as a page, as JSON, as text."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from otumat_index.accounts.models import User
from otumat_index.discover import search
from otumat_index.discover.pages import index
from otumat_index.discover.search.engine.here import Here
from otumat_index.publish.models import Project

pytestmark = pytest.mark.django_db
Register = Callable[..., Project]
FORMS = ("html", "json", "text")


@pytest.fixture(params=["engine", "sql"])
def answered(request: pytest.FixtureRequest) -> Callable[[], Any]:
    """Filters are answered by the engine and, while there is none, by SQL."""
    return (lambda: search.answered_by(Here())) if request.param == "engine" else nullcontext


def names_on(response: Any) -> list[str]:
    """The projects of a page in any form."""
    assert response.status_code == 200
    text = b"".join(response.streaming_content).decode() if response.streaming else response.content.decode()
    if response["Content-Type"] == "application/json":
        return [each["name"] for each in response.json()["projects"]]
    if response["Content-Type"].startswith("text/plain"):
        return [line.rpartition(" ")[0] for line in text.splitlines()]
    return re.findall(r'class="title"><a href="/project/[^"]+/">([^<]+)</a>', text)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("path", ["/index", "/projects/"])
def test_D08_the_index_lists_every_public_project(client: Client, register: Register, path: str, form: str) -> None:
    for name in ("roundup", "attrs"):
        register(name)
    register("hidden", is_private=True)
    assert names_on(client.get(f"{path}?format={form}")) == ["attrs", "roundup"]


@pytest.mark.parametrize("form", FORMS)
def test_D13_the_list_is_alphabetical_without_regard_to_case(client: Client, register: Register, form: str) -> None:
    for name in ("Zope", "attrs", "Babel", "zc.buildout", "7z"):
        register(name)
    assert names_on(client.get(f"/projects/?format={form}")) == ["7z", "attrs", "Babel", "zc.buildout", "Zope"]


def test_D14_only_the_most_recent_version_is_shown(client: Client, register: Register) -> None:
    for version in ("1.9", "1.10", "2.0rc1"):
        register("roundup", version)
    page = client.get("/projects/").content.decode()
    assert page.count('"/project/roundup/"') == 1
    assert '<span class="version">1.10</span>' in page
    assert b"".join(client.get("/index?format=text")) == b"roundup 1.10\n"
    assert client.get("/index?format=json").json()["projects"][0]["version"] == "1.10"


@pytest.mark.parametrize("form", ["html", "json"])
@pytest.mark.parametrize("filters", ["", "&q=project", "&summary=thing&c=Topic+::+Internet"])
def test_D12_pages_follow_each_other_without_gap_or_repetition(
    client: Client, register: Register, answered: Any, form: str, filters: str
) -> None:
    every = [f"project-{number:02}" for number in range(7)]
    for name in every:
        register(name, summary="A thing", classifiers=["Topic :: Internet"])

    def next_of(page: Any, which: str) -> str:
        found = page.json()[which] if form == "json" else page.context[f"{which}_url"]
        return found or ""

    with answered():
        seen, url, last = [], f"/projects/?rows=3&format={form}{filters}", None
        while url:
            last = client.get(url)
            seen += names_on(last)
            url = next_of(last, "next")
        assert seen == every
        before = client.get(next_of(last, "previous"))
        assert names_on(before) == every[3:6]
        assert names_on(client.get(next_of(before, "previous"))) == every[:3]


def test_letters_lead_to_the_first_name_that_begins_with_them_or_later(client: Client, register: Register) -> None:
    for name in ("attrs", "build", "roundup"):
        register(name)
    page = client.get("/projects/")
    assert 'href="/projects/?from=b"' in page.content.decode()
    assert names_on(client.get("/projects/?from=b")) == ["build", "roundup"]
    assert names_on(client.get("/projects/?from=C")) == ["roundup"]
    assert client.get("/projects/?from=b").context["previous_url"] == "/projects/?before=build"
    assert "The list ends before this place" in client.get("/projects/?from=z").content.decode()


def test_D09_the_list_is_filtered_by_any_field_and_classifier(
    client: Client, register: Register, answered: Any
) -> None:
    web = ["Topic :: Internet :: WWW/HTTP", "License :: OSI Approved :: MIT License"]
    register("roundup", summary="An issue tracker", author="Richard Jones", keywords="bugs,issues", classifiers=web)
    register(
        "attrs", summary="Classes", author_email="Hynek <hs@example.org>", requires_python=">=3.9", platform="BeOS"
    )
    found = {
        "q=tracker": ["roundup"],
        "name=ATT": ["attrs"],
        "author=jones": ["roundup"],
        "author=hynek": ["attrs"],
        "keywords=bugs": ["roundup"],
        "platforms=beos": ["attrs"],
        "requires_python=3.9": ["attrs"],
        "author=jones&name=attrs": [],
        "c=Topic+::+Internet": ["roundup"],
        "c=Topic&c=License": ["roundup"],
        "c=Topic+::+Games/Entertainment": [],
        "version=1": ["attrs", "roundup"],
    }
    with answered():
        for query, expected in found.items():
            for form in FORMS:
                assert names_on(client.get(f"/index?{query}&format={form}")) == expected, (query, form)


def test_filters_can_be_taken_away_one_by_one(client: Client, register: Register) -> None:
    register("roundup", author="Richard", classifiers=["Topic :: Internet"])
    page = client.get("/projects/?author=rich&c=Topic+::+Internet&rows=25").content.decode()
    assert 'href="/projects/?q=author%3Arich&amp;rows=25"' in page
    assert 'href="/projects/?c=Topic+%3A%3A+Internet&amp;rows=25"' in page
    assert '<input type="hidden" name="c" value="Topic :: Internet">' in page


def test_a_filtered_text_has_its_next_page_in_a_header(client: Client, register: Register) -> None:
    for number in range(3):
        register(f"project-{number}")
    response = client.get("/index?q=project&rows=2&format=text")
    assert response.content == b"project-0 1.0\nproject-1 1.0\n"
    target = response["Link"].partition(">")[0].lstrip("<")
    assert client.get(target).content == b"project-2 1.0\n"


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        ("*/*", "text/html"),
        ("text/html,application/xhtml+xml,*/*;q=0.8", "text/html"),
        ("application/json", "application/json"),
        ("text/plain", "text/plain"),
        ("text/plain;q=0.5, application/json", "application/json"),
        ("image/png", "text/html"),
    ],
)
def test_programs_get_what_they_accept(client: Client, accept: str, kind: str) -> None:
    response = client.get("/projects/", headers={"Accept": accept})
    assert response["Content-Type"].startswith(kind)
    assert "Accept" in response["Vary"]


def test_the_whole_text_is_sent_in_chunks_and_not_again_until_something_changes(
    client: Client, register: Register, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(index, "CHUNK_ROWS", 2)
    for number in range(5):
        register(f"project-{number}")
    response = client.get("/index?format=text")
    assert b"".join(response) == b"".join(b"project-%d 1.0\n" % number for number in range(5))
    again = client.get("/index?format=text", headers={"If-None-Match": response["ETag"]})
    assert again.status_code == 304
    register("one-more")
    assert client.get("/index?format=text", headers={"If-None-Match": response["ETag"]}).status_code == 200


ODD = ["page=1e18", "rows=-1", "rows=NaN", "rows=1e18", "rows=99999999999999999999", "after=%00", "before=%F0%9F%98%80"]
ODD += ["from=%00", "from=%25", "place=%00", "place=a.%00&q=x", "format=exe", "c=%00", "q=%00", "q=author:", "name=%5B"]
ODD += [f"q={'a' * 3000}", "&".join(f"c={number}" for number in range(500)), "place=b.x&after=y&before=z&from=w"]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("query", ODD, ids=range(len(ODD)))
def test_A76_odd_parameters_show_a_list(client: Client, register: Register, query: str, form: str) -> None:
    register("roundup")
    for path in ("/projects/", "/index"):
        assert client.get(f"{path}?{query}&format={form}").status_code == 200


def test_A73_wildcards_of_the_database_are_plain_letters(client: Client, register: Register, answered: Any) -> None:
    register("roundup", summary="100% pure_python \\o/")
    register("attrs", summary="Classes")
    with answered():
        for text in ("%25", "_", "%5C", "pure_"):
            assert "attrs" not in names_on(client.get(f"/projects/?summary={text}")), text
        assert names_on(client.get("/projects/?summary=100%25+pure_python")) == ["roundup"]


def test_an_empty_index_says_where_to_begin(client: Client) -> None:
    assert "There is no public project yet" in client.get("/projects/").content.decode()
    assert "No public project matches" in client.get("/projects/?q=absent").content.decode()
    assert client.get("/projects/?format=json").json() == {"total": 0, "projects": [], "next": None, "previous": None}
    assert b"".join(client.get("/projects/?format=text")) == b""


def test_A86_private_projects_are_in_no_form_of_the_list(
    client: Client, register: Register, alice: User, answered: Any
) -> None:
    register("shown", classifiers=["Topic :: Internet"])
    register("veiled", summary="secret", classifiers=["Topic :: Internet"], is_private=True)
    client.force_login(alice)
    with answered():
        for query in ("", "q=secret", "c=Topic", "name=veiled", "from=v"):
            for form in FORMS:
                assert "veiled" not in names_on(client.get(f"/projects/?{query}&format={form}")), (query, form)
        assert client.get("/projects/?c=Topic&format=json").json()["total"] == 1
        assert client.get("/projects/?format=json").json()["total"] == 1


def test_a_page_reads_an_index_from_its_place_on(register: Register) -> None:
    """Page 40,000 costs what page 1 does: no sorting, no walk from the beginning."""
    register("roundup")
    for place in (index.Place(after="m"), index.Place(start="m"), index.Place(before="m")):
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")
        plan = index.public().filter(normalized__gt=place.after or "m").order_by("normalized")[:51].explain()
        assert connection.vendor != "sqlite" or ("normalized" in plan and "TEMP B-TREE" not in plan), plan


@pytest.mark.parametrize("query", ["rows=2", "rows=2&after=project-1", "from=p"])
def test_a_page_of_the_list_asks_four_questions(
    client: Client, register: Register, django_assert_num_queries: Any, query: str
) -> None:
    for number in range(5):
        register(f"project-{number}", classifiers=["Topic :: Internet"])
    client.get("/projects/")  # counts what there is, once
    with django_assert_num_queries(4):
        client.get(f"/projects/?{query}")


def test_a_filtered_page_asks_three_of_which_one_is_the_engines(
    client: Client, register: Register, django_assert_num_queries: Any
) -> None:
    for number in range(5):
        register(f"project-{number}", classifiers=["Topic :: Internet"])
    with search.answered_by(Here()):
        client.get("/projects/?c=Topic")
        with django_assert_num_queries(3):
            client.get("/projects/?c=Topic&rows=2")
