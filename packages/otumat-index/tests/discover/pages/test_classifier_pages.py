"""The classifier list and browsing by it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from otumat_index.discover import search
from otumat_index.discover.pages import classifiers
from otumat_index.discover.search.engine.here import Here
from otumat_index.publish.models import Project
from otumat_index.publish.queries import vocabulary

pytestmark = pytest.mark.django_db
Register = Callable[..., Project]
BROWSER = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}


@pytest.mark.parametrize("asked", ["/classifiers/?format=text", "/classifiers/"])
def test_D49_the_list_comes_as_text_one_a_line_in_a_stable_order(client: Client, asked: str) -> None:
    response = client.get(asked)
    assert response["Content-Type"] == "text/plain; charset=utf-8"
    lines = response.content.decode().splitlines()
    assert lines == list(vocabulary().sorted_for_display)
    assert "Topic :: Office/Business" in lines


def test_D47_the_list_is_a_page_by_accept(client: Client, register: Register) -> None:
    register("roundup", "1.0", classifiers=["Topic :: Internet"])
    register("roundup", "2.0", classifiers=["Topic :: Internet", "Typing :: Typed"])
    response = client.get("/classifiers/", headers=BROWSER)
    assert "Accept" in response["Vary"]
    page = response.content.decode()
    link = '<a href="/browse/?c=Topic%20%3A%3A%20Internet" title="Topic :: Internet">Internet</a>'
    assert f'{link} <span class="count">1</span>' in page


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        ("text/plain", "text/plain"),
        ("application/json", "application/json"),
        ("text/html;q=0.1, text/plain", "text/plain"),
    ],
)
def test_the_form_follows_accept(client: Client, accept: str, content_type: str) -> None:
    assert client.get("/classifiers/", headers={"Accept": accept})["Content-Type"].startswith(content_type)


def test_the_page_can_be_narrowed_by_text(client: Client) -> None:
    page = client.get("/classifiers/?format=html&q=beos").content.decode()
    assert "BeOS" in page
    assert "Topic" not in page


def test_A31_a_classifier_in_the_address_is_text(client: Client) -> None:
    page = client.get("/browse/?c=<script>alert(1)</script>").content.decode()
    assert "<script>alert" not in page


def test_D50_deprecated_ones_stand_apart_with_their_replacements(client: Client) -> None:
    page = client.get("/classifiers/?format=html").content.decode()
    apart = page.partition('id="deprecated"')[2]
    assert "Natural Language :: Ukranian" in apart
    assert ">Natural Language :: Ukrainian</a>" in apart
    assert "Natural Language :: Ukranian" not in page.partition('id="deprecated"')[0]


def test_counts_are_those_of_the_lists_behind_with_and_without_the_engine(client: Client, register: Register) -> None:
    register("one", classifiers=["Topic :: Internet :: WWW/HTTP", "Topic :: Internet", "Typing :: Typed"])
    register("two", classifiers=["Topic :: Internet"])
    register("hidden", classifiers=["Topic :: Internet"], is_private=True)

    def counts() -> dict[str, int]:
        rows = client.get("/classifiers/?format=json").json()["classifiers"]
        return {row["classifier"]: row["projects"] for row in rows if row["projects"]}

    expected = {"Topic :: Internet": 2, "Topic :: Internet :: WWW/HTTP": 1, "Typing :: Typed": 1}
    assert counts() == expected
    with search.answered_by(Here()):
        assert counts() == expected


def test_a_large_index_lists_classifiers_without_counts_while_the_engine_is_built(
    client: Client, register: Register, monkeypatch: pytest.MonkeyPatch
) -> None:
    register("one", classifiers=["Topic :: Internet"])
    monkeypatch.setattr(classifiers, "SUMMED_MAX", 0)
    rows = client.get("/classifiers/?format=json").json()["classifiers"]
    assert {row["projects"] for row in rows} == {None}
    assert 'class="count"' not in client.get("/classifiers/?format=html").content.decode()
