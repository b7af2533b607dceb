"""The front page."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from otumat_index.accounts.models import User
from otumat_index.discover import search
from otumat_index.discover.pages import home, numbers
from otumat_index.discover.search.engine.here import Here
from otumat_index.publish.models import Project

pytestmark = pytest.mark.django_db
Register = Callable[..., Project]
TOPICS = ("Internet", "Database", "Games/Entertainment", "Office/Business", "Security")


def told(client: Client, **words: Any) -> str:
    """The page's words."""
    return re.sub(r"<[^>]+>", "", client.get("/", **words).content.decode())


def test_an_empty_index_says_how_to_fill_it(client: Client) -> None:
    assert "otumat-index import installed" in told(client)


def test_home_shows_the_commands_of_this_index(client: Client, register: Register) -> None:
    register("roundup")
    text = told(client, headers={"Host": "evil.example"})
    assert "otumat register --index http://localhost:8000" in text
    assert "pip install --index-url http://localhost:8000/simple/ NAME" in text
    assert "evil.example" not in text
    assert "import installed" not in text


def test_numbers_are_of_what_everybody_may_see(client: Client, register: Register) -> None:
    register("roundup", "1.0")
    register("roundup", "1.1")
    register("hidden", is_private=True)
    page = client.get("/").content.decode()
    assert re.findall(r"<dt>(\w+)</dt><dd>(\d+)</dd>", page) == [("Projects", "1"), ("Releases", "2"), ("Files", "0")]


def test_values_are_kept_until_the_journal_moves_and_then_for_as_long_as_they_are_dear(db: None) -> None:
    made = itertools.count(1)
    kept = numbers.Kept(lambda: next(made))
    assert [kept.get(7), kept.get(7), kept.get(8)] == [1, 1, 1]  # made a moment ago
    kept.not_before = 0
    assert [kept.get(8), kept.get(8)] == [2, 2]
    once = numbers.Kept(lambda: next(made), serial_of=lambda _: -1)
    assert [once.get(8), once.get(8)] == [3, 4]


def test_categories_and_topics_have_live_counts(client: Client, register: Register) -> None:
    for number, topic in enumerate(TOPICS):
        for each in range(number + 1):
            register(f"{topic[:3]}-{each}".lower(), classifiers=[f"Topic :: {topic}"])
    register("hidden", classifiers=["Topic :: Security"], is_private=True)
    with search.answered_by(Here()):
        page = client.get("/").content.decode()
    assert '<a href="/browse/?c=Topic">Topic <span class="count">15</span></a>' in page
    assert page.count("<title>Security 5</title>") == 2  # a picture for broad screens and one for tall ones
    assert '<a href="/browse/?c=Topic+%3A%3A+Security">Security</a></th><td>5</td>' in page
    assert "style=" not in page


def test_without_the_engine_there_are_categories_without_counts(client: Client, register: Register) -> None:
    register("roundup", classifiers=["Topic :: Security"])
    page = client.get("/").content.decode()
    assert '<a href="/browse/?c=Topic">Topic</a>' in page
    assert "treemap" not in page


def test_few_topics_are_no_picture(register: Register) -> None:
    assert home.topics({"Topic": 9, "Topic :: Internet": 5, "Topic :: Internet :: WWW/HTTP": 4}) == []


def test_A86_private_projects_are_on_their_own_publishers_page_only(
    client: Client, register: Register, alice: User, charlie: User
) -> None:
    register("shown")
    register("hidden", is_private=True)
    client.force_login(charlie)
    answer = client.get("/")
    assert "project/hidden/" not in answer.content.decode()
    assert answer["Cache-Control"] == "no-cache"
    client.force_login(alice)
    answer = client.get("/")
    assert answer["Cache-Control"] == "private, no-store"  # A79
    page = answer.content.decode()
    assert '<a href="/manage/project/hidden/">hidden 1.0</a>' in page
    assert "/project/hidden/" not in page.replace("/manage/project/hidden/", "")


def test_home_asks_three_questions_however_much_there_is(
    client: Client, register: Register, django_assert_num_queries: Any
) -> None:
    for number in range(9):
        register(f"project-{number}", classifiers=["Topic :: Internet"])
    with search.answered_by(Here()):
        client.get("/")  # counts what there is, once
        with django_assert_num_queries(3):
            client.get("/")
