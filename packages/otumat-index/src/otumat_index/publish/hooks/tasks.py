"""Journal rows become deliveries: each row once a webhook, in the transaction that moves the cursor."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime
from functools import partial

from otumat_index.jobs import outbox
from otumat_index.journal.models import Entry
from otumat_index.publish.hooks import queries, rules
from otumat_index.publish.hooks.models import WebhookDelivery

REDELIVER = "webhook.redeliver"


@outbox.listens("webhooks", [*rules.ACTIONS, rules.TEST, REDELIVER])
def plan(entries: Sequence[Entry], at: datetime) -> outbox.Write:
    """Queue a delivery for each webhook that a row is for; a redelivery tells the older row again."""
    topics = queries.topics_heard({entry.topic for entry in entries})  # most projects have no webhook
    heard = [entry for entry in entries if entry.topic in topics]
    deliveries = [each for entry in heard for each in deliveries_of(entry, at)]
    return partial(WebhookDelivery.objects.bulk_create, deliveries)


def deliveries_of(entry: Entry, at: datetime) -> list[WebhookDelivery]:
    """One for each webhook that hears of this row."""
    return [
        WebhookDelivery(
            id=uuid.uuid5(uuid.NAMESPACE_URL, f"otumat:webhook:{webhook.pk}:{webhook.salt}:{entry.serial}"),
            webhook=webhook,
            serial=entry.data.get("tells", entry.serial),
            asked_by=entry.serial,
            action=told_action(entry),
            created_at=at,
            due_at=at,
        )
        for webhook in queries.hearing(entry)
    ]


def told_action(entry: Entry) -> str:
    """The action that will be told."""
    if entry.action != REDELIVER:
        return entry.action
    return Entry.objects.values_list("action", flat=True).get(serial=entry.data["tells"])
