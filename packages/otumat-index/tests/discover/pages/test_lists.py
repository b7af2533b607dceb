"""Searching the index, and lists of what is found."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from otumat_index.accounts.models import User
from otumat_index.discover.pages import catalogue
from otumat_index.publish.models import Project

pytestmark = pytest.mark.django_db
Register = Callable[..., Project]


def names_on(response: Any) -> list[str]:
    assert response.status_code == 200
    return re.findall(r'class="title"><a href="/project/[^"]+/">([^<]+)</a>', response.content.decode())


ODD = ["page=1e18", "rows=-1", "rows=NaN", "rows=1e18", "rows=99999999999999999999", "rows=²", "after=%00", "after=%ff"]
ODD += [
    "before=%F0%9F%98%80",
    "c=%00",
    "q=%00%00",
    "name=%5B",
    f"q={'a' * 3000}",
    "&".join(f"c={n}" for n in range(500)),
]


@pytest.mark.parametrize("query", ODD, ids=range(len(ODD)))
def test_A76_odd_parameters_show_a_list(client: Client, register: Register, query: str) -> None:
    register("roundup")
    for path in ("/projects/", "/index", "/search", "/browse/", "/classifiers/"):
        assert client.get(f"{path}?{query}").status_code == 200


def test_D09_the_list_is_filtered_by_any_field(client: Client, register: Register) -> None:
    register("roundup", summary="An issue tracker", author="Richard Jones", keywords="bugs,issues", platform="BeOS")
    register("attrs", summary="Classes", author_email="Hynek <hs@example.org>")
    found = {
        "q=TRACKER": ["roundup"],
        "q=issue+round": ["roundup"],
        "name=ATT": ["attrs"],
        "author=jones": ["roundup"],
        "author=hynek": ["attrs"],
        "keywords=bugs": ["roundup"],
        "platforms=beos": ["roundup"],
        "version=1": ["attrs", "roundup"],
        "author=jones&name=attrs": [],
    }
    for query, expected in found.items():
        assert names_on(client.get(f"/index?{query}")) == expected, query


def test_A73_wildcards_of_the_database_are_plain_letters(client: Client, register: Register) -> None:
    register("roundup", summary="100% pure_python \\o/")
    register("attrs", summary="Classes")
    for text in ("%25", "_", "%5C", "pure_"):
        assert names_on(client.get(f"/projects/?q={text}")) == ["roundup"], text
    assert names_on(client.get("/projects/?q=%25%25")) == []
    assert names_on(client.get("/projects/?q='+OR+1=1--")) == []


def test_D10_the_search_form_customises_the_index(client: Client, register: Register) -> None:
    register("roundup", summary="An issue tracker")
    register("attrs")
    form = client.get("/search").content.decode()
    for field in ("q", "name", "summary", "author", "keywords", "c", "requires_python", "import_names"):
        assert f'name="{field}"' in form
    found = client.get("/search?summary=tracker")
    assert names_on(found) == ["roundup"]
    assert 'name="summary" maxlength="200" value="tracker"' in found.content.decode()


def test_filters_stay_on_the_next_page(client: Client, register: Register) -> None:
    for number in range(3):
        register(f"project-{number}", summary="A&B", classifiers=["Topic :: Internet"])
    first = client.get("/browse/?rows=1&q=a%26b&c=Topic")
    assert names_on(first) == ["project-0"]
    assert names_on(client.get(first.context["next_url"])) == ["project-1"]


def test_a_classifier_selects_what_carries_it_or_one_below(client: Client, register: Register) -> None:
    register("exact", classifiers=["Topic :: Internet"])
    register("below", classifiers=["Topic :: Internet :: WWW/HTTP", "Typing :: Typed"])
    register("other", classifiers=["Topic :: Games/Entertainment"])
    assert names_on(client.get("/projects/?c=Topic+::+Internet")) == ["below", "exact"]
    assert names_on(client.get("/browse/?c=Topic&c=Typing")) == ["below"]
    assert names_on(client.get("/projects/?c=Topic+::+Inter")) == []


def test_A86_private_projects_are_in_no_list(client: Client, register: Register, alice: User) -> None:
    register("public", classifiers=["Topic :: Internet"])
    register("hidden", summary="secret", classifiers=["Topic :: Internet"], is_private=True)
    client.force_login(alice)
    for path in (
        "/search?q=secret",
        "/browse/?c=Topic",
        "/classifiers/?format=html",
        "/index?q=hidden",
    ):
        assert "/project/hidden/" not in client.get(path).content.decode(), path
    counts = {
        row["classifier"]: row["projects"] for row in client.get("/classifiers/?format=json").json()["classifiers"]
    }
    assert counts["Topic :: Internet"] == 1


def test_D51_display_goes_to_the_page(client: Client) -> None:
    assert client.get("/display?name=Foo.Bar").url == "/project/foo-bar/"  # type: ignore[attr-defined]
    assert client.get("/display?name=foo&version=1.0%2Fx").url == "/project/foo/1.0%2Fx/"  # type: ignore[attr-defined]
    for query in ("", "?name=", "?name=%0d%0aX:y", "?name=//evil.example"):
        assert client.get(f"/display{query}").status_code == 400


def test_a_list_counts_up_to_its_bound(client: Client, register: Register, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalogue, "COUNTED_MAX", 2)
    for number in range(4):
        register(f"project-{number}")
    assert "More than 2 projects" in client.get("/search?q=project&rows=1").content.decode()


@pytest.mark.parametrize(
    ("path", "queries"),
    [("/search", 0), ("/search?q=project", 1), ("/browse/?c=Topic", 2)],
)
def test_lists_ask_few_questions(
    client: Client, register: Register, django_assert_num_queries: Any, path: str, queries: int
) -> None:
    for number in range(5):
        register(f"project-{number}", classifiers=["Topic :: Internet"])
    client.get(path)  # counts what there is, once
    with django_assert_num_queries(queries):
        client.get(path)
