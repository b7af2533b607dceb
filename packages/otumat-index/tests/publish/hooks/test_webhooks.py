"""Webhooks: who may have them, what they are told, and how it is signed; against a real server on this machine."""

from __future__ import annotations

import dataclasses
import hashlib
import hmac
import json
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from django.db import transaction
from django.test import Client
from django.utils import timezone

from otumat.errors import Invalid, NotFound, Refused
from otumat_index.accounts.credentials import of_user
from otumat_index.accounts.models import User
from otumat_index.jobs import outbox
from otumat_index.journal.actor import command
from otumat_index.journal.models import Entry
from otumat_index.publish import actions as publish
from otumat_index.publish import queries as projects
from otumat_index.publish.hooks import actions, rules, sending
from otumat_index.publish.hooks.models import Webhook, WebhookDelivery

pytestmark = pytest.mark.django_db(transaction=True)
State = WebhookDelivery.State
JSON = {"content_type": "application/json"}


class Receiver:
    """A real HTTP server that keeps what it is sent and answers `status`."""

    def __init__(self) -> None:
        self.calls: list[tuple[dict[str, str], bytes]] = []
        self.status = 200
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.calls.append((dict(self.headers), body))
                self.send_response(receiver.status)
                self.end_headers()
                self.wfile.write(b"thank <b>you</b>\r\n")

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/hook"


@pytest.fixture
def receiver(settings: Any) -> Iterator[Receiver]:
    settings.CONFIG = dataclasses.replace(settings.CONFIG, webhook_networks="127.0.0.0/8")
    made = Receiver()
    threading.Thread(target=made.server.serve_forever, args=(0.02,), daemon=True).start()
    yield made
    made.server.shutdown()
    made.server.server_close()


@pytest.fixture
def hook(receiver: Receiver, alice: User, submit: Any, now: datetime) -> tuple[Webhook, str]:
    """A webhook of Alice's project, and its secret."""
    submit(alice)
    project = projects.project("roundup", by=command())
    made = actions.create_webhook(project, receiver.url, by=of_user(alice, "session"), at=now)
    outbox.follow(at=now)
    return made


@pytest.fixture
def deliver() -> Iterator[Callable[[datetime], int]]:
    with ThreadPoolExecutor(sending.AT_ONCE) as pool:

        def act(at: datetime) -> int:
            outbox.follow(at=at)
            return sending.send_due(pool, at=at)

        yield act


def test_a_change_is_told_signed_and_once(
    hook: tuple[Webhook, str], receiver: Receiver, alice: User, submit: Any, deliver: Any, now: datetime, settings: Any
) -> None:
    submit(alice, version="2.0")
    assert deliver(now) == 1
    assert deliver(now + timedelta(days=2)) == 0
    ((headers, body),) = receiver.calls
    entry = Entry.objects.get(action="release.create", data__version="2.0")
    told = json.loads(body)
    assert told == {
        "id": headers["X-Otumat-Delivery"],
        "serial": entry.serial,
        "at": entry.at.isoformat(),
        "action": "release.create",
        "project": "roundup",
        "version": "2.0",
        "subject": "roundup 2.0",
        "actor": "alice",
        "url": f"{settings.CONFIG.public_url}/project/roundup/",
    }
    assert headers["X-Otumat-Event"] == "release.create"
    assert headers["Content-Type"] == "application/json"
    signed = hmac.new(hook[1].encode(), headers["X-Otumat-Timestamp"].encode() + b"." + body, hashlib.sha256)
    assert headers["X-Otumat-Signature"] == f"sha256={signed.hexdigest()}"
    delivery = WebhookDelivery.objects.get()
    assert (delivery.state, delivery.status, delivery.tries) == (State.DELIVERED, 200, 1)
    assert delivery.excerpt == "thank <b>you</b>"


def test_the_secret_is_kept_nowhere(hook: tuple[Webhook, str], client: Client, auth: Any, alice: User) -> None:
    secret = hook[1]
    assert secret.removeprefix("otumat-hook-") not in str(list(Webhook.objects.values()))
    assert secret not in str(list(Entry.objects.values()))
    assert secret not in client.get("/api/v1/project/roundup/webhooks", headers=auth(alice)).content.decode()


def test_only_the_changes_asked_for_are_told(
    receiver: Receiver, alice: User, submit: Any, deliver: Any, now: datetime
) -> None:
    submit(alice)
    by = of_user(alice, "session")
    project = projects.project("roundup", by=by)
    outbox.follow(at=now)
    actions.create_webhook(project, receiver.url, actions=["release.yank"], by=by, at=now)
    submit(alice)
    publish.yank_release(project, "1.0", reason="broken", by=by, at=now)
    deliver(now)
    assert [(json.loads(body)["action"], json.loads(body)["reason"]) for _, body in receiver.calls] == [
        ("release.yank", "broken")
    ]


def test_a_failed_try_is_repeated_with_growing_pauses_and_the_same_body(
    hook: tuple[Webhook, str], receiver: Receiver, alice: User, submit: Any, deliver: Any, now: datetime
) -> None:
    receiver.status = 500
    submit(alice)
    at = now
    for number, pause in enumerate(rules.PAUSES, start=1):
        deliver(at)
        delivery = WebhookDelivery.objects.get()
        assert (delivery.state, delivery.tries, delivery.status) == (State.QUEUED, number, 500)
        assert delivery.due_at == at + pause
        assert deliver(delivery.due_at - timedelta(seconds=1)) == 0
        at = delivery.due_at
    receiver.status = 204
    deliver(at)
    assert WebhookDelivery.objects.get().state == State.DELIVERED
    assert len({body for _, body in receiver.calls}) == 1
    assert len({headers["X-Otumat-Delivery"] for headers, _ in receiver.calls}) == 1
    assert len({headers["X-Otumat-Signature"] for headers, _ in receiver.calls}) == len(receiver.calls)
    assert Webhook.objects.get().failing_since is None


def exhaust(deliver: Any, at: datetime) -> datetime:
    for pause in (timedelta(), *rules.PAUSES):
        at += pause
        deliver(at)
    return at


def test_a_webhook_that_takes_nothing_is_disabled_and_its_owners_are_told(
    hook: tuple[Webhook, str], receiver: Receiver, alice: User, submit: Any, deliver: Any, post: Any, now: datetime
) -> None:
    receiver.status = 302
    submit(alice)
    exhaust(deliver, now)
    webhook = Webhook.objects.get()
    assert not webhook.is_active
    assert "302" in webhook.disabled_because
    assert WebhookDelivery.objects.get().state == State.FAILED
    assert Entry.objects.get(action="webhook.disable").actor == "mailer"
    (told,) = [each for each in post() if "stopped calling" in each.body]
    assert told.to == ["alice@example.org"]
    assert "/manage/project/roundup/webhooks/" in told.body
    calls = len(receiver.calls)
    submit(alice)
    deliver(now + timedelta(days=9))
    assert len(receiver.calls) == calls


def test_a_webhook_that_took_something_meanwhile_stays(
    hook: tuple[Webhook, str], receiver: Receiver, alice: User, submit: Any, deliver: Any, now: datetime
) -> None:
    receiver.status = 500
    submit(alice)
    deliver(now)
    receiver.status = 200
    submit(alice)
    deliver(now + timedelta(seconds=30))
    receiver.status = 500
    exhaust(deliver, now + timedelta(minutes=1))
    assert WebhookDelivery.objects.filter(state=State.FAILED).exists()
    assert Webhook.objects.get().is_active


def test_a_test_and_a_redelivery_are_told_to_that_webhook_alone(
    hook: tuple[Webhook, str], receiver: Receiver, alice: User, submit: Any, deliver: Any, now: datetime
) -> None:
    by = of_user(alice, "session")
    project = projects.project("roundup", by=by)
    other = actions.create_webhook(project, receiver.url + "?other", by=by, at=now)[0]
    number = hook[0].pk
    actions.test_webhook(project, number, by=by, at=now)
    deliver(now)
    ((headers, body),) = receiver.calls
    assert (headers["X-Otumat-Event"], json.loads(body)["action"]) == ("webhook.test", "webhook.test")
    submit(alice)
    deliver(now)
    first = WebhookDelivery.objects.get(webhook=number, action="release.update")
    actions.redeliver(project, number, str(first.pk), by=by, at=now)
    deliver(now)
    again = WebhookDelivery.objects.filter(webhook=number, action="release.update").exclude(pk=first.pk).get()
    assert (again.serial, again.state) == (first.serial, State.DELIVERED)
    assert WebhookDelivery.objects.filter(webhook=other).count() == 1


def test_what_was_being_called_when_we_died_is_called_again(
    hook: tuple[Webhook, str], receiver: Receiver, alice: User, submit: Any, deliver: Any, now: datetime
) -> None:
    submit(alice)
    outbox.follow(at=now)
    with transaction.atomic():
        assert len(sending.claim(at=now)) == 1  # and then the process is gone
    assert deliver(now + timedelta(seconds=1)) == 0
    assert deliver(now + sending.LEASE) == 1


def test_many_deliveries_at_once_are_each_made_once(
    hook: tuple[Webhook, str], receiver: Receiver, alice: User, submit: Any, deliver: Any, now: datetime
) -> None:
    for number in range(25):
        submit(alice, version=f"3.{number}")
    assert deliver(now) == 25
    assert len({headers["X-Otumat-Delivery"] for headers, _ in receiver.calls}) == 25


@pytest.mark.parametrize(
    "url",
    [
        "http://ci.example.org/",
        "https://127.0.0.1/",
        "https://[::1]/",
        "https://[::ffff:10.0.0.1]/",
        "https://169.254.169.254/latest/meta-data/",
        "ftp://ci.example.org/",
        "https://user:password@ci.example.org/",
        "https://ci.example.org/#x",
        "https://ci.example.org/\r\nX: y",
        "https://ci.example.org:0/",
        "https://ci.example.org:99999/",
        "https:///nohost",
        "javascript:alert(1)",
        "//ci.example.org/",
        "https://ci.example.org/" + "x" * 2000,
        "",
    ],
)
def test_A59_an_address_that_may_not_be_called_is_refused_at_once(
    alice: User, submit: Any, now: datetime, url: str
) -> None:
    submit(alice)
    project = projects.project("roundup", by=command())
    with pytest.raises(Invalid):
        actions.create_webhook(project, url, by=of_user(alice, "session"), at=now)
    assert not Webhook.objects.exists()


def test_A59_a_name_that_leads_inside_is_refused_when_called_and_told_without_detail(
    alice: User, submit: Any, deliver: Any, now: datetime
) -> None:
    submit(alice)
    by = of_user(alice, "session")
    project = projects.project("roundup", by=by)
    outbox.follow(at=now)
    actions.create_webhook(project, "https://localhost:1/hook", by=by, at=now)
    submit(alice)
    deliver(now)
    delivery = WebhookDelivery.objects.get()
    assert delivery.problem.startswith("localhost is not on the public internet.")
    assert "127" not in delivery.problem


@pytest.mark.parametrize("who", ["bob", "charlie"])
def test_only_owners_and_admins_have_to_do_with_webhooks(
    hook: tuple[Webhook, str], bob: User, charlie: User, client: Client, auth: Any, now: datetime, who: str
) -> None:
    project = projects.project("roundup", by=command())
    publish.assign_role(project, bob, "maintainer", by=command(), at=now)
    user = {"bob": bob, "charlie": charlie}[who]
    base, headers = "/api/v1/project/roundup/webhooks", auth(user)
    number = hook[0].pk
    assert client.get(base, headers=headers).status_code == 403
    assert client.post(base, {"url": "https://x.example.org/"}, headers=headers, **JSON).status_code == 403
    for path in (f"{number}/test", f"{number}/enable"):
        assert client.post(f"{base}/{path}", headers=headers).status_code == 403
    assert client.get(f"{base}/{number}/deliveries", headers=headers).status_code == 403
    assert client.delete(f"{base}/{number}", headers=headers).status_code == 403
    with pytest.raises(Refused):
        actions.delete_webhook(project, number, by=of_user(user, "session"), at=now)
    assert Webhook.objects.filter(is_active=True).count() == 1


def test_A45_another_project_s_webhook_is_not_found(
    hook: tuple[Webhook, str], bob: User, submit: Any, now: datetime
) -> None:
    submit(bob, name="other")
    other, by = projects.project("other", by=command()), of_user(bob, "session")
    for act in (actions.delete_webhook, actions.test_webhook, actions.enable_webhook):
        with pytest.raises(NotFound):
            act(other, hook[0].pk, by=by, at=now)
    assert Webhook.objects.count() == 1


def test_the_whole_life_of_a_webhook_by_the_api(
    receiver: Receiver, alice: User, client: Client, auth: Any, submit: Any, deliver: Any
) -> None:
    submit(alice)
    base, headers = "/api/v1/project/roundup/webhooks", auth(alice)
    deliver(timezone.now())
    made = client.post(base, {"url": receiver.url, "actions": ["file.publish"]}, headers=headers, **JSON).json()
    assert made["secret"].startswith("otumat-hook-")
    assert client.post(f"{base}/{made['id']}/test", headers=headers).json()["ok"]
    deliver(timezone.now())
    (delivery,) = client.get(f"{base}/{made['id']}/deliveries", headers=headers).json()["deliveries"]
    assert (delivery["state"], delivery["status"]) == ("delivered", 200)
    again = f"{base}/{made['id']}/deliveries/{delivery['id']}/redeliver"
    assert client.post(again, headers=headers).status_code == 200
    assert client.post(again.replace(delivery["id"], "x"), headers=headers).status_code == 404
    assert client.delete(f"{base}/{made['id']}", headers=headers).status_code == 200
    assert client.get(base, headers=headers).json() == {"webhooks": []}
    actions_seen = list(Entry.objects.filter(action__startswith="webhook.").values_list("action", flat=True))
    assert actions_seen == ["webhook.create", "webhook.test", "webhook.redeliver", "webhook.delete"]


def test_the_pages_do_the_same(
    hook: tuple[Webhook, str], receiver: Receiver, alice: User, client: Client, deliver: Any
) -> None:
    client.force_login(alice, backend="allauth.account.auth_backends.AuthenticationBackend")
    base = "/manage/project/roundup/webhooks/"
    page = client.post(base, {"url": receiver.url + "?2", "actions": ["file.publish"]})
    assert b"otumat-hook-" in page.content
    assert b"otumat-hook-" not in client.get(base).content
    refused = client.post(base, {"url": "ftp://x"})
    assert refused.status_code == 400
    assert b"That is no address to POST to." in refused.content
    one = f"{base}{hook[0].pk}/"
    assert client.post(one, {"act": "test"}).status_code == 302
    deliver(timezone.now())
    shown = client.get(one).content
    assert b"webhook.test" in shown
    assert b"thank &lt;b&gt;you&lt;/b&gt;" in shown
    assert client.post(one, {"act": "delete"})["Location"] == base
    assert client.get(one).status_code == 404
