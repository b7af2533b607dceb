"""How far each listener has read the journal, and the mails that came of it."""

from __future__ import annotations

from typing import ClassVar

from django.db import models


class Cursor(models.Model):
    """How far one listener has turned the journal into work. Locked by whoever turns the next rows."""

    name = models.CharField(max_length=64, unique=True)
    serial = models.BigIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.name} at {self.serial}"


class Mail(models.Model):
    """
    One mail to one address because of one change, or of several that came in a row.

    What it says is made from the journal when it is sent; the row says to whom, and how far it is on its way. One that
    no change caused (`outbox.post`) has a negative serial: the number of what it tells of, in the room that writes it.
    """

    class State(models.TextChoices):
        """Only `queued` is ever sent; `unknown` was on its way when the mailer died, and is not sent again."""

        QUEUED = "queued"
        SENDING = "sending"
        SENT = "sent"
        FAILED = "failed"
        UNKNOWN = "unknown"
        DROPPED = "dropped", "no longer wanted when its turn came"

    serial = models.BigIntegerField(db_comment="the first change it tells")
    last_serial = models.BigIntegerField(db_comment="the last one, of the same project by the same actor")
    kind = models.CharField(max_length=16, db_comment="which room writes it")
    address = models.CharField(max_length=254)
    person = models.BigIntegerField(null=True, db_comment="row of the user it is for")
    topic = models.CharField(max_length=255, blank=True, default="")
    actor = models.CharField(max_length=150, blank=True, default="")
    state = models.CharField(max_length=8, choices=State.choices, default=State.QUEUED)
    tries = models.PositiveSmallIntegerField(default=0)
    created_at = models.DateTimeField()
    due_at = models.DateTimeField(db_comment="not before")
    done_at = models.DateTimeField(null=True)
    problem = models.CharField(max_length=300, blank=True, default="")

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["serial", "kind", "address"], name="jobs_mail_once")]
        indexes: ClassVar = [
            models.Index(fields=["state", "due_at"]),
            models.Index(fields=["topic", "actor", "serial"]),
        ]

    def __str__(self) -> str:
        return f"mail {self.pk} ({self.kind}, change {self.serial}): {self.state}"
