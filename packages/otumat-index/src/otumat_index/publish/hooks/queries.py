"""Reading webhooks."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from django.conf import settings

from otumat.errors import NotFound
from otumat_index.journal.models import Entry
from otumat_index.publish.hooks import rules
from otumat_index.publish.hooks.models import Webhook, WebhookDelivery
from otumat_index.publish.models import Project

LISTED_MAX = 100


def webhooks(project: Project) -> list[Webhook]:
    """A project's webhooks."""
    return list(Webhook.objects.filter(project=project))


def webhook(project: Project, number: int) -> Webhook:
    """One of a project's webhooks; another project's is not found."""
    found = Webhook.objects.filter(project=project, pk=number).first()
    if found is None:
        raise NotFound(f"{project.name} has no webhook {number}.")
    return found


def deliveries(of: Webhook) -> list[WebhookDelivery]:
    """The newest deliveries of a webhook."""
    return list(of.deliveries.all()[:LISTED_MAX])


def secret_of(webhook: Webhook) -> str:
    """What its deliveries are signed with."""
    return rules.secret(settings.SECRET_KEY.encode(), webhook.salt)


def topics_heard(topics: Collection[str]) -> set[str]:
    """Those of these projects that have an active webhook."""
    active = Webhook.objects.filter(project__normalized__in=topics, is_active=True)
    return set(active.values_list("project__normalized", flat=True))


def hearing(entry: Entry) -> list[Webhook]:
    """The active webhooks that a journal row is for: those of its project, or the one it names."""
    active = Webhook.objects.filter(project__normalized=entry.topic, is_active=True, begins_after__lt=entry.serial)
    if "webhook" in entry.data:
        return list(active.filter(pk=entry.data["webhook"]))
    return [each for each in active if each.actions is None or entry.action in each.actions]


def body_of(delivery: WebhookDelivery, *, public_url: str) -> bytes:
    """The JSON of a delivery, from the journal: the same bytes at every try."""
    entry = Entry.objects.filter(serial=delivery.serial).values().get()
    project = delivery.webhook.project
    url = f"{public_url.rstrip('/')}/project/{project.normalized}/"
    return rules.body(str(delivery.pk), entry, project=project.name, url=url)


def shown(webhook: Webhook) -> dict[str, Any]:
    """A webhook as the API tells it, without its secret."""
    return {
        "id": webhook.pk,
        "url": webhook.url,
        "actions": webhook.actions,
        "is_active": webhook.is_active,
        "disabled_because": webhook.disabled_because,
        "created_at": webhook.created_at,
        "created_by": webhook.created_by,
    }


def shown_delivery(delivery: WebhookDelivery) -> dict[str, Any]:
    """A delivery as the API tells it."""
    return {
        "id": str(delivery.pk),
        "serial": delivery.serial,
        "action": delivery.action,
        "state": delivery.state,
        "tries": delivery.tries,
        "created_at": delivery.created_at,
        "due_at": delivery.due_at if delivery.state == WebhookDelivery.State.QUEUED else None,
        "tried_at": delivery.tried_at,
        "took_ms": delivery.took_ms,
        "status": delivery.status,
        "excerpt": delivery.excerpt,
        "problem": delivery.problem,
    }
