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
                fields=["project", "event", "day", "properties", "release"], name="events_count_once"
            )
        ]


class EventDay(models.Model):
    """`Count` of a day, whatever the properties and the release; and how many installs told of it last on this day."""

    project = models.BigIntegerField()
    event = models.CharField(max_length=100)
    day = models.DateField()
    times = models.BigIntegerField()
    last_here = models.BigIntegerField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["project", "day", "event"], name="events_event_day_once")
        ]


class Heard(models.Model):
    """The last day on which an install told of an event."""

    install = models.BigIntegerField()
    event = models.CharField(max_length=100)
    last_day = models.DateField()

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["install", "event"], name="events_heard_once")]


class Activity(models.Model):
    """An install: on which of its last 63 days it was used, and where it ran when it last told."""

    install = models.BigIntegerField(primary_key=True)
    project = models.BigIntegerField()
    sequence = models.IntegerField(default=0, db_comment="the highest of its batches")
    first_day = models.DateField(null=True)
    last_day = models.DateField()
    mask = models.BigIntegerField(db_comment="bit n: used n days before last_day")
    release = models.CharField(max_length=64, blank=True)
    python = models.CharField(max_length=64, blank=True)
    system = models.CharField(max_length=64, blank=True)
    machine = models.CharField(max_length=64, blank=True)
    ci = models.BooleanField(default=False)


class Active(models.Model):
    """How many installs were used on a day, in the 7, 14 and 28 days that end with it; and for the first time."""

    project = models.BigIntegerField()
    day = models.DateField()
    daily = models.BigIntegerField()
    weekly = models.BigIntegerField()
    fortnightly = models.BigIntegerField(default=0)
    monthly = models.BigIntegerField()
    fresh = models.BigIntegerField()

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["project", "day"], name="events_active_once")]


class Place(models.Model):
    """Where installs ran when they first told of a day (`daily`), and on their last day (`last_here`)."""

    project = models.BigIntegerField()
    kind = models.CharField(max_length=10, db_comment="release, python, system, machine, ci")
    day = models.DateField()
    value = models.CharField(max_length=64)
    daily = models.BigIntegerField()
    last_here = models.BigIntegerField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["project", "kind", "day", "value"], name="events_place_once")
        ]


class InWeek(models.Model):
    """Where installs ran when they first told of a week, each of them once."""

    project = models.BigIntegerField()
    kind = models.CharField(max_length=10, db_comment="release, python, system, machine, ci")
    week = models.DateField(db_comment="its Monday")
    value = models.CharField(max_length=64)
    installs = models.BigIntegerField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["project", "week", "kind", "value"], name="events_in_week_once")
        ]


class Kept(models.Model):
    """How many of those first used in a week were used in another; weeks are their Mondays."""

    project = models.BigIntegerField()
    cohort = models.DateField()
    week = models.DateField()
    installs = models.BigIntegerField()

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["project", "cohort", "week"], name="events_kept_once")]


class Loss(models.Model):
    """
    What was told of but never counted: lost by clients (`room`, `unreadable`, `unanswered`), on the way (`gap`), or
    refused.
    """

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
