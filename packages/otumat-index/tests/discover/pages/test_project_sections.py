"""What a project's page says beyond its fields: its history, what it requires, the tree of its classifiers."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from otumat_index.discover import search
from otumat_index.discover.pages import facts
from otumat_index.discover.search.engine.here import Here
from otumat_index.publish.models import Project, Release

pytestmark = pytest.mark.django_db
Register = Callable[..., Project]


@pytest.fixture
def history(register: Register) -> None:
    """Four releases, a month apart, one of them yanked."""
    for version in ("1.0", "1.0.1", "1.1", "2.0rc1"):
        register("roundup", version)
    for number, release in enumerate(Release.objects.order_by("pk")):
        release.created_at += timedelta(days=30 * number)
        release.is_yanked = release.version == "1.0.1"
        release.save()


def test_the_history_is_a_picture_and_a_table(client: Client, history: None) -> None:
    page = client.get("/project/roundup/").content.decode()
    plot = page[page.index('<figure class="plot">') : page.index("</figure>")]
    assert plot.count('class="release dot"') == 2
    assert plot.count('class="release cross"') == plot.count('class="release diamond"') == 1
    assert re.search(r"<title>1\.0\.1, \d+ March 2026, yanked</title>", plot)
    assert '<th scope="row">2026</th><td>1</td><td>1</td><td>1</td><td>1</td><td>1</td>' in plot
    assert "style=" not in plot


def test_a_single_release_has_no_picture(client: Client, register: Register) -> None:
    register("roundup")
    assert '<figure class="plot">' not in client.get("/project/roundup/").content.decode()


def test_a_long_history_is_listed_in_part(client: Client, register: Register) -> None:
    for number in range(27):
        register("roundup", f"1.{number}")
    page = client.get("/project/roundup/").content.decode()
    assert 'href="/project/roundup/1.15/"' in page
    assert 'href="/project/roundup/1.0/"' not in page
    assert 'href="/project/roundup/1.0/"' in client.get("/project/roundup/?releases=all").content.decode()


def test_requirements_lead_to_what_is_here(client: Client, register: Register) -> None:
    register("attrs")
    register("hidden", is_private=True)
    register("roundup", requires_dist=["Attrs>=1; python_version > '3'", "hidden", "absent", "x; extra == 'fast'"])
    page = client.get("/project/roundup/").content.decode()
    part = page[page.index('id="requirements"') : page.index('id="metadata"')]
    assert '<li><a href="/project/attrs/">Attrs</a>&gt;=1; python_version &gt; &#x27;3&#x27;</li>' in part
    assert "<li>hidden</li>" in part
    assert "<li>absent</li>" in part
    assert "<code>fast</code> (1)" in part


def test_the_page_says_who_requires_it(client: Client, register: Register) -> None:
    for name in ("one", "two"):
        register(name, requires_dist=["Attrs>=1"])
    register("hidden", requires_dist=["attrs"], is_private=True)
    register("attrs")
    with search.answered_by(Here()):
        page = client.get("/project/attrs/").content.decode()
    assert "Required by 2 projects here" in page
    assert '<li><a href="/project/one/">one</a></li>' in page
    assert "hidden/" not in page
    assert "Required by" not in client.get("/project/attrs/").content.decode()  # nobody knows while there is no engine


def test_classifiers_are_a_tree_to_browse(client: Client, register: Register) -> None:
    register("roundup", classifiers=["Topic :: Internet :: WWW/HTTP", "Topic :: Internet :: WWW/HTTP :: WSGI"])
    page = client.get("/project/roundup/").content.decode()
    assert '<li class="depth-1"><a href="/browse/?c=Topic%20%3A%3A%20Internet" class="quiet">Internet</a></li>' in page
    assert page.count(">WWW/HTTP</a>") == 1


def test_a_tree_has_every_branch_once() -> None:
    found = facts.tree(["A :: C :: D", "A :: B", "A :: C", "Z"])
    assert [(name, [(node.words, node.depth, node.is_own) for node in nodes]) for name, nodes in found] == [
        ("A", [("B", 1, True), ("C", 1, True), ("D", 2, True)]),
        ("Z", [("Z", 1, True)]),
    ]


def test_the_page_asks_as_much_however_long_its_lists(
    client: Client, register: Register, django_assert_num_queries: Any
) -> None:
    register("attrs")
    for number in range(4):
        register("roundup", f"1.{number}", requires_dist=["attrs"], classifiers=["Topic :: Internet"])
    with django_assert_num_queries(7):
        client.get("/project/roundup/")
