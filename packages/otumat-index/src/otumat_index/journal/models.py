"""The journal's two tables."""

from __future__ import annotations

from typing import ClassVar

from django.db import models


class Head(models.Model):
    """The one row that hands out serials: updating it queues writers, so serials have no gap and no overtaking."""

    serial = models.BigIntegerField(default=0)


class Entry(models.Model):
    """One change. Rows are only ever added; addresses of who left are blanked (`actions.blank`)."""

    serial = models.BigIntegerField(primary_key=True)
    at = models.DateTimeField()
    actor = models.CharField(max_length=150)
    credential = models.CharField(max_length=64)
    action = models.CharField(max_length=64)
    subject = models.CharField(max_length=512)
    topic = models.CharField(max_length=255, blank=True, default="", db_comment="normalised project name, or empty")
    data = models.JSONField(default=dict)

    class Meta:
        ordering: ClassVar = ["serial"]
        indexes: ClassVar = [
            models.Index(fields=["topic", "serial"]),
            models.Index(fields=["actor", "serial"]),
            models.Index(fields=["subject", "serial"]),
        ]

    def __str__(self) -> str:
        return f"{self.serial} {self.action} {self.subject} by {self.actor}"
