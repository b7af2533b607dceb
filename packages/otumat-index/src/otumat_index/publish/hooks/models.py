"""Webhooks and what became of each delivery."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.db import models


class Webhook(models.Model):
    """An address that hears of a project's changes. Its secret is derived, not kept: see `rules.secret`."""

    project = models.ForeignKey("publish.Project", on_delete=models.CASCADE, related_name="webhooks")
    url = models.CharField(max_length=2000)
    actions = models.JSONField(null=True, db_comment="list of journal actions; null: all there are for webhooks")
    salt = models.CharField(max_length=32, db_comment="with the index's secret key, makes the webhook's secret")
    is_active = models.BooleanField(default=True)
    disabled_because = models.CharField(max_length=300, blank=True, default="")
    failing_since = models.DateTimeField(null=True, db_comment="first failure after the last success")
    begins_after = models.BigIntegerField(
        default=0, db_comment="the journal row of its creation; it hears what follows"
    )
    created_at = models.DateTimeField()
    created_by = models.CharField(max_length=150)

    class Meta:
        ordering: ClassVar = ["pk"]

    def __str__(self) -> str:
        return f"webhook {self.pk} of {self.project_id}"


class WebhookDelivery(models.Model):
    """One change on its way to one webhook. Its id is told with every try, so a receiver can drop repetitions."""

    class State(models.TextChoices):
        """`queued` waits for its first or next try."""

        QUEUED = "queued"
        DELIVERED = "delivered"
        FAILED = "failed"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    webhook = models.ForeignKey(Webhook, on_delete=models.CASCADE, related_name="deliveries")
    serial = models.BigIntegerField(db_comment="the change it tells")
    asked_by = models.BigIntegerField(db_comment="the journal row that asked for it: the change, or a redelivery of it")
    action = models.CharField(max_length=64)
    state = models.CharField(max_length=9, choices=State.choices, default=State.QUEUED)
    tries = models.PositiveSmallIntegerField(default=0)
    created_at = models.DateTimeField()
    due_at = models.DateTimeField(db_comment="not before")
    tried_at = models.DateTimeField(null=True)
    took_ms = models.PositiveIntegerField(null=True)
    status = models.PositiveSmallIntegerField(null=True, db_comment="HTTP status of the last answer")
    excerpt = models.CharField(max_length=1000, blank=True, default="", db_comment="beginning of the last answer")
    problem = models.CharField(max_length=300, blank=True, default="")

    class Meta:
        ordering: ClassVar = ["-asked_by", "id"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["webhook", "asked_by"], name="publish_delivery_once")]
        indexes: ClassVar = [models.Index(fields=["state", "due_at"]), models.Index(fields=["created_at"])]

    def __str__(self) -> str:
        return f"delivery {self.pk}: {self.state}"
