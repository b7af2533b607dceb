"""Searching from the browser's own field."""

from __future__ import annotations

import dataclasses
from typing import Any
from urllib.parse import urlsplit
from xml.etree import ElementTree

import pytest
from django.test import Client

from otumat_index.accounts.models import User
from otumat_index.discover import search
from otumat_index.discover.search.engine.here import Here

pytestmark = pytest.mark.django_db
NAMESPACE = "{http://a9.com/-/spec/opensearch/1.1/}"


@pytest.fixture(autouse=True)
def _public(settings: Any) -> None:
    settings.CONFIG = dataclasses.replace(
        settings.CONFIG, public_url="https://index.example.org", index_name="Cheeses & <Friends> of Nowhere"
    )


def test_every_page_leads_to_the_description(client: Client) -> None:
    for path in ("/", "/projects/", "/classifiers/", "/account/login/"):
        page = client.get(path, headers={"Accept": "text/html"}).content.decode()
        assert '<link rel="search" type="application/opensearchdescription+xml" href="/opensearch.xml"' in page, path


def test_the_description_names_addresses_that_answer(client: Client) -> None:
    answer = client.get("/opensearch.xml")
    assert answer["Content-Type"].startswith("application/opensearchdescription+xml")
    told = ElementTree.fromstring(answer.content)
    name = told.findtext(f"{NAMESPACE}ShortName") or ""
    assert name == "Cheeses & <Frien"  # 16 characters at most
    urls = {each.attrib["type"]: each.attrib["template"] for each in told.iter(f"{NAMESPACE}Url")}
    assert set(urls) == {
        "text/html",
        "application/x-suggestions+json",
        "application/opensearchdescription+xml",
    }
    for kind, url in urls.items():
        assert url.startswith("https://index.example.org/")
        split = urlsplit(url.replace("{searchTerms}", "roundup"))
        found = client.get(f"{split.path}?{split.query}", headers={"Accept": "text/html"})
        assert found["Content-Type"].partition(";")[0] == kind


@pytest.mark.parametrize("text", ["round", "ROUND", " Round", "round-", "round_u"])
def test_names_that_begin_so_are_suggested(client: Client, submit: Any, alice: User, text: str) -> None:
    for name, summary in (("Round.Up", "tracks <issues>"), ("roundabout", ""), ("around", "")):
        assert submit(alice, name=name, version="1.0", summary=summary).status_code == 200
    said, found, summaries, urls = client.get("/suggest", {"q": text}).json()
    assert said == text
    wanted = ["Round.Up"] if text.strip().endswith(("-", "u")) else ["Round.Up", "roundabout"]
    assert set(found) == set(wanted)
    assert "tracks <issues>" in summaries
    assert "https://index.example.org/project/round-up/" in urls
    assert len(found) == len(summaries) == len(urls)


@pytest.mark.parametrize("text", ["", " ", "-", "é", "%", "_", "a\x00b", "zzz", "x" * 10_000])
def test_A73_what_begins_no_name_gets_no_names(client: Client, submit: Any, alice: User, text: str) -> None:
    submit(alice, name="roundup", version="1.0")
    answer = client.get("/suggest", {"q": text})
    assert answer.status_code == 200
    assert answer.json()[1:] == [[], [], []]


def test_A86_no_private_project_is_suggested(client: Client, submit: Any, alice: User, hide: Any) -> None:
    submit(alice, name="veiled", version="1.0")
    hide("veiled", alice)
    assert client.get("/suggest", {"q": "veil"}).json()[1] == []


def test_where_the_engine_runs_the_best_comes_first(client: Client, submit: Any, alice: User, hide: Any) -> None:
    for name, summary in (
        ("a-round-robin", ""),
        ("roundup", "tracks issues"),
        ("zeta", "a round table"),
        ("veiled", ""),
    ):
        submit(alice, name=name, version="1.0", summary=summary, keywords="round")
    hide("veiled", alice)
    with search.answered_by(Here()):
        _, found, summaries, _ = client.get("/suggest", {"q": "roundu"}).json()
        assert (found, summaries) == (["roundup"], ["tracks issues"])
        _, found, _, _ = client.get("/suggest", {"q": "round"}).json()
        assert set(found) == {"roundup", "a-round-robin", "zeta"}
        for text in ("", "-", '"', "a\x00b", "license:", "x" * 10_000):
            assert client.get("/suggest", {"q": text}).status_code == 200


def test_a_suggestion_is_one_query(client: Client, submit: Any, alice: User, django_assert_num_queries: Any) -> None:
    for number in range(12):
        submit(alice, name=f"roundup{number}", version="1.0")
    with django_assert_num_queries(1):
        assert len(client.get("/suggest", {"q": "round"}).json()[1]) == 8
