"""What crawlers are told: nothing by default; with ROBOTS=allow all public projects."""

from __future__ import annotations

import dataclasses
import gzip
from typing import Any
from urllib import robotparser
from xml.etree import ElementTree

import pytest
from django.test import Client

from otumat_index.accounts.models import User
from otumat_index.discover.views import sitemaps
from otumat_index.journal.actor import command
from otumat_index.publish import actions
from otumat_index.publish.models import Project

pytestmark = pytest.mark.django_db
NAMESPACE = "{http://www.sitemaps.org/schemas/sitemap/0.9}"
HOST = "https://index.example.org"


@pytest.fixture(autouse=True)
def _counted_anew() -> None:
    sitemaps.filled_pages.forget()


@pytest.fixture
def allowed(settings: Any) -> None:
    settings.CONFIG = dataclasses.replace(settings.CONFIG, robots="allow", public_url=HOST)


def rules_of(client: Client) -> robotparser.RobotFileParser:
    parser = robotparser.RobotFileParser()
    parser.parse(client.get("/robots.txt").content.decode().splitlines())
    return parser


def locations(client: Client, path: str) -> list[str]:
    body = client.get(path, headers={"Accept-Encoding": "gzip"})
    assert body["Content-Encoding"] == "gzip"
    return [
        each.text or "" for each in ElementTree.fromstring(gzip.decompress(body.getvalue())).iter(f"{NAMESPACE}loc")
    ]


def test_by_default_nothing_is_crawled_and_nothing_listed(client: Client, submit: Any, alice: User) -> None:
    submit(alice, name="roundup", version="1.0")
    assert not rules_of(client).can_fetch("a crawler", "/project/roundup/")
    assert b"sitemap" not in client.get("/robots.txt").content.lower()
    assert {client.get(path).status_code for path in ("/sitemap.xml", "/sitemaps/0.xml")} == {404}


@pytest.mark.usefixtures("allowed")
def test_where_it_is_allowed_projects_are_crawled_and_endless_pages_not(client: Client) -> None:
    rules = rules_of(client)
    assert rules.site_maps() == [f"{HOST}/sitemap.xml"]
    for path in ("/", "/project/roundup/", "/projects/", "/classifiers/"):
        assert rules.can_fetch("a crawler", path), path
    for path in ("/browse/?c=Topic", "/search?q=x", "/account/", "/simple/roundup/", "/files/x.whl", "/api/v1/search"):
        assert not rules.can_fetch("a crawler", path), path


@pytest.mark.usefixtures("allowed")
def test_the_sitemap_leads_to_every_public_project_once(
    client: Client, submit: Any, alice: User, hide: Any, now: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sitemaps, "PAGE_ROWS", 3)
    monkeypatch.setattr(sitemaps, "CHUNK_ROWS", 2)
    for number in range(8):
        submit(alice, name=f"roundup{number}", version="1.0")
    for name in ("veiled", "locked"):
        submit(alice, name=name, version="1.0")
    hide("veiled", alice)
    locked = Project.objects.get(normalized="locked")
    actions.set_status(locked, "quarantined", reason="malware", by=command(), at=now)
    pages = locations(client, "/sitemap.xml")
    assert len(pages) >= 3
    found = [url for page in pages for url in locations(client, page.removeprefix(HOST))]
    assert sorted(found) == [f"{HOST}/project/roundup{number}/" for number in range(8)]
    for url in found:
        assert client.get(url.removeprefix(HOST)).status_code == 200


@pytest.mark.usefixtures("allowed")
def test_a_page_tells_when_a_project_changed(client: Client, submit: Any, alice: User) -> None:
    submit(alice, name="roundup", version="1.0")
    updated = Project.objects.get().updated_at
    for path in ("/sitemap.xml", sitemap_page()):
        assert f"<lastmod>{updated:%Y-%m-%d}</lastmod>".encode() in client.get(path).getvalue()


def sitemap_page() -> str:
    return f"/sitemaps/{Project.objects.get().pk // sitemaps.PAGE_ROWS}.xml"


@pytest.mark.usefixtures("allowed")
@pytest.mark.parametrize("path", ["/sitemaps/9.xml", f"/sitemaps/{10**40}.xml"])
def test_A76_a_page_that_is_none_is_not_found(client: Client, path: str) -> None:
    assert client.get(path).status_code == 404


@pytest.mark.usefixtures("allowed")
def test_an_empty_index_has_an_empty_sitemap(client: Client) -> None:
    assert locations(client, "/sitemap.xml") == []


@pytest.mark.usefixtures("allowed")
def test_a_page_takes_a_query_for_each_chunk(
    client: Client, submit: Any, alice: User, django_assert_max_num_queries: Any
) -> None:
    for number in range(30):
        submit(alice, name=f"roundup{number}", version="1.0")
    path = client.get("/sitemap.xml").getvalue().decode().partition(f"<loc>{HOST}")[2].partition("<")[0]
    with django_assert_max_num_queries(3):
        assert client.get(path).getvalue().count(b"<loc>") == 30
