"""How much mail a person wants."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models


class MailPreference(models.Model):
    """How much mail about a project a person wants; without a topic, about every project not named by itself."""

    class Level(models.TextChoices):
        """Mail about the account's safety is none of these: it is always sent."""

        ALL = "all", "Every change"
        OTHERS = "others", "Only changes made by others"
        NONE = "none", "No mail"

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="mail_preferences")
    topic = models.CharField(max_length=255, blank=True, default="", db_comment="normalised project name, or empty")
    level = models.CharField(max_length=8, choices=Level.choices)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["user", "topic"], name="accounts_mail_preference_once")
        ]

    def __str__(self) -> str:
        return f"{self.user_id} {self.topic or 'any'}: {self.level}"


class UsageMail(models.Model):
    """What mail about the uses of a project one of its owners or maintainers wants."""

    class Digest(models.TextChoices):
        """How often numbers are told; nobody gets any without asking."""

        NONE = "none", "No digest"
        WEEK = "week", "Every week"
        MONTH = "month", "Every month"

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="usage_mail")
    topic = models.CharField(max_length=255, db_comment="normalised project name")
    digest = models.CharField(max_length=8, choices=Digest.choices)
    alerts = models.BooleanField()

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["user", "topic"], name="accounts_usage_mail_once")]

    def __str__(self) -> str:
        return f"{self.user_id} {self.topic}: {self.digest}"
