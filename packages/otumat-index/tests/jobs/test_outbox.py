"""The journal becomes mail: each row once, by whomever, however often they are killed."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, connections

from harness.waiting import PATIENCE_S
from otumat_index.jobs import outbox
from otumat_index.jobs.models import Cursor, Mail
from otumat_index.jobs.outbox import Draft
from otumat_index.journal.models import Entry

pytestmark = pytest.mark.django_db(transaction=True)
Row = Callable[..., int]
ADDRESSES = ("one@example.org", "two@example.org")


@pytest.fixture(autouse=True)
def _one_listener(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox, "LISTENERS", {})

    @outbox.mails("tests", ["tests.happen", "tests.join"], joined=["tests.join"])
    def tell(entry: Entry) -> Iterable[Draft]:
        return [Draft("change", address, None) for address in ADDRESSES]


def queued() -> list[tuple[int, int, str]]:
    return sorted(Mail.objects.values_list("serial", "last_serial", "address"))


def test_every_row_is_turned_into_mail_once(row: Row, now: Any) -> None:
    serials = [row(), row()]
    outbox.follow(at=now)
    outbox.follow(at=now)
    assert queued() == sorted((serial, serial, address) for serial in serials for address in ADDRESSES)
    assert Cursor.objects.get(name="tests").serial == serials[-1]


def test_rows_nobody_listens_to_and_imported_ones_are_passed_over(row: Row, now: Any) -> None:
    row("tests.other")
    imported = row()
    Entry.objects.filter(serial=imported).update(data={"import": True})
    outbox.follow(at=now)
    assert queued() == []
    assert Cursor.objects.get(name="tests").serial == imported


def test_a_listener_that_is_new_begins_now(row: Row, now: Any) -> None:
    row()
    outbox.begin()
    outbox.follow(at=now)
    assert queued() == []
    row()
    outbox.follow(at=now)
    assert len(queued()) == 2


def test_more_rows_than_one_transaction_takes_are_all_turned(row: Row, now: Any) -> None:
    for _ in range(outbox.ROWS_AT_ONCE + 7):
        row()
    outbox.follow(at=now)
    assert Mail.objects.count() == 2 * (outbox.ROWS_AT_ONCE + 7)


def test_what_fails_in_the_middle_leaves_neither_mail_nor_a_moved_cursor(
    row: Row, now: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    row()
    row()
    listener = outbox.LISTENERS["tests"]

    def plan(entries: Sequence[Entry], at: Any) -> outbox.Write:
        write = listener.plan(entries[:1], at)

        def stumble() -> None:
            write()
            assert queued()
            raise ZeroDivisionError

        return stumble

    broken = outbox.Listener("tests", listener.actions, plan)
    with pytest.raises(ZeroDivisionError):
        outbox.step(broken, at=now)
    assert queued() == []
    outbox.follow(at=now)
    assert len(queued()) == 4


def test_who_is_told_is_worked_out_while_others_may_write(row: Row, now: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []
    listener = outbox.LISTENERS["tests"]

    def plan(entries: Sequence[Entry], at: Any) -> outbox.Write:
        seen.append(connection.in_atomic_block)
        return listener.plan(entries, at)

    row()
    outbox.step(outbox.Listener("tests", listener.actions, plan), at=now)
    assert seen == [False]
    assert len(queued()) == 2


def test_a_plan_is_dropped_when_another_machine_was_first(row: Row, now: Any) -> None:
    listener = outbox.LISTENERS["tests"]

    def plan(entries: Sequence[Entry], at: Any) -> outbox.Write:
        outbox.step(listener, at=now)
        return listener.plan(entries, at)

    row()
    assert outbox.step(outbox.Listener("tests", listener.actions, plan), at=now) == 1
    assert len(queued()) == 2


def test_many_followers_turn_every_row_once(row: Row, now: Any) -> None:
    for _ in range(30):
        row()
    starting = threading.Barrier(4)

    def follow(_: int) -> None:
        starting.wait(PATIENCE_S)
        try:
            outbox.follow(at=now)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(follow, range(4)))
    assert Mail.objects.count() == 60
    assert Cursor.objects.get(name="tests").serial == 30


def test_changes_in_a_row_share_a_mail_until_it_is_quiet(row: Row, now: Any) -> None:
    first = row("tests.join", topic="roundup")
    outbox.follow(at=now)
    second = row("tests.join", topic="roundup")
    outbox.follow(at=now + timedelta(seconds=2))
    assert queued() == [(first, second, address) for address in ADDRESSES]
    assert set(Mail.objects.values_list("due_at", flat=True)) == {now + timedelta(seconds=2 + outbox.QUIET_S)}


def test_changes_that_are_found_together_share_a_mail_as_if_found_one_by_one(row: Row, now: Any) -> None:
    topics = ("roundup", "other", "roundup", "", "roundup", "")
    serials = [row("tests.join", topic=topic) for topic in topics]
    alone = row("tests.happen", topic="roundup")
    outbox.follow(at=now)
    expected = [(serials[0], serials[4]), (serials[1], serials[1]), (serials[3],) * 2, (serials[5],) * 2, (alone,) * 2]
    assert queued() == sorted((*each, address) for each in expected for address in ADDRESSES)
    last = row("tests.join", topic="other")
    outbox.follow(at=now + timedelta(seconds=1))
    assert (serials[1], last, ADDRESSES[0]) in queued()


@pytest.mark.parametrize(
    ("words", "wait_s"),
    [({"topic": "other"}, 1), ({"topic": "roundup", "actor": "bob"}, 1), ({"topic": "roundup"}, outbox.QUIET_S)],
    ids=["another project", "another person", "after a pause"],
)
def test_other_changes_have_a_mail_of_their_own(row: Row, now: Any, words: dict[str, str], wait_s: int) -> None:
    row("tests.join", topic="roundup")
    outbox.follow(at=now)
    row("tests.join", **words)
    outbox.follow(at=now + timedelta(seconds=wait_s))
    assert len(queued()) == 4


def test_a_mail_waits_no_longer_than_its_bound(row: Row, now: Any) -> None:
    for second in range(2 * outbox.LONGEST_S):
        row("tests.join", topic="roundup")
        outbox.follow(at=now + timedelta(seconds=second))
    assert len(queued()) == 4
    waited = {mail.due_at - mail.created_at for mail in Mail.objects.all()}
    assert max(waited) <= timedelta(seconds=outbox.LONGEST_S)


def test_a_change_does_not_join_mail_of_which_some_has_left(row: Row, now: Any) -> None:
    row("tests.join", topic="roundup")
    outbox.follow(at=now)
    Mail.objects.filter(address=ADDRESSES[0]).update(state=Mail.State.SENDING)
    second = row("tests.join", topic="roundup")
    outbox.follow(at=now + timedelta(seconds=1))
    assert [each for each in queued() if each[0] == second] == [(second, second, address) for address in ADDRESSES]


def test_the_database_itself_refuses_a_second_mail_for_a_change(row: Row, now: Any) -> None:
    row()
    outbox.follow(at=now)
    Cursor.objects.update(serial=0)
    with pytest.raises(Exception, match=r"(?i)unique"):
        outbox.follow(at=now)
    assert connection.is_usable()
