"""Digests and alerts: to whom they go, what they say, and each once."""

from __future__ import annotations

import email
import email.policy
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from django.test import Client

from harness.server import free_port
from harness.waiting import PATIENCE_S
from otumat_index.accounts.credentials import of_user
from otumat_index.accounts.models import User
from otumat_index.accounts.notices import actions as notices
from otumat_index.accounts.notices.models import UsageMail
from otumat_index.jobs import outbox
from otumat_index.jobs.mailer import Mailer
from otumat_index.jobs.models import Mail
from otumat_index.publish.models import Project, Role
from otumat_index.usage.telling import actions, queries, rules
from otumat_index.usage.telling.models import Alert, Told

pytestmark = pytest.mark.django_db(databases="__all__", transaction=True)
TUESDAY = datetime(2026, 5, 19, 12, tzinfo=UTC)
WEEK = date(2026, 5, 11)
Used = Callable[..., None]
Sent = Callable[..., list[Any]]


def choose(user: User, digest: str, *, alerts: bool = True) -> None:
    by = of_user(user, "session")
    notices.set_usage_mail(user, "roundup", digest=digest, alerts=alerts, by=by, at=TUESDAY)


def alert(project: Project, user: User, kind: str, number: int, event: str = "") -> None:
    asked = rules.Definition(kind, number, event)
    actions.add_alert(project, asked, by=of_user(user, "session"), at=TUESDAY)


@pytest.fixture
def maintainer(project: Project, bob: User, now: datetime) -> User:
    Role.objects.create(project=project, user=bob, kind="maintainer", granted_at=now)
    return bob


def test_nobody_gets_a_digest_without_asking(project: Project, used: Used, sent: Sent) -> None:
    used(30, WEEK)
    assert sent() == []


def test_a_digest_tells_a_week_once(project: Project, used: Used, sent: Sent, alice: User) -> None:
    used(20, WEEK - timedelta(7))
    used(30, WEEK + timedelta(2))
    choose(alice, "week")
    assert sent(TUESDAY - timedelta(1)) != []  # the week before that, on Monday
    (message,) = sent()
    assert message.to == ["alice@example.org"]
    assert message.subject.endswith("roundup: 30 active installs in the week of 11 May 2026")
    page = message.alternatives[0].content
    for words in ("50 % more than the 20 before", "fetch: 60", "1.0: 30"):
        assert words in message.body
        assert words in page
    assert sent(TUESDAY + timedelta(hours=1)) == sent(TUESDAY + timedelta(6)) == []
    assert len(sent(TUESDAY + timedelta(7))) == 1, "thirty lapsed, which is worth a mail"
    assert sent(TUESDAY + timedelta(14)) == [], "nothing at all is not"


def test_a_digest_by_month_tells_a_month(project: Project, used: Used, sent: Sent, alice: User) -> None:
    used(30, date(2026, 4, 20))
    choose(alice, "month")
    (message,) = sent()
    assert message.subject.endswith("roundup: 30 active installs in April 2026")
    assert sent(TUESDAY + timedelta(7)) == []


def test_only_owners_and_maintainers_are_told(
    project: Project, used: Used, sent: Sent, alice: User, maintainer: User, charlie: User
) -> None:
    used(30, WEEK)
    for user in (alice, maintainer, charlie):
        choose(user, "week")
    assert sorted(message.to[0] for message in sent()) == ["alice@example.org", "bob@example.org"]


def test_who_lost_the_role_before_the_mail_left_is_not_told(
    project: Project, used: Used, alice: User, maintainer: User, mailoutbox: list[Any]
) -> None:
    used(30, WEEK)
    choose(maintainer, "week")
    choose(alice, "week")
    actions.tell_all(at=TUESDAY)
    Role.objects.filter(user=maintainer).delete()
    UsageMail.objects.filter(user=alice).update(digest="none")
    mailoutbox.clear()
    Mailer().send_due(at=TUESDAY)
    assert mailoutbox == []
    assert set(Mail.objects.filter(kind="usage").values_list("state", flat=True)) == {Mail.State.DROPPED}


def test_an_alert_goes_to_owners_once_for_each_occasion(
    project: Project, used: Used, sent: Sent, alice: User, maintainer: User
) -> None:
    used(100, WEEK - timedelta(7))
    used(60, WEEK)
    alert(project, alice, "fall", 30)
    (message,) = sent()
    told = "In the week of 11 May 2026, 60 installs were active, 40 % fewer than the 100 of the week before."
    assert message.to == ["alice@example.org"]
    assert told in message.body
    assert message.subject.endswith(f"roundup: {told}")
    assert sent() == []
    choose(maintainer, "none", alerts=True)
    assert sent(TUESDAY + timedelta(1)) == [], "who comes later is not told of what is over"
    messages = sent(TUESDAY + timedelta(7))
    assert sorted(each.to[0] for each in messages) == ["alice@example.org", "bob@example.org"]


def test_a_yanked_release_in_use_is_told_of(project: Project, used: Used, sent: Sent, alice: User) -> None:
    used(12, WEEK)
    alert(project, alice, "yanked", 10)
    alert(project, alice, "adopted", 90)
    alert(project, alice, "lost", 5, "fetch")
    assert [message.subject.partition("roundup: ")[2] for message in sent()] == [
        "1.0 is on 100 % of the 12 installs that were active in the last 28 days."
    ]
    project.releases.update(is_yanked=True)
    assert "1.0 is yanked, and 12 installs were active with it" in sent()[0].body
    used(2, WEEK + timedelta(1), lost=7)
    assert "7 uses of fetch were not counted; 0 the week before." in sent()[0].body
    assert sent(TUESDAY + timedelta(1)) == []


def test_a_crash_between_row_and_mail_leaves_neither(
    project: Project, used: Used, sent: Sent, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    used(30, WEEK)
    choose(alice, "week")
    with monkeypatch.context() as patched:
        patched.setattr(outbox, "post", lambda *args, **words: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            actions.tell_all(at=TUESDAY)
    assert not Told.objects.exists()
    assert len(sent()) == 1


def test_two_machines_at_once_tell_once(project: Project, used: Used, alice: User) -> None:
    """The second one has read that nothing was told yet, and is late."""
    used(30, WEEK)
    choose(alice, "week")
    for _ in range(2):
        actions.tell(project, "week", "2026-05-11", queries.readers(project, "week"), at=TUESDAY)
    assert Mail.objects.filter(kind="usage").count() == 1


def test_one_click_stops_mail_about_uses_and_nothing_else(
    project: Project, used: Used, sent: Sent, alice: User, submit: Any, post: Any
) -> None:
    used(100, WEEK - timedelta(7))
    used(30, WEEK)
    choose(alice, "week")
    alert(project, alice, "fall", 30)
    messages = sent()
    assert len(messages) == 2
    path = ""
    for message in messages:
        path = message.extra_headers["List-Unsubscribe"].strip("<>").partition("://")[2].partition("/")[2]
        assert f"/{path}" in message.body
        assert message.extra_headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert "uses of roundup" in Client().get(f"/{path}").content.decode()
    assert Client(enforce_csrf_checks=True).post(f"/{path}").status_code == 200
    assert (UsageMail.objects.get().digest, UsageMail.objects.get().alerts) == ("none", False)
    assert sent(TUESDAY + timedelta(7)) == []
    submit(alice, summary="New.")
    assert any("roundup" in message.subject for message in post())


def test_an_alert_that_is_removed_is_silent(project: Project, used: Used, sent: Sent, alice: User) -> None:
    used(12, WEEK)
    alert(project, alice, "adopted", 90)
    actions.tell_all(at=TUESDAY)
    actions.remove_alert(project, Alert.objects.get().pk, by=of_user(alice, "session"), at=TUESDAY)
    assert sent() == []


class Server:
    """A real mail server."""

    def __init__(self) -> None:
        self.taken: list[Any] = []
        self.port = free_port()
        self.controller = Controller(self, hostname="127.0.0.1", port=self.port, ready_timeout=PATIENCE_S)

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        self.taken.append(email.message_from_bytes(envelope.content, policy=email.policy.default))
        return "250 OK"


@pytest.fixture
def smtp(settings: Any) -> Iterator[Server]:
    server = Server()
    server.controller.start()
    settings.EMAIL_BACKEND = "otumat_index.web.mail.Smtp"
    settings.EMAIL_HOST, settings.EMAIL_PORT, settings.EMAIL_TIMEOUT = "127.0.0.1", server.port, 10
    settings.EMAIL_HOST_USER = settings.EMAIL_HOST_PASSWORD = ""
    settings.EMAIL_USE_TLS = settings.EMAIL_USE_SSL = False
    yield server
    server.controller.stop()


def test_over_real_smtp_each_mail_arrives_once(project: Project, used: Used, alice: User, smtp: Server) -> None:
    used(100, WEEK - timedelta(7))
    used(60, WEEK)
    choose(alice, "week")
    alert(project, alice, "fall", 30)
    for hours in range(3):
        actions.tell_all(at=TUESDAY + timedelta(hours=hours))
        Mailer().send_due(at=TUESDAY + timedelta(hours=hours))
    ours = [message for message in smtp.taken if "uses" in str(message["List-Id"])]
    assert len(ours) == 2
    assert len({str(message["Message-ID"]) for message in ours}) == 2
    for message in ours:
        assert {part.get_content_type() for part in message.walk()} >= {"text/plain", "text/html"}
        assert message["Auto-Submitted"] == "auto-generated"
        assert "one-click" in str(message["List-Unsubscribe-Post"]).lower()
    assert not Mail.objects.filter(kind="usage").exclude(state=Mail.State.SENT).exists()
