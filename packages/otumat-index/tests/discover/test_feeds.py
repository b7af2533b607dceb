"""Feeds: well-formed Atom and RSS that name public things alone, whatever is written in them."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any
from xml.etree import ElementTree

import pytest
from django.test import Client
from pytest_django.fixtures import DjangoAssertNumQueries

from otumat_index.accounts.credentials import of_user
from otumat_index.accounts.models import User
from otumat_index.discover import feeds
from otumat_index.publish import actions, queries
from otumat_index.publish.models import Project, Release

pytestmark = pytest.mark.django_db
ATOM = "{http://www.w3.org/2005/Atom}"
PATHS = [
    "/feeds/projects.atom",
    "/feeds/projects.rss",
    "/feeds/releases.atom",
    "/feeds/releases.rss",
    "/project/roundup/feed.atom",
    "/project/roundup/feed.rss",
]


def titles(content: bytes) -> list[str]:
    root = ElementTree.fromstring(content)
    entries = root.findall(f"{ATOM}entry/{ATOM}title") or root.findall("channel/item/title")
    return [entry.text or "" for entry in entries]


@pytest.mark.parametrize("path", PATHS)
def test_every_feed_is_what_it_says(alice: User, submit: Any, client: Client, path: str, settings: Any) -> None:
    submit(alice, summary="An issue tracker")
    response = client.get(path, headers={"Host": "evil.example.com"})
    assert response.status_code == 200
    kind = "atom" if path.endswith("atom") else "rss"
    assert response["Content-Type"] == f"application/{kind}+xml; charset=utf-8"
    root = ElementTree.fromstring(response.content)
    assert root.tag == (f"{ATOM}feed" if kind == "atom" else "rss")
    assert b"evil" not in response.content
    assert f'href="{settings.CONFIG.public_url}{path}"'.encode() in response.content  # where it is itself
    if kind == "atom":
        entry = root.find(f"{ATOM}entry")
        assert entry is not None
        for name in ("id", "title", "updated", "link"):
            assert entry.find(f"{ATOM}{name}") is not None, name
        link = entry.find(f"{ATOM}link")
        assert link is not None
        assert link.attrib["href"].startswith(f"{settings.CONFIG.public_url}/project/roundup/")


def test_the_feeds_tell_what_came(alice: User, submit: Any, client: Client, now: Any) -> None:
    submit(alice)
    submit(alice, version="2.0")
    submit(alice, name="other")
    by = of_user(alice, "session")
    actions.yank_release(queries.project("roundup", by=by), "1.0", reason="wrong", by=by, at=now)
    assert titles(client.get("/feeds/projects.atom").content) == ["other", "roundup"]
    assert titles(client.get("/feeds/releases.rss").content) == ["other 1.0", "roundup 2.0", "roundup 1.0"]
    assert titles(client.get("/project/roundup/feed.atom").content) == [
        "alice yanked roundup 1.0",
        "alice registered roundup 2.0",
        "alice registered roundup 1.0",
    ]


@pytest.mark.parametrize("path", PATHS)
def test_A86_a_private_project_is_in_no_feed(
    alice: User, bob: User, submit: Any, hide: Callable[[str, User], None], auth: Any, client: Client, path: str
) -> None:
    submit(alice, summary="hush")
    hide("roundup", alice)
    seen = client.get(path)
    missing = client.get(path.replace("roundup", "nothing"))
    assert seen.status_code == missing.status_code
    assert b"hush" not in seen.content
    assert seen.status_code == 404 or titles(seen.content) == []
    if "project/" in path:
        assert client.get(path, headers=auth(bob)).status_code == 404
        own = client.get(path, headers=auth(alice))
        assert own.status_code == 200
        assert own["Cache-Control"] == "private, no-store"


def test_what_is_in_quarantine_is_not_advertised(alice: User, submit: Any, client: Client) -> None:
    submit(alice)
    Project.objects.update(status="quarantined")
    assert titles(client.get("/feeds/projects.atom").content) == []
    assert titles(client.get("/feeds/releases.atom").content) == []


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        "]]><script/>",
        '"><img src=x onerror=alert(1)>',
        "&lt;b&gt;",
        "\x0b\x1f\ufffe",
        "\ud83d\ude00",
    ],
)
def test_A31_whatever_was_written_is_text(alice: User, submit: Any, client: Client, path: str, text: str) -> None:
    text = text.encode("utf-16", "surrogatepass").decode("utf-16")
    submit(alice)
    Release.objects.update(summary=text)
    Project.objects.update(name=f"roundup {text}")
    response = client.get(path)
    root = ElementTree.fromstring(response.content)
    tags = {element.tag.rpartition("}")[2] for element in root.iter()}
    assert not tags & {"script", "img", "b"}
    bodies = [*root.iter(f"{ATOM}summary"), *root.findall("channel/item/description")]
    assert not any("<" in (body.text or "") for body in bodies)  # readers show these as HTML


@pytest.mark.parametrize("path", PATHS)
def test_asking_again_costs_little_until_something_changes(
    alice: User, submit: Any, client: Client, path: str, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    submit(alice)
    first = client.get(path)
    with django_assert_max_num_queries(2):
        again = client.get(path, headers={"If-None-Match": first["ETag"]})
    assert again.status_code == 304
    assert client.get(path, headers={"If-Modified-Since": first["Last-Modified"]}).status_code == 304
    submit(alice, version="2.0")
    assert client.get(path, headers={"If-None-Match": first["ETag"]}).status_code == 200


@pytest.mark.parametrize("path", PATHS)
def test_the_work_of_a_feed_does_not_grow(
    alice: User, submit: Any, client: Client, path: str, now: Any, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    submit(alice)
    project = Project.objects.get()
    made = {"created_at": now, "updated_at": now}
    Release.objects.bulk_create(
        [Release(project=project, version=f"2.{n}", canonical=f"2.{n}", sort_key=str(n), **made) for n in range(500)]
    )
    with django_assert_max_num_queries(4):
        response = client.get(path)
    assert len(titles(response.content)) <= feeds.SHOWN


def test_there_is_no_other_kind_of_feed(alice: User, submit: Any, client: Client) -> None:
    submit(alice)
    for path in ("/feeds/projects.json", "/project/roundup/feed.exe", "/project/none/feed.atom"):
        assert client.get(path).status_code == 404


def test_pages_say_where_the_feeds_are(alice: User, submit: Any, client: Client) -> None:
    submit(alice)
    assert b'href="/feeds/releases.atom"' in client.get("/").content
    assert b'href="/project/roundup/feed.atom"' in client.get("/project/roundup/").content


def test_links_follow_public_url(alice: User, submit: Any, client: Client, settings: Any) -> None:
    submit(alice)
    first = client.get("/feeds/releases.atom")
    settings.CONFIG = dataclasses.replace(settings.CONFIG, public_url="https://index.example.org")
    second = client.get("/feeds/releases.atom", headers={"If-None-Match": first["ETag"]})
    assert second.status_code == 200
    assert b"https://index.example.org/project/roundup/1.0/" in second.content
    assert b"tag:index.example.org,2026:release/roundup/1" in second.content
