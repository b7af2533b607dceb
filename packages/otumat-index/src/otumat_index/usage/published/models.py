"""That a project's uses are published, and what was published."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models


class Publication(models.Model):
    """What an owner of a project said."""

    project = models.OneToOneField("publish.Project", on_delete=models.CASCADE, related_name="+")
    is_on = models.BooleanField()
    first_week = models.DateField(db_comment="Monday of the first week that is told of")
    changed_at = models.DateTimeField()
    said_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")


class PublishedWeek(models.Model):
    """A week as it is published: made once, never changed, and kept while nothing is published, too."""

    project = models.ForeignKey("publish.Project", on_delete=models.CASCADE, related_name="+")
    week = models.DateField(db_comment="its Monday")
    installs = models.BigIntegerField(null=True, db_comment="with noise; null: too few to say")
    parts = models.JSONField(db_comment="by kind: values and installs, with noise")

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["project", "week"], name="usage_published_week_once")]
