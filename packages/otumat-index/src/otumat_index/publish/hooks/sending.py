"""
Delivering webhooks: at least once, several at a time, each try signed anew.

A delivery is claimed by putting its next try a lease ahead: should we die, it is due again by itself. Receivers drop
repetitions by `X-Otumat-Delivery`.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import DatabaseError, close_old_connections, connection, transaction
from django.utils import timezone

from otumat.errors import OtumatError
from otumat_index import __version__
from otumat_index.jobs.follower import data_version
from otumat_index.jobs.letters import one_line
from otumat_index.publish.hooks import actions, queries, rules
from otumat_index.publish.hooks.models import Webhook, WebhookDelivery
from otumat_index.web import outgoing

log = logging.getLogger(__name__)
AT_ONCE = 8
LEASE = timedelta(minutes=2)
LOOK_EVERY_S = 0.25
KEPT = timedelta(days=30)
EXCERPT_MAX_CHARS = 1000
State = WebhookDelivery.State


@dataclass(frozen=True, slots=True)
class Try:
    """Everything a thread needs to make one call; it knows no database."""

    delivery: WebhookDelivery
    url: str
    body: bytes
    headers: dict[str, str]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one call brought; a problem means it failed."""

    problem: str = ""
    status: int | None = None
    excerpt: str = ""
    took_ms: int | None = None


Call = Callable[[Try], Outcome]


def is_anything_due(*, at: datetime) -> bool:
    """Asked without a transaction, which would stand in the way of whoever changes something."""
    return WebhookDelivery.objects.filter(state=State.QUEUED, due_at__lte=at).exists()


@transaction.atomic
def claim(*, at: datetime) -> list[WebhookDelivery]:
    """The deliveries that are due, oldest first, ours for the length of a lease."""
    due = WebhookDelivery.objects.filter(state=State.QUEUED, due_at__lte=at).order_by("due_at", "asked_by")
    found = list(due.select_related("webhook__project").select_for_update(skip_locked=True, of=("self",))[:AT_ONCE])
    WebhookDelivery.objects.filter(pk__in=[each.pk for each in found]).update(due_at=at + LEASE)
    return found


def prepare(delivery: WebhookDelivery, *, at: datetime) -> Try:
    """The call of a delivery: its body, and headers that say what it is, when, and that it is ours."""
    webhook = delivery.webhook
    body = queries.body_of(delivery, public_url=settings.CONFIG.public_url)
    stamp = str(int(at.timestamp()))
    headers = {
        "Content-Type": "application/json",
        "User-Agent": f"otumat-index/{__version__}",
        "X-Otumat-Event": delivery.action,
        "X-Otumat-Delivery": str(delivery.pk),
        "X-Otumat-Timestamp": stamp,
        "X-Otumat-Signature": rules.signature(queries.secret_of(webhook), stamp, body),
    }
    return Try(delivery, webhook.url, body, headers)


def call(one: Try) -> Outcome:
    """Make the call. 2xx is success; a redirect is not followed, hence none."""
    try:
        allowed = outgoing.networks(settings.CONFIG.webhook_networks)
        answer = outgoing.post(one.url, one.body, one.headers, allowed=allowed)
    except OtumatError as exc:
        return Outcome(problem=str(exc))
    except Exception as exc:
        log.exception("Calling a webhook failed")
        return Outcome(problem=type(exc).__name__)
    excerpt = one_line(answer.body[: 4 * EXCERPT_MAX_CHARS].decode("utf-8", "replace"), EXCERPT_MAX_CHARS)
    good = 200 <= answer.status < 300
    problem = "" if good else f"It answered {answer.status}, not 2xx."
    return Outcome(problem, answer.status, excerpt, answer.took_ms)


def record(delivery: WebhookDelivery, outcome: Outcome, *, at: datetime) -> None:
    """Write down what came of a try, and when the next one is due, if any."""
    tries = delivery.tries + 1
    again = rules.next_try(tries, at) if outcome.problem else None
    state = State.DELIVERED if not outcome.problem else State.QUEUED if again else State.FAILED
    with transaction.atomic():
        WebhookDelivery.objects.filter(pk=delivery.pk, state=State.QUEUED).update(
            state=state,
            tries=tries,
            due_at=again or at,
            tried_at=at,
            took_ms=outcome.took_ms,
            status=outcome.status,
            excerpt=outcome.excerpt,
            problem=outcome.problem[:300],
        )
        mine = Webhook.objects.filter(pk=delivery.webhook_id)
        if state == State.DELIVERED:
            mine.update(failing_since=None)
        else:
            mine.filter(failing_since=None).update(failing_since=at)
    webhook = mine.select_related("project").first()
    if state == State.FAILED and webhook is not None and not took_any(webhook, since=delivery.created_at):
        because = f"{tries} tries of one delivery failed, and no other succeeded meanwhile: {outcome.problem}"
        actions.disable_webhook(webhook, because=because, at=at)


def took_any(webhook: Webhook, *, since: datetime) -> bool:
    """Whether a webhook has taken anything at all in that time."""
    return webhook.deliveries.filter(state=State.DELIVERED, tried_at__gte=since).exists()


def send_due(pool: ThreadPoolExecutor, *, at: datetime, make: Call = call) -> int:
    """Make every call that is due, some at once; returns how many."""
    done = 0
    while is_anything_due(at=at) and (found := claim(at=at)):
        tries = [prepare(each, at=at) for each in found]
        for one, outcome in zip(tries, pool.map(make, tries), strict=True):
            record(one.delivery, outcome, at=at)
        done += len(found)
    return done


def main(stopping: threading.Event) -> None:
    """A thread of the mailer's process: call what is due until told to stop."""
    embedded = connection.vendor == "sqlite"
    seen, look_at, tidy_at = None, 0.0, 0.0
    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="webhook") as pool:
        while not stopping.wait(LOOK_EVERY_S):
            try:
                now = data_version()
                if embedded and now == seen and time.monotonic() < look_at:
                    continue
                seen, look_at = now, time.monotonic() + 1
                send_due(pool, at=timezone.now())
                if time.monotonic() >= tidy_at:
                    WebhookDelivery.objects.filter(created_at__lt=timezone.now() - KEPT).delete()
                    tidy_at = time.monotonic() + 3600
            except DatabaseError as exc:
                log.warning("Webhooks wait for the database: %s", exc)
                seen = None
                close_old_connections()
                stopping.wait(1)
            except Exception:
                log.exception("Webhooks stumbled")
                stopping.wait(1)
