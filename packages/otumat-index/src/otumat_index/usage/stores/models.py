"""
What was told. Installs and projects are numbers here; only `Batch` and `Activity` know an install, and both go with it.

A day's count never needs a batch again: batches lose their bodies after `USAGE_RAW_DAYS`.
"""

from __future__ import annotations

from typing import ClassVar

from django.db import models


class Batch(models.Model):
    """One request, by the id its sender made: the same again gets the same answer."""

    install = models.BigIntegerField()
    batch = models.CharField(max_length=32)
    sequence = models.IntegerField()
    sha256 = models.CharField(max_length=64, db_comment="of the body before compression")
    received_on = models.DateField(db_index=True)
    counted = models.BigIntegerField()
    refused = models.TextField(db_comment="JSON: rows and why")
    body = models.BinaryField(db_comment="gzip, as it came; empty once it is old")

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["install", "batch"], name="events_batch_once")]


class Count(models.Model):
    """How often something was done on a day."""

    project = models.BigIntegerField()
    day = models.DateField()
    event = models.CharField(max_length=100)
    properties = models.CharField(max_length=900, db_comment="name=value, sorted, commas between")
    release = models.CharField(max_length=64, db_comment="empty: unknown; other: not one of the index")
    times = models.BigIntegerField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["project", "day", "event", "properties", "release"], name="events_count_once"
            )
        ]


class Activity(models.Model):
    """On which of its last 63 days an install was used, and where it ran when it last told."""

    install = models.BigIntegerField(primary_key=True)
    project = models.BigIntegerField()
    last_day = models.DateField()
    mask = models.BigIntegerField(db_comment="bit n: used n days before last_day")
    release = models.CharField(max_length=64, blank=True)
    python = models.CharField(max_length=64, blank=True)
    system = models.CharField(max_length=64, blank=True)
    machine = models.CharField(max_length=64, blank=True)
    ci = models.BooleanField(default=False)

    class Meta:
        indexes: ClassVar = [models.Index(fields=["project", "last_day"], name="events_activity_by_day")]


class Active(models.Model):
    """How many installs were used on a day, in the 7 and in the 28 days that end with it; and for the first time."""

    project = models.BigIntegerField()
    day = models.DateField()
    daily = models.BigIntegerField()
    weekly = models.BigIntegerField()
    monthly = models.BigIntegerField()
    fresh = models.BigIntegerField()

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["project", "day"], name="events_active_once")]


class Loss(models.Model):
    """What was told of but never counted: lost by clients (`room`, `unreadable`), or refused here."""

    project = models.BigIntegerField()
    day = models.DateField()
    reason = models.CharField(max_length=40)
    event = models.CharField(max_length=100)
    times = models.BigIntegerField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["project", "day", "reason", "event"], name="events_loss_once")
        ]


class Closed(models.Model):
    """An install from which nothing more is taken, whatever was under way."""

    install = models.BigIntegerField(primary_key=True)
