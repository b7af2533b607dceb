"""Saying how much mail one wants, and about what."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from otumat.errors import Invalid, Problem
from otumat_index.accounts.models import User
from otumat_index.accounts.notices.models import MailPreference, UsageMail
from otumat_index.journal import actions as journal
from otumat_index.journal.actor import Actor

LEVELS = MailPreference.Level
USES = "uses"
"""What an unsubscription may be about, instead of all."""
DEFAULT = "default"
"""For one project: what was said for all of them."""


def level_problems(topic: str, level: str) -> list[Problem]:
    allowed = [*LEVELS.values, *([DEFAULT] if topic else [])]
    return not_among("level", level, allowed, "is no amount of mail.")


def digest_problems(digest: str) -> list[Problem]:
    return not_among("digest", digest, UsageMail.Digest.values, "is no digest.")


def not_among(field: str, value: str, allowed: list[str], what: str) -> list[Problem]:
    hint = f"Choose from {', '.join(allowed)}."
    return [] if value in allowed else [Problem(f"mail.{field}", field, f"{value!r} {what}", value=value, hint=hint)]


@transaction.atomic
def set_preference(user: User, topic: str, level: str, *, by: Actor, at: datetime) -> None:
    """
    Choose how much mail to get about one project, or, without a topic, about all that are not named by themselves.

    Saying again what is so already changes nothing, and is not written down.
    """
    if problems := level_problems(topic, level):
        raise Invalid(problems)
    mine = MailPreference.objects.filter(user=user, topic=topic)
    if mine.values_list("level", flat=True).first() == (None if level == DEFAULT else level):
        return
    if level == DEFAULT:
        mine.delete()
    else:
        MailPreference.objects.update_or_create(user=user, topic=topic, defaults={"level": level})
    # No topic for the journal: what mail somebody gets is not the project's business, and changes no page of it.
    journal.write("mail.preference", user.username, by=by, at=at, project=topic, level=level)


@transaction.atomic
def set_usage_mail(user: User, topic: str, *, digest: str, alerts: bool, by: Actor, at: datetime) -> None:
    """Choose how often to get the numbers of a project's uses, and whether to be told of its alerts."""
    if problems := digest_problems(digest):
        raise Invalid(problems)
    if UsageMail.objects.filter(user=user, topic=topic, digest=digest, alerts=alerts).exists():
        return
    said = {"digest": digest, "alerts": alerts}
    UsageMail.objects.update_or_create(user=user, topic=topic, defaults=said)
    journal.write("mail.preference", user.username, by=by, at=at, project=topic, digest=digest, alerts=alerts)


@transaction.atomic
def stop(user: User, topic: str, about: str, *, by: Actor, at: datetime) -> None:
    """What an unsubscription stops: mail about a project's uses, or all about the project that is not duty."""
    none = UsageMail.Digest.NONE
    if about == USES:
        set_usage_mail(user, topic, digest=none, alerts=False, by=by, at=at)
    else:
        UsageMail.objects.update_or_create(user=user, topic=topic, defaults={"digest": none, "alerts": False})
        set_preference(user, topic, LEVELS.NONE, by=by, at=at)
