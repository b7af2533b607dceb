"""Mirrors' XML-RPC at `/pypi`: serials and changes of what everybody may see."""

from __future__ import annotations

import dataclasses
import gzip
import hashlib
import xmlrpc.client
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from django.test import Client

from otumat_index.accounts.credentials import of_user
from otumat_index.accounts.models import User
from otumat_index.discover import listing
from otumat_index.discover.mirrors import changelog, views
from otumat_index.journal import queries as journal
from otumat_index.journal.actor import command
from otumat_index.journal.models import Entry
from otumat_index.publish import actions, queries
from otumat_index.publish.models import Project

pytestmark = pytest.mark.django_db
Wheel = Callable[..., tuple[str, bytes]]
Ask = Callable[..., Any]


@pytest.fixture
def ask(client: Client) -> Ask:
    """Call a method; its result, or the Fault it raises."""

    def act(method: str, *params: Any, path: str = "/pypi") -> Any:
        sent = xmlrpc.client.dumps(params, method)
        response = client.post(path, sent, content_type="text/xml")
        assert (response.status_code, response["Content-Type"].partition(";")[0]) == (200, "text/xml")
        return xmlrpc.client.loads(response.getvalue())[0][0]

    return act


@pytest.fixture
def published(upload: Any, wheel: Wheel, alice: User) -> Project:
    assert upload(alice, wheel()).status_code == 200
    assert upload(alice, wheel("another")).status_code == 200
    return Project.objects.get(normalized="roundup")


def test_names_come_with_their_newest_serials(
    ask: Ask, published: Project, upload: Any, wheel: Wheel, alice: User
) -> None:
    upload(alice, wheel(version="2.0"))
    told = ask("list_packages_with_serial")
    assert told == {"roundup": journal.serial_of("roundup"), "another": journal.serial_of("another")}
    assert told["roundup"] == ask("changelog_last_serial", path="/pypi/") == journal.last_serial()


def test_changes_are_told_in_order_and_from_a_serial_on(ask: Ask, published: Project, alice: User, now: Any) -> None:
    begin = journal.last_serial()
    by = of_user(alice, "session")
    release = published.releases.get()
    actions.yank_release(published, "1.0", reason="broken", by=by, at=now)
    actions.remove_file(published, release.files.get().filename, by=by, at=now)
    told = ask("changelog_since_serial", begin)
    assert told == [
        ["roundup", "1.0", int(now.timestamp()), "yank release", begin + 1],
        ["roundup", None, int(now.timestamp()), "remove file roundup-1.0-py3-none-any.whl", begin + 2],
    ]
    assert ask("changelog_since_serial", begin + 1) == told[1:]
    assert ask("changelog_since_serial", begin + 2) == ask("changelog_since_serial", 2**31 - 1) == []
    everything = ask("changelog_since_serial", 0)
    assert [row[4] for row in everything] == sorted({row[4] for row in everything})
    assert ask("changelog_since_serial", -5) == everything
    assert everything[-2:] == told


def test_no_call_gets_more_rows_than_the_public_index_gives_and_asking_again_gets_the_rest(
    ask: Ask, published: Project, submit: Any, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert changelog.ROWS_AT_ONCE == 50_000
    for number in range(7):
        submit(alice, name="another", version=f"{number}.1")
    whole = ask("changelog_since_serial", 0)
    monkeypatch.setattr(changelog, "ROWS_AT_ONCE", 2)
    pieces, serial = [], 0
    while piece := ask("changelog_since_serial", serial):
        assert len(piece) <= 2
        pieces += piece
        serial = piece[-1][4]
    assert pieces == whole
    assert len(whole) == 9


def test_who_holds_which_role_is_no_mirrors_business(ask: Ask, published: Project, bob: User, now: Any) -> None:
    before = ask("changelog_since_serial", 0)
    actions.assign_role(published, bob, "maintainer", by=command(), at=now)
    assert ask("changelog_since_serial", 0) == before
    assert ask("list_packages_with_serial")["roundup"] == journal.last_serial() > before[-1][4]


def test_A86_no_call_names_a_private_project_or_a_serial_of_one(
    ask: Ask, published: Project, hide: Any, upload: Any, wheel: Wheel, alice: User, now: Any
) -> None:
    hidden_at = journal.last_serial()
    hide("roundup", alice)
    upload(alice, wheel(version="2.0"))
    assert set(ask("list_packages_with_serial")) == {"another"}
    assert {row[0] for row in ask("changelog_since_serial", 0)} == {"another"}
    assert ask("changelog_since_serial", hidden_at) == []
    by = of_user(alice, "session")
    actions.set_visibility(queries.project("roundup", by=by), is_private=False, by=by, at=now)
    assert "publish" in [row[3] for row in ask("changelog_since_serial", hidden_at) if row[0] == "roundup"]


def test_a_version_that_xml_cannot_hold_breaks_no_answer(ask: Ask, published: Project, now: Any) -> None:
    Entry.objects.filter(topic="roundup").update(data={"version": "1\x0b<&\ufffe"})
    assert ask("changelog_since_serial", 0)[0][1] == "1\ufffd<&\ufffd"


@pytest.mark.parametrize("accepts", ["", "gzip"])
def test_a_long_list_comes_from_the_newest_build(
    client: Client, published: Project, accepts: str, monkeypatch: pytest.MonkeyPatch, submit: Any, alice: User
) -> None:
    monkeypatch.setattr(listing, "LONG_PROJECTS", 1)
    sent = xmlrpc.client.dumps((), "list_packages_with_serial")

    def ask() -> Any:
        return client.post("/pypi", sent, content_type="text/xml", headers={"Accept-Encoding": accepts})

    assert b"is being made" in ask().content
    made = listing.build()
    submit(alice, name="later", version="1.0")
    response = ask()
    body = response.getvalue()
    assert response["X-PyPI-Last-Serial"] == str(made.serial)
    assert response.get("Content-Encoding", "") == accepts
    told = xmlrpc.client.loads(gzip.decompress(body) if accepts else body)[0][0]
    assert told == {"roundup": journal.serial_of("roundup"), "another": journal.serial_of("another")}


def test_A86_a_build_from_before_names_nobody_who_is_hidden_now(
    ask: Ask, published: Project, hide: Any, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing, "LONG_PROJECTS", 0)
    listing.build()
    assert set(ask("list_packages_with_serial")) == {"roundup", "another"}
    hide("roundup", alice)
    assert set(ask("list_packages_with_serial")) == {"another"}


def test_changes_are_compressed_for_who_takes_it(client: Client, published: Project) -> None:
    sent = xmlrpc.client.dumps((0,), "changelog_since_serial")
    plain = client.post("/pypi", sent, content_type="text/xml")
    packed = client.post("/pypi", sent, content_type="text/xml", headers={"Accept-Encoding": "gzip, deflate"})
    assert packed["Content-Encoding"] == "gzip"
    assert gzip.decompress(packed.content) == plain.content


@pytest.mark.parametrize(
    ("method", "params", "code", "words"),
    [
        ("system.multicall", (), -32601, "no method 'system.multicall'"),
        ("release_urls", ("roundup", "1.0"), -32601, "/pypi/NAME/VERSION/json"),
        ("changelog_since_serial", (), -32602, "a whole number"),
        ("changelog_since_serial", ("7",), -32602, "a whole number"),
        ("changelog_last_serial", (7,), -32602, "no parameters"),
        ("no_&amp;_method", (), -32601, "no_&_method"),
    ],
)
def test_what_is_asked_wrong_is_told_what_is_right(ask: Ask, method: str, params: Any, code: int, words: str) -> None:
    with pytest.raises(xmlrpc.client.Fault) as caught:
        ask(method, *params)
    assert caught.value.faultCode == code
    assert words in caught.value.faultString


def test_A69_a_body_is_read_as_far_as_a_call_is_long(client: Client) -> None:
    answer = client.post("/pypi", b"<methodCall>" + b" " * 3_000_000, content_type="text/xml")
    assert b"4096 bytes at most" in answer.content


def test_only_so_many_long_answers_are_made_at_once(
    client: Client, published: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(views.LONG, "wait_s", 0)
    sent = xmlrpc.client.dumps((0,), "changelog_since_serial")
    with views.LONG, views.LONG:
        assert client.post("/pypi", sent, content_type="text/xml").status_code == 429
    assert client.post("/pypi", sent, content_type="text/xml").status_code == 200


def test_uploads_still_come_in_at_the_same_address(client: Client, alice: User, auth: Any) -> None:
    form = {":action": "submit", "name": "roundup", "version": "1.0", "metadata_version": "2.1"}
    assert client.post("/pypi", form, headers=auth(alice)).status_code == 200
    assert client.get("/pypi?:action=list_classifiers").status_code == 200


def test_files_are_found_below_packages_where_mirrors_look(client: Client, published: Project, settings: Any) -> None:
    settings.CONFIG = dataclasses.replace(settings.CONFIG, public_url="https://index.example.org")
    told = client.get("/pypi/roundup/json").json()["urls"][0]
    assert told["url"].startswith("https://index.example.org/packages/")
    path = told["url"].removeprefix("https://index.example.org")
    moved = client.get(path)
    assert moved.status_code == 301
    assert moved["Location"] == path.replace("/packages/", "/files/", 1)
    assert client.get(moved["Location"]).status_code == 200
    metadata = client.get(client.get(f"{path}.metadata")["Location"])
    assert told["core-metadata"] == {"sha256": hashlib.sha256(metadata.getvalue()).hexdigest()}


def test_times_are_utc(ask: Ask, published: Project) -> None:
    at = ask("changelog_since_serial", 0)[0][2]
    assert abs(datetime.fromtimestamp(at, UTC) - published.created_at).total_seconds() < 2
