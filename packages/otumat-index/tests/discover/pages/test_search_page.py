"""The search page: a box and a form that are two views of one query, and what it finds."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from typing import Any
from urllib.parse import quote_plus

import pytest
from django.test import Client

from otumat_index.accounts.credentials import of_user
from otumat_index.accounts.models import Group, GroupMember, User
from otumat_index.discover import search
from otumat_index.discover.search.engine.here import Here
from otumat_index.discover.search.language import fields
from otumat_index.publish import actions
from otumat_index.publish.models import Project, Role

pytestmark = pytest.mark.django_db
Register = Callable[..., Project]
MIT = "License :: OSI Approved :: MIT License"
BROWSER = {"Accept": "text/html"}


@pytest.fixture
def engine() -> Iterator[None]:
    """Questions are answered as where a searcher runs."""
    with search.answered_by(Here()):
        yield


def names_on(response: Any) -> list[str]:
    assert response.status_code == 200
    return re.findall(r'class="title"><a href="/project/[^"]+/">([^<]+)</a>', response.content.decode())


def words_on(response: Any) -> str:
    """The page as people read it."""
    main = response.content.decode().partition("<main")[2].partition("</main>")[0]
    return " ".join(html.unescape(re.sub(r"<[^>]+>", "", main)).split())


ODD = ["page=1e18", "rows=-1", "rows=NaN", "rows=1e18", "rows=99999999999999999999", "rows=²", "after=%00", "after=%ff"]
ODD += ["place=%00", "place=b.%ff", f"place={'9' * 999}", "place=a.1e18.9", "mode=nonsense", "sort=nonsense"]
ODD += ["before=%F0%9F%98%80", "c=%00", "q=%00%00", "name=%5B", "c=%3A%3A", "q=%22%22", "q=-", "license=%00"]
ODD += [f"q={'a' * 3000}", f"q={'%22' * 900}", "&".join(f"c={n}" for n in range(500)), "&".join("q=x" for _ in "12")]


@pytest.mark.parametrize("query", ODD, ids=range(len(ODD)))
def test_A76_odd_parameters_show_a_list(client: Client, register: Register, query: str) -> None:
    register("roundup")
    paths = ("/projects/", "/index", "/search", "/browse/", "/classifiers/")
    for path in paths:
        assert client.get(f"{path}?{query}").status_code == 200, path
    with search.answered_by(Here()):
        for path in paths:
            assert client.get(f"{path}?{query}").status_code == 200, path


def test_D51_display_goes_to_the_page(client: Client) -> None:
    assert client.get("/display?name=Foo.Bar").url == "/project/foo-bar/"  # type: ignore[attr-defined]
    assert client.get("/display?name=foo&version=1.0%2Fx").url == "/project/foo/1.0%2Fx/"  # type: ignore[attr-defined]
    for query in ("", "?name=", "?name=%0d%0aX:y", "?name=//evil.example"):
        assert client.get(f"/display{query}").status_code == 400


def test_D10_the_search_form_customises_the_index(client: Client, register: Register) -> None:
    register("roundup", summary="An issue tracker")
    register("attrs")
    form = client.get("/search").content.decode()
    for field in ("q", "c", "license", *fields.METADATA):
        assert f'name="{field}"' in form
    found = client.get("/search?summary=tracker")
    assert names_on(found) == ["roundup"]
    assert 'name="summary" maxlength="200" value="tracker"' in found.content.decode()


def test_D10_the_form_writes_the_query(client: Client) -> None:
    sent = {"form": "1", "q": "tracker -windows", "author": "R. Jones", "summary": "", "c": ["Topic :: Internet", ""]}
    answer = client.get("/search", sent)
    text = 'tracker -windows topic:internet author:"R. Jones"'
    assert (answer.status_code, answer["Location"]) == (302, f"/search?q={quote_plus(text)}")


def test_D10_the_query_fills_the_form(client: Client, engine: None) -> None:
    answer = client.get("/search", {"q": 'tracker -windows topic:internet author:"R. Jones"'})
    page = answer.content.decode()
    assert 'id="f-author" name="author" maxlength="200" value="R. Jones"' in page
    assert 'id="f-q" name="q" maxlength="500" value="tracker -windows"' in page
    assert 'id="c-1" name="c" maxlength="200" value="Topic :: Internet"' in page
    shown = dict(re.findall(r'<input id="[fc]-[^"]*" name="([^"]+)"[^>]* value="([^"]+)"', page))
    again = client.get("/search", {"form": "1", **shown})
    assert again["Location"] == f"/search?q={quote_plus('tracker -windows topic:internet author:')}%22R.+Jones%22"


def test_D09_every_kind_of_test_finds_what_it_should(client: Client, register: Register) -> None:
    mit = [MIT, "Framework :: Django :: 5.0", "Operating System :: OS/2", "Topic :: Office/Business"]
    register("roundup", summary="An issue tracker", author="Richard Jones", keywords="bugs,issues", classifiers=mit)
    register("attrs", summary="Classes", license_expression="MIT", requires_dist=["NumPy>=1"])
    register("zope", summary="Windows and issue", classifiers=["License :: OSI Approved :: BSD License"])
    found = {
        "issue": ["roundup", "zope"],
        "issue -windows": ["roundup"],
        "framework:django": ["roundup"],
        "framework:django,flask -author:nobody": ["roundup"],
        "license:MIT": ["attrs", "roundup"],
        "license:mit,bsd": ["attrs", "roundup", "zope"],
        "-license:MIT": ["zope"],
        "topic:office/business os:os/2": ["roundup"],
        "depends:numpy": ["attrs"],
        'author:"Richard Jones"': ["roundup"],
        "keywords:bugs": ["roundup"],
        "created:2026": ["attrs", "roundup", "zope"],
        "created:<2026": [],
        "is:active -is:yanked": ["attrs", "roundup", "zope"],
        "is:archived": [],
        "has:wheel": [],
        "Framework :: Django": ["roundup"],
    }
    for source in (nullcontext(), search.answered_by(Here())):
        with source:
            for text, expected in found.items():
                answer = client.get("/search", {"q": f"{text} sort:name"})
                assert sorted(names_on(answer)) == expected, text


def test_A73_wildcards_and_operators_of_databases_are_plain_letters(client: Client, register: Register) -> None:
    register("roundup", summary="100% pure_python")
    register("attrs", summary="Classes")
    for text in ("%%", "_x_", "' OR 1=1--", "a* NEAR(b", "{col}: x AND NOT y", "\\\\"):
        assert names_on(client.get("/search", {"q": f'"{text}"'})) == [], text


def test_a_slip_is_pointed_at_and_can_be_mended_by_a_click(client: Client, register: Register, engine: None) -> None:
    register("roundup", classifiers=["Framework :: Django"])
    answer = client.get("/search", {"q": "roundup framwork:django"})
    assert names_on(answer) == ["roundup"]
    page = answer.content.decode()
    assert "roundup <mark>framwork:django</mark>" in page
    assert "There is no field “framwork”; it was left out." in words_on(answer)
    assert f'href="/search?q={quote_plus("roundup framework:django")}"' in page


def test_a_misspelt_name_is_suggested_and_the_rest_stays(client: Client, register: Register, engine: None) -> None:
    register("roundup", classifiers=["Framework :: Django"])
    answer = client.get("/search", {"q": "roundpu framework:django"})
    assert "Did you mean roundup?" in words_on(answer)
    assert f'href="/search?q={quote_plus("roundup framework:django")}"' in answer.content.decode()


def test_an_empty_selection_is_explained(client: Client, register: Register, engine: None) -> None:
    register("roundup", summary="tracker", classifiers=["Framework :: Django"])
    answer = client.get("/search", {"q": "tracker framework:django nosuchthing"})
    said = words_on(answer)
    assert "No project at all fits nosuchthing; without it there is 1 project." in said
    assert "Without tracker there is still none." in said
    assert f'href="/search?q={quote_plus("tracker framework:django")}"' in answer.content.decode()


def test_results_can_be_sorted_and_paged_and_all_of_it_is_in_the_address(
    client: Client, register: Register, engine: None
) -> None:
    for number in range(5):
        register(f"thing-{number}", summary="A&B")
    url: str = "/search?q=thing+sort%3Aupdated&rows=2"
    seen = []
    while url:
        answer = client.get(url)
        seen.append(names_on(answer))
        url = answer.context["answer"].next_url
    assert seen == [["thing-4", "thing-3"], ["thing-2", "thing-1"], ["thing-0"]]
    back = client.get(answer.context["answer"].previous_url)
    assert names_on(back) == ["thing-2", "thing-1"]
    orders = {link.words: link.url for link in answer.context["answer"].orders}
    assert orders["Last updated"] == ""
    assert names_on(client.get(orders["Name"]))[0] == "thing-0"


def test_while_somebody_types_the_list_alone_is_answered(client: Client, register: Register, engine: None) -> None:
    register("roundup")
    answer = client.get("/search?q=roun", headers={"HX-Request": "true", "HX-Target": "found"})
    page = answer.content.decode()
    assert names_on(answer) == ["roundup"]
    assert "<html" not in page
    assert '<div hx-swap-oob="innerHTML:#told">' in page
    assert "HX-Request" in answer["Vary"]
    whole = client.get("/search?q=roun", headers={"HX-Request": "true", "HX-History-Restore-Request": "true"})
    assert "<html" in whole.content.decode()


def test_what_was_seen_while_typing_is_at_the_address_that_stands_there_then(
    client: Client, register: Register, engine: None
) -> None:
    register("roundup", classifiers=["Typing :: Typed"])
    register("roun", classifiers=["Typing :: Typed"])
    typed = client.get("/search?q=roun", headers={"HX-Request": "true"})
    assert typed["HX-Replace-Url"] == "/search?q=roun%2A"
    assert sorted(names_on(typed)) == sorted(names_on(client.get(typed["HX-Replace-Url"]))) == ["roun", "roundup"]
    assert "/search?q=roun%2A+typing%3Atyped" in typed.content.decode()
    assert names_on(client.get("/search?q=roun")) == ["roun"]
    assert names_on(client.get("/search?q=roundu")) == ["roundup"]


def test_the_page_works_under_the_strict_policy(client: Client) -> None:
    answer = client.get("/search")
    page = answer.content.decode()
    assert "unsafe" not in answer["Content-Security-Policy"]
    assert not re.search(r"<[^>]* (style|on\w+)=", page)
    assert '"allowEval": false' in page
    assert '"includeIndicatorStyles": false' in page


def test_while_the_engine_is_built_a_banner_says_what_is_missing(client: Client, register: Register) -> None:
    register("roundup", classifiers=["Framework :: Django"])
    for path in ("/search?q=roundup", "/browse/"):
        answer = client.get(path)
        assert "The search index is being built." in words_on(answer)
        assert names_on(answer) == ["roundup"]
    with search.answered_by(Here()):
        assert "being built" not in words_on(client.get("/search?q=roundup"))


XSS = '"><script>alert(1)</script>'


@pytest.mark.parametrize("path", ["/search?q={}", "/search?q=is:{}", "/browse/?c={}", "/search?c=x+%3A%3A+{}"])
def test_A31_whatever_is_asked_is_text(client: Client, register: Register, engine: None, path: str) -> None:
    register("roundup", summary=XSS)
    for address in (path.format(quote_plus(XSS)), "/search?q=alert", path.format("roundup")):
        assert "<script>alert" not in client.get(address).content.decode()


def test_every_example_of_the_help_page_works(client: Client, register: Register, engine: None) -> None:
    register("roundup")
    page = client.get("/search/help").content.decode()
    links = re.findall(r'href="(/search\?q=[^"]+)"', page)
    assert len(links) == sum(len(lines) for _, lines in fields.HELP)
    for link in links:
        assert client.get(html.unescape(link)).context["answer"].slips == []


# Private projects (A86): who holds a role sees them, with one credential as with another.


@pytest.fixture
def hidden(register: Register, bob: User, now: Any) -> Project:
    register("open", summary="secret", classifiers=["Topic :: Internet"])
    project = register("hidden", summary="secret", classifiers=["Topic :: Internet"], is_private=True)
    crew = Group.objects.create(slug="crew", name="Crew", created_at=now)
    GroupMember.objects.create(group=crew, user=bob, asked_at=now, asked_by="alice", joined_at=now)
    Role.objects.create(project=project, group=crew, kind="reader", granted_at=now)
    return project


PATHS = ["/search?q=secret", "/search?q=hidden", "/browse/?c=Topic", "/search?q=is:private", "/search?q=hiden"]


@pytest.mark.parametrize("source", ["engine", "sql"])
@pytest.mark.parametrize("path", PATHS)
def test_A86_private_projects_are_seen_by_who_holds_a_role_and_nobody_else(
    client: Client, hidden: Project, alice: User, bob: User, charlie: User, admin: User, source: str, path: str
) -> None:
    with search.answered_by(Here()) if source == "engine" else nullcontext():
        strangers = [client.get(path)]
        client.force_login(charlie)
        strangers.append(client.get(path))
        for answer in strangers:
            assert names_on(answer) in ([], ["open"])
            assert answer.context["answer"].suggestion is None
            assert answer["Cache-Control"] == "no-cache"
            assert answer.context["answer"].total <= 1
        if "hiden" in path:
            return
        for user in (alice, bob, admin):
            client.force_login(user)
            answer = client.get(path)
            assert "hidden" in names_on(answer), user
            assert answer["Cache-Control"] == "private, no-store"


def test_A86_a_token_sees_what_it_reaches(
    client: Client, hidden: Project, alice: User, auth: Any, engine: None
) -> None:
    def seen(**limits: Any) -> list[str]:
        return names_on(client.get("/search?q=secret", headers=auth(alice, **limits)))

    assert sorted(seen()) == ["hidden", "open"]
    assert sorted(seen(actions=["read"])) == ["hidden", "open"]
    assert seen(actions=["upload"]) == ["open"]
    assert seen(projects=["another"]) == ["open"]
    assert client.get("/search?q=secret", headers={"Authorization": "Basic bm9ib2R5Og=="}).status_code == 401


def test_A86_who_was_asked_into_a_group_and_has_not_joined_sees_nothing(
    client: Client, hidden: Project, charlie: User, now: Any, engine: None
) -> None:
    crew = Group.objects.get()
    GroupMember.objects.create(group=crew, user=charlie, asked_at=now, asked_by="alice")
    client.force_login(charlie)
    assert names_on(client.get("/search?q=secret")) == ["open"]


def test_what_was_hidden_shows_at_once_when_it_is_not(
    client: Client, hidden: Project, alice: User, now: Any, engine: None
) -> None:
    assert names_on(client.get("/search?q=hidden")) == []
    actions.set_visibility(hidden, is_private=False, by=of_user(alice, "session"), at=now)
    assert names_on(client.get("/search?q=hidden")) == ["hidden"]


@pytest.mark.parametrize(("path", "queries"), [("/search", 1), ("/search?q=project", 3), ("/browse/?c=Topic", 3)])
def test_pages_ask_the_catalogue_little(
    client: Client, register: Register, engine: None, django_assert_num_queries: Any, path: str, queries: int
) -> None:
    for number in range(5):
        register(f"project-{number}", classifiers=["Topic :: Internet"])
    client.get(path)
    with django_assert_num_queries(queries):  # one is of the test's own engine, which looks at the journal
        client.get(path)


def test_plain_words_for_a_licence_and_a_python_are_offered_as_tests(
    client: Client, register: Register, engine: None
) -> None:
    python = "Programming Language :: Python :: 3.13"
    register("helm", summary="A web framework", classifiers=[MIT, python])
    register("other", summary="Another web framework")
    page = client.get("/search?q=web framework mit python 3.13", headers=BROWSER)
    assert names_on(page) == []
    offered = page.context["answer"].suggestion
    assert offered.words == "web framework license:MIT python:3.13"
    assert names_on(client.get(offered.url, headers=BROWSER)) == ["helm"]
    assert client.get("/search?q=cobol gpl-3.0-only", headers=BROWSER).context["answer"].suggestion is None
