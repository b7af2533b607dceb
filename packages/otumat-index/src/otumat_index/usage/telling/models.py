"""What owners want to be told of, and what was told."""

from __future__ import annotations

from typing import ClassVar

from django.db import models


class Alert(models.Model):
    """Something that owners of a project want to hear of; what `number` means depends on the kind (`rules.py`)."""

    project = models.ForeignKey("publish.Project", on_delete=models.CASCADE, related_name="+")
    kind = models.CharField(max_length=8, db_comment="fall, yanked, lost, adopted")
    number = models.BigIntegerField()
    event = models.CharField(max_length=100, blank=True, db_comment="for lost: of this event alone")
    created_at = models.DateTimeField()

    class Meta:
        ordering: ClassVar = ["pk"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["project", "kind", "number", "event"], name="usage_alert_once")
        ]


class Told(models.Model):
    """That a digest, or an alert at one occasion, was queued for everybody it is for; never again after that."""

    project = models.ForeignKey("publish.Project", on_delete=models.CASCADE, related_name="+")
    what = models.CharField(max_length=30, db_comment="week, month, or alert and its number")
    occasion = models.CharField(max_length=200, db_comment="the first day of a period, or a release")
    words = models.CharField(max_length=300, blank=True, db_comment="what an alert says")
    at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["project", "what", "occasion"], name="usage_told_once")
        ]
