"""The classifier list and browsing by it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

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


def test_browsing_offers_only_what_still_matches(client: Client, register: Register) -> None:
    register("one", classifiers=["Topic :: Internet", "Typing :: Typed"])
    register("two", classifiers=["Topic :: Internet", "Environment :: Console"])
    register("three", classifiers=["Framework :: Django"])
    page = client.get("/browse/?c=Topic+::+Internet").content.decode()
    assert "/browse/?c=Topic+%3A%3A+Internet&amp;c=Typing+%3A%3A+Typed" in page
    assert "Framework :: Django" not in page
    assert page.index("<summary>Environment") < page.index("<summary>Typing")


def test_a_selected_classifier_can_be_taken_away(client: Client, register: Register) -> None:
    register("one", classifiers=["Topic :: Internet", "Typing :: Typed"])
    response = client.get("/browse/?c=Topic+::+Internet&c=Typing")
    assert response.context["without"][0] == ("Topic :: Internet", "/browse/?c=Typing")


def test_A31_a_classifier_in_the_address_is_text(client: Client) -> None:
    page = client.get("/browse/?c=<script>alert(1)</script>").content.decode()
    assert "<script>alert" not in page


def test_the_list_asks_one_question(client: Client, register: Register, django_assert_num_queries: Any) -> None:
    register("one", classifiers=["Topic :: Internet", "Typing :: Typed"])
    with django_assert_num_queries(1):
        client.get("/classifiers/?format=html")
