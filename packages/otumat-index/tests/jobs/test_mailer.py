"""Sending what the outbox holds, over real SMTP."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core.mail import EmailMultiAlternatives

from otumat_index.jobs import letters, outbox
from otumat_index.jobs.mailer import PAUSES_S, Mailer
from otumat_index.jobs.models import Mail

pytestmark = pytest.mark.django_db(transaction=True)
State = Mail.State


@pytest.fixture(autouse=True)
def _plain_letters(monkeypatch: pytest.MonkeyPatch) -> None:
    def render(mail: Mail) -> EmailMultiAlternatives | None:
        if mail.topic == "unwanted":
            return None
        if mail.topic == "broken":
            raise ZeroDivisionError
        return EmailMultiAlternatives(
            "Hello", "Text\n", to=[mail.address], headers={"Message-ID": letters.message_id(mail)}
        )

    monkeypatch.setattr(outbox, "RENDERERS", {"tests": render})


@pytest.fixture
def put(now: Any) -> Callable[..., Mail]:
    def make(address: str, **words: Any) -> Mail:
        serial = Mail.objects.count() + 1
        times = {"created_at": now, "due_at": now}
        return Mail.objects.create(
            **{"serial": serial, "last_serial": serial, "kind": "tests", "address": address, **times, **words}
        )

    return make


def states() -> dict[str, str]:
    return dict(Mail.objects.values_list("address", "state"))


def test_a_batch_goes_over_one_connection_and_never_again(smtp: Any, put: Any, now: Any) -> None:
    for number in range(5):
        put(f"p{number}@example.org")
    mailer = Mailer()
    assert mailer.send_due(at=now) == 5
    assert mailer.send_due(at=now) == 0
    assert smtp.addresses() == [f"p{number}@example.org" for number in range(5)]
    assert len(smtp.sessions) == 1
    assert set(states().values()) == {State.SENT}
    assert not Mail.objects.filter(done_at=None).exists()


def test_nothing_is_sent_before_it_is_due(smtp: Any, put: Any, now: Any) -> None:
    put("later@example.org", due_at=now + timedelta(seconds=5))
    assert Mailer().send_due(at=now) == 0
    assert Mailer().send_due(at=now + timedelta(seconds=5)) == 1


def test_a_refusal_for_good_is_not_tried_again(smtp: Any, put: Any, now: Any) -> None:
    smtp.answer = lambda address: "550 no such mailbox" if address.startswith("gone") else "250 OK"
    put("gone@example.org")
    put("here@example.org")
    Mailer().send_due(at=now)
    assert states() == {"gone@example.org": State.FAILED, "here@example.org": State.SENT}
    assert "550 no such mailbox" in Mail.objects.get(address="gone@example.org").problem


def test_a_temporary_refusal_is_tried_again_after_growing_pauses_until_it_has_failed(
    smtp: Any, put: Any, now: Any
) -> None:
    smtp.answer = lambda address: "451 try later"
    put("busy@example.org")
    mailer, at = Mailer(), now
    for pause_s in PAUSES_S:
        mailer.send_due(at=at)
        mail = Mail.objects.get()
        assert (mail.state, mail.due_at) == (State.QUEUED, at + timedelta(seconds=pause_s))
        assert mailer.send_due(at=mail.due_at - timedelta(seconds=1)) == 0
        at = mail.due_at
    mailer.send_due(at=at)
    assert Mail.objects.get().state == State.FAILED
    assert Mail.objects.get().tries == len(PAUSES_S) + 1


def test_a_mail_that_waited_is_sent_once_the_server_takes_it(smtp: Any, put: Any, now: Any) -> None:
    smtp.answer = lambda address: "451 try later"
    put("busy@example.org")
    mailer = Mailer()
    mailer.send_due(at=now)
    smtp.answer = lambda address: "250 OK"
    assert mailer.send_due(at=now + timedelta(days=1)) == 1
    assert smtp.addresses() == ["busy@example.org"]


def test_a_connection_lost_after_the_text_was_sent_leaves_the_mail_unknown(
    smtp: Any, put: Any, now: Any, caplog: pytest.LogCaptureFixture
) -> None:
    smtp.answer = lambda address: "hang up" if address.startswith("cut") else "250 OK"
    put("cut@example.org")
    put("next@example.org")
    mailer = Mailer()
    mailer.send_due(at=now)
    mailer.send_due(at=now + timedelta(days=9))
    assert states() == {"cut@example.org": State.UNKNOWN, "next@example.org": State.SENT}
    assert "before the mail server said" in caplog.text
    assert "cut@example.org" not in caplog.text  # addresses are nobody's business but the recipient's


def test_a_server_that_cannot_be_reached_costs_no_mail_a_try(
    smtp: Any, put: Any, now: Any, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    put("p@example.org")
    mailer = Mailer()
    smtp.stop()
    assert mailer.send_due(at=now) == 0
    assert Mail.objects.get().tries == 0
    assert "cannot be reached" in caplog.text
    caplog.clear()
    assert mailer.send_due(at=now) == 0
    assert caplog.text == ""  # it waits before it asks again
    smtp.start()
    mailer.silent_until = time.monotonic()
    assert mailer.send_due(at=now) == 1


def test_what_was_being_sent_when_the_mailer_died_is_reported_and_not_sent_again(
    smtp: Any, put: Any, now: Any, caplog: pytest.LogCaptureFixture
) -> None:
    put("half@example.org", state=State.SENDING)
    put("next@example.org")
    mailer = Mailer()
    with caplog.at_level(logging.ERROR):
        mailer.recover(at=now)
    mailer.send_due(at=now + timedelta(days=30))
    assert states() == {"half@example.org": State.UNKNOWN, "next@example.org": State.SENT}
    assert "It may have arrived" in caplog.text


def test_mail_that_nobody_wants_any_more_or_that_cannot_be_written_stops_no_other(
    smtp: Any, put: Any, now: Any
) -> None:
    put("a@example.org", topic="unwanted")
    put("b@example.org", topic="broken")
    put("c@example.org")
    Mailer().send_due(at=now)
    assert states() == {"a@example.org": State.DROPPED, "b@example.org": State.FAILED, "c@example.org": State.SENT}


def test_old_rows_are_forgotten(put: Any, now: Any) -> None:
    put("old@example.org", state=State.SENT, done_at=now - timedelta(days=100))
    put("waiting@example.org", created_at=now - timedelta(days=100))
    outbox.forget(at=now)
    assert list(states()) == ["waiting@example.org"]
