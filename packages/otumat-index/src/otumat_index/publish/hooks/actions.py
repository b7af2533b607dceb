"""What owners do with webhooks, and what the index does when one is worn out."""

from __future__ import annotations

import ipaddress
import secrets
import uuid
from collections.abc import Sequence
from datetime import datetime
from urllib.parse import urlsplit

from django.conf import settings
from django.db import transaction

from otumat.errors import Conflict, Invalid, NotFound, Problem
from otumat_index.journal import actions as journal
from otumat_index.journal.actor import Actor
from otumat_index.publish import queries as publish
from otumat_index.publish import rules as roles
from otumat_index.publish.actions import entry
from otumat_index.publish.hooks import queries, rules
from otumat_index.publish.hooks.models import Webhook, WebhookDelivery
from otumat_index.publish.models import Project
from otumat_index.web import outgoing

WEBHOOKS_MAX = 20
MAILER = Actor(name="mailer", credential="job")


def locked(project: Project, by: Actor) -> Project:
    """The project, locked, if the actor manages it."""
    project = entry.lock(project)
    roles.check_may(by, "manage", publish.standing_of(by, project.normalized), name_claims="admin")
    return project


def check(url: str, actions: Sequence[str] | None) -> None:
    """Raise one `Invalid` with everything wrong with a new webhook; names are looked up when it is called, not now."""
    allowed = outgoing.networks(settings.CONFIG.webhook_networks)
    problems = rules.check_url(url, allows_http=bool(allowed))
    try:
        address = ipaddress.ip_address("" if problems else urlsplit(url).hostname or "")
        if not outgoing.may_call(address, allowed):
            hint = "An operator can allow its network with WEBHOOK_NETWORKS."
            problems.append(Problem("webhook.url", "url", "That is not on the public internet.", value=url, hint=hint))
    except ValueError:
        pass  # a name
    problems += rules.check_actions(actions)
    if problems:
        raise Invalid(problems)


@transaction.atomic
def create_webhook(
    project: Project, url: str, *, actions: Sequence[str] | None = None, by: Actor, at: datetime
) -> tuple[Webhook, str]:
    """
    Name an address that hears of a project's changes.

    Returns:
        The webhook, and its secret, which is shown once.
    """
    project = locked(project, by)
    check(url.strip(), actions)
    if Webhook.objects.filter(project=project).count() >= WEBHOOKS_MAX:
        raise Conflict(f"{project.name} has {WEBHOOKS_MAX} webhooks, the most there may be.", hint="Delete some first.")
    webhook = Webhook.objects.create(
        project=project,
        url=url.strip(),
        actions=None if actions is None else list(dict.fromkeys(actions)),
        salt=secrets.token_hex(16),
        created_at=at,
        created_by=by.name,
    )
    webhook.begins_after = told(webhook, "webhook.create", by=by, at=at)
    webhook.save(update_fields=["begins_after"])
    return webhook, queries.secret_of(webhook)


def told(webhook: Webhook, action: str, *, by: Actor, at: datetime, **data: object) -> int:
    """The journal row of something done to a webhook: its host, for a path may hold somebody's secret."""
    host = urlsplit(webhook.url).hostname or ""
    return journal.write(action, host, by=by, at=at, topic=webhook.project.normalized, webhook=webhook.pk, **data)


@transaction.atomic
def delete_webhook(project: Project, number: int, *, by: Actor, at: datetime) -> None:
    """Forget an address and the record of what was delivered to it."""
    project = locked(project, by)
    webhook = queries.webhook(project, number)
    told(webhook, "webhook.delete", by=by, at=at)
    webhook.delete()


@transaction.atomic
def enable_webhook(project: Project, number: int, *, by: Actor, at: datetime) -> Webhook:
    """Call a worn-out webhook again, from now on."""
    project = locked(project, by)
    webhook = queries.webhook(project, number)
    webhook.is_active, webhook.disabled_because, webhook.failing_since = True, "", None
    webhook.save(update_fields=["is_active", "disabled_because", "failing_since"])
    told(webhook, "webhook.enable", by=by, at=at)
    return webhook


@transaction.atomic
def test_webhook(project: Project, number: int, *, by: Actor, at: datetime) -> int:
    """Let a webhook be called with this very journal row; returns its serial."""
    project = locked(project, by)
    return told(active(project, number), rules.TEST, by=by, at=at)


@transaction.atomic
def redeliver(project: Project, number: int, delivery: str, *, by: Actor, at: datetime) -> int:
    """Let a webhook be told once more of what it was told before."""
    project = locked(project, by)
    webhook = active(project, number)
    wanted = as_uuid(delivery)
    found = WebhookDelivery.objects.filter(webhook=webhook, pk=wanted).first() if wanted else None
    if found is None:
        raise NotFound(f"Webhook {number} has no delivery {delivery!r}.", hint="Its list of deliveries shows them.")
    return told(webhook, "webhook.redeliver", by=by, at=at, delivery=str(found.pk), tells=found.serial)


def as_uuid(text: str) -> uuid.UUID | None:
    """The id that text is, if it is one."""
    try:
        return uuid.UUID(text)
    except ValueError:
        return None


def active(project: Project, number: int) -> Webhook:
    webhook = queries.webhook(project, number)
    if not webhook.is_active:
        hint = "Enable it first."
        raise Conflict(f"Webhook {number} is disabled: {webhook.disabled_because}", hint=hint, code="webhook_disabled")
    return webhook


@transaction.atomic
def disable_webhook(webhook: Webhook, *, because: str, by: Actor = MAILER, at: datetime) -> None:
    """Stop calling a webhook that has failed for long; its owners are told by mail."""
    project = entry.lock(webhook.project)
    changed = Webhook.objects.filter(pk=webhook.pk, project=project, is_active=True).update(
        is_active=False, disabled_because=because[:300]
    )
    if changed:
        webhook.deliveries.filter(state=WebhookDelivery.State.QUEUED).update(
            state=WebhookDelivery.State.FAILED, problem="The webhook was disabled."
        )
        told(webhook, "webhook.disable", by=by, at=at, because=because[:300], project=project.name)
