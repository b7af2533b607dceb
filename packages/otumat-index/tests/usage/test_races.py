"""What two do at once to one install, each with a connection of its own."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import date
from functools import partial
from threading import Event
from typing import Any

import pytest
from django.db import connection, connections
from django.utils import timezone

from otumat.spec.event import Where
from otumat_index.accounts import oauth
from otumat_index.accounts.models import FamilyToken, TokenFamily, User
from otumat_index.journal import actions as journal
from otumat_index.journal.actor import command
from otumat_index.journal.models import Entry
from otumat_index.publish.models import Project
from otumat_index.usage import actions
from otumat_index.usage.actions import bare, collecting
from otumat_index.usage.actions.installs import Asked
from otumat_index.usage.models import BareName, Install
from otumat_index.usage.stores.models import Activity, Batch
from otumat_index.usage.stores.orm import OrmStore
from otumat_index.usage.stores.protocol import Accepted, Key

pytestmark = [
    pytest.mark.django_db(transaction=True, databases="__all__"),
    pytest.mark.skipif(connection.vendor != "postgresql", reason="only on PostgreSQL: SQLite has one writer at a time"),
]
PATIENCE_S = 30


class Halt:
    """Lets a function of ours return only when it is told to."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, owner: object, name: str) -> None:
        self.reached, self.goes_on = Event(), Event()
        plain = getattr(owner, name)

        def halting(*args: Any, **words: Any) -> Any:
            found = plain(*args, **words)
            self.reached.set()
            assert self.goes_on.wait(PATIENCE_S)
            return found

        monkeypatch.setattr(owner, name, halting)


def meet(first: Callable[[], Any], halt: Halt, second: Callable[[], Any]) -> tuple[Any, Any]:
    """Let the second begin in the middle of the first; that goes on when the second waits for it, or is done."""
    with ThreadPoolExecutor(2) as pool:
        one = pool.submit(alone, first)
        try:
            assert halt.reached.wait(PATIENCE_S)
            other = pool.submit(alone, second)
            until = time.monotonic() + PATIENCE_S
            while not is_settled(other) and time.monotonic() < until:
                pass
        finally:
            halt.goes_on.set()
        return one.result(PATIENCE_S), other.result(PATIENCE_S)


def alone(act: Callable[[], Any]) -> Any:
    try:
        return act()
    finally:
        connections.close_all()


def is_settled(act: Future[Any]) -> bool:
    """Whether it is done, or waits for a lock."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
        return act.done() or cursor.fetchone()[0] > 0


def collect(project: Project) -> None:
    actions.set_collecting(project, is_on=True, by=command(), at=timezone.now())


ACTS = [
    (lambda project: actions.make_install(Asked("roundup"), at=timezone.now()), journal, "write"),
    (lambda project: actions.learn(project, at=timezone.now()), collecting, "keep"),
    (lambda project: bare.note_names(project, {"made-up"}), BareName.objects, "bulk_create"),
]


@pytest.mark.parametrize(("act", "owner", "name"), ACTS, ids=["enrol", "learn", "name"])
def test_who_adds_to_a_project_locks_it_before_anything_else(
    project: Project,
    upload: Any,
    wheel: Any,
    alice: User,
    monkeypatch: pytest.MonkeyPatch,
    act: Callable[[Project], Any],
    owner: object,
    name: str,
) -> None:
    """At its commit a new row waits for the project that it refers to; with a lock in hand it would be for ever."""
    collect(project)
    manifest = b'project = "roundup"\npurpose = "Another."\n'
    assert upload(alice, wheel(version="2.0", members={"roundup/otumat-usage.toml": manifest})).status_code == 200
    meet(partial(act, project), Halt(monkeypatch, owner, name), partial(collect, project))
    assert Entry.objects.filter(action="usage.collect").count() == 2


def test_U14_an_erasure_waits_for_the_first_batch_that_is_under_way(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody sees its rows before its commit, and it does not see that the install is closed."""
    day, store = date(2026, 3, 1), OrmStore()
    first = Accepted(
        *(1, 7, f"{1:032x}", 1, "0" * 64, day, b"body", {Key(day, "import", "", "1.0"): 2}), days={day: Where("1.0")}
    )
    taken, removed = meet(
        lambda: store.accept(first), Halt(monkeypatch, OrmStore, "_heard"), lambda: store.erase(first.install)
    )
    assert (taken.counted, removed) == (2, 1)
    assert (Batch.objects.count(), Activity.objects.count()) == (0, 0)
    assert store.places(7, day, "release") == []
    assert store.counted(7, day, day) == [("import", day, 2)]


def test_U13_U14_an_erasure_waits_for_the_refresh_that_is_under_way(copy: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The tokens that it makes are those of an install that goes."""
    one, now = copy(), timezone.now()
    row, token = one.row, one.told["refresh_token"]
    pair, receipt = meet(
        lambda: oauth.refresh(token, at=now),
        Halt(monkeypatch, oauth, "mint"),
        lambda: actions.erase_install(row, at=now),
    )
    assert (pair.install, receipt["receipt"]["install"]) == (one.told["install"], one.told["install"])
    assert [each.objects.count() for each in (Install, TokenFamily, FamilyToken)] == [0, 0, 0]
