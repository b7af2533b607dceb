"""From a commit to the hot lane: what changed is forgotten, old renderings are refused, silence turns it off."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from django.db import OperationalError
from django.test import Client

from otumat_index.accounts.credentials import of_user
from otumat_index.accounts.models import User
from otumat_index.discover import listing, prepare, tasks
from otumat_index.jobs import follower
from otumat_index.jobs.follower import Follower
from otumat_index.journal import queries as journal
from otumat_index.publish import actions, queries
from otumat_index.publish.models import File, Project
from otumat_index.web import hints
from otumat_index.web.lane import Store

Wheel = Callable[..., tuple[str, bytes]]
PAGE = "/simple/roundup/"

# Changes reach the lane after their commit: no test may sit inside a transaction.
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def published(upload: Any, wheel: Wheel, alice: User) -> File:
    assert upload(alice, wheel()).status_code == 200
    return File.objects.get()


def test_a_page_asked_for_once_is_in_the_lane_and_goes_with_the_next_change(
    client: Client, published: File, store: Store, upload: Any, wheel: Wheel, alice: User
) -> None:
    body = client.get(PAGE).content
    assert {row.format for row in store.find(PAGE)} == {"json", "html"}
    row = next(row for row in store.find(PAGE) if row.format == "html")
    assert store.body(row, compressed=False) == body
    upload(alice, wheel(version="2.0"))
    assert store.find(PAGE) == []


def test_a_file_and_its_metadata_go_with_the_project(
    client: Client, published: File, store: Store, alice: User, now: Any
) -> None:
    paths = [f"/files/{published.key}", f"/files/{published.key}.metadata"]
    for path in paths:
        client.get(path)
        assert store.find(path)
    by = of_user(alice, "session")
    actions.remove_file(Project.objects.get(), published.filename, by=by, at=now)
    for path in paths:
        assert store.find(path) == []
        assert client.get(path).status_code == 404


def test_the_follower_marks_what_changed_and_goes_on_from_there(published: File, store: Store) -> None:
    old = journal.serial_of("roundup")
    store.followed = 0
    follow = Follower(store)
    follow.catch_up()
    assert store.followed == journal.last_serial()
    answers = prepare.project_answers(published.release.project, serial=old)
    assert not store.put("roundup", old - 1, answers)  # rendered before the change
    assert store.put("roundup", old, answers)
    follow.catch_up()  # once more does no harm
    assert store.find(PAGE)


def test_after_an_import_everything_is_stale_at_once(
    client: Client, published: File, store: Store, submit: Any, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    Follower(store).catch_up()
    client.get(PAGE)
    assert store.find(PAGE)
    monkeypatch.setattr(follower, "SERIALS_AT_ONCE", 3)
    for n in range(7):
        submit(alice, name="another", version=f"{n}.0")
    heard: list[dict[str, int]] = []
    monkeypatch.setattr(follower, "LISTENERS", [heard.append])
    Follower(store).catch_up()
    assert store.find(PAGE) == []
    assert heard == [{"another": journal.serial_of("another")}]
    assert store.followed == journal.last_serial()


def test_another_database_makes_everything_stale(client: Client, published: File, store: Store) -> None:
    client.get(PAGE)
    store.followed = 10_000
    store.mark_stale("roundup", 10_000)
    Follower(store).catch_up()
    assert store.find(PAGE) == []
    assert store.followed == journal.last_serial()
    client.get(PAGE)
    assert store.find(PAGE)  # serials of the other database do not stand in the way


def test_a_listener_that_fails_keeps_no_other_from_its_work(
    published: File, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[object] = []

    def fails(topics: dict[str, int]) -> None:
        raise ValueError("out of order")

    monkeypatch.setattr(follower, "LISTENERS", [fails, heard.append])
    Follower(store).catch_up()
    assert heard


def test_the_heart_is_silent_while_the_journal_cannot_be_read(
    published: File, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    import threading

    Follower(store).catch_up()
    assert store.heartbeat()
    assert store.cells.view[1] > 0
    stopping = threading.Event()

    def broken() -> int:
        stopping.set()
        raise OperationalError("gone")

    monkeypatch.setattr(journal, "last_serial", broken)
    Follower(store).run(stopping)
    assert store.cells.view[1] == 0


def test_pages_are_rendered_ahead_once_a_project_is_quiet(
    published: File, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    keeper = tasks.PageKeeper()
    keeper.note({"roundup": journal.serial_of("roundup")})
    monkeypatch.setattr(tasks, "QUIET_S", 0)
    keeper()
    assert {row.format for row in store.find(PAGE)} == {"json", "html"}
    assert keeper.changed_at == {}


def test_the_list_is_built_and_put_into_the_lane(published: File, store: Store) -> None:
    keeper = tasks.ListKeeper()
    keeper()
    assert {row.format for row in store.find("/simple/")} == {"json", "html"}
    assert keeper.built_serial == journal.last_serial()


@pytest.mark.parametrize("kind", ["text/html", "application/vnd.pypi.simple.v1+json"])
@pytest.mark.parametrize("is_long", [False, True])
def test_A79_no_list_begun_after_a_project_was_hidden_names_it(
    client: Client,
    published: File,
    store: Store,
    submit: Any,
    alice: User,
    now: Any,
    monkeypatch: pytest.MonkeyPatch,
    kind: str,
    is_long: bool,
) -> None:
    monkeypatch.setattr(listing, "LONG_PROJECTS", 0 if is_long else 5_000)
    for name in ("apples", "roundup-too", "zebras"):
        submit(alice, name=name)
    keeper = tasks.ListKeeper()
    keeper()
    by = of_user(alice, "session")
    xml = b"<methodCall><methodName>list_packages_with_serial</methodName><params/></methodCall>"

    def told() -> list[bytes]:
        accepts = [{"Accept": kind, "Accept-Encoding": coding} for coding in ("gzip", "identity")]
        pages = [client.get("/simple/", headers=headers) for headers in accepts]
        pages.append(client.post("/pypi", xml, content_type="text/xml"))
        return [b"".join(page) if page.streaming else page.content for page in pages]  # type: ignore[attr-defined]

    for number, name in enumerate(("roundup", "zebras")):
        assert store.find("/simple/") != []
        actions.set_visibility(queries.project(name, by=by), is_private=True, by=by, at=now)
        assert store.find("/simple/") == [], "no worker answers with the old list"
        for body in told():
            assert name.encode() not in re.findall(
                rb"[a-z-]+", gzip.decompress(body) if body[:2] == b"\x1f\x8b" else body
            )
            assert b"roundup-too" in body or body[:2] == b"\x1f\x8b"
        json.loads(client.get("/simple/", headers={"Accept": "application/vnd.pypi.simple.v1+json"}).content)
        keeper.not_before = 0
        keeper()
        assert keeper.built_serial == journal.last_serial(), number


def test_a_follower_elsewhere_drops_the_list_that_names_a_hidden_project(
    published: File, store: Store, alice: User, now: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    keeper = tasks.ListKeeper()
    keeper()
    by = of_user(alice, "session")
    with monkeypatch.context() as elsewhere:
        elsewhere.setattr(hints, "running", lambda: None)
        actions.set_visibility(queries.project("roundup", by=by), is_private=True, by=by, at=now)
    assert store.find("/simple/")
    keeper.not_before = float("inf")
    keeper()
    assert store.find("/simple/") == []


@pytest.mark.parametrize("door", ["page", "ahead", "file"])
def test_A79_a_page_made_while_its_project_becomes_private_never_stays_in_the_lane(
    client: Client,
    published: File,
    store: Store,
    alice: User,
    now: Any,
    monkeypatch: pytest.MonkeyPatch,
    door: str,
) -> None:
    """The project is hidden after its row was read and before the page is handed to the lane."""
    by = of_user(alice, "session")
    hidden: list[bool] = []

    def hide_first(function: Any) -> Any:
        def act(*args: Any, **words: Any) -> Any:
            if not hidden:
                hidden.append(True)
                actions.set_visibility(queries.project("roundup", by=by), is_private=True, by=by, at=now)
            return function(*args, **words)

        return act

    for name in ("project_answers", "file_answer"):
        monkeypatch.setattr(prepare, name, hide_first(getattr(prepare, name)))
    path = PAGE
    if door == "page":
        client.get(PAGE)
    elif door == "file":
        path = f"/files/{published.key}"
        client.get(path)
    else:
        keeper = tasks.PageKeeper()
        keeper.note({"roundup": journal.serial_of("roundup")})
        monkeypatch.setattr(tasks, "QUIET_S", 0)
        keeper()
    assert hidden
    assert store.find(path) == []
    assert client.get(path).status_code == 404


def test_a_store_that_cannot_be_written_costs_nobody_the_page(
    client: Client, published: File, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*args: Any) -> bool:
        raise OSError("no space left")

    monkeypatch.setattr(Store, "put", full)
    monkeypatch.setattr(Store, "mark_stale", full)
    assert client.get(PAGE).status_code == 200
    assert hints.running() is not None
