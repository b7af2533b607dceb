"""Saying how much mail one wants."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from otumat.errors import Invalid, Problem
from otumat_index.accounts.models import User
from otumat_index.accounts.notices.models import MailPreference
from otumat_index.journal import actions as journal
from otumat_index.journal.actor import Actor

LEVELS = MailPreference.Level
DEFAULT = "default"
"""For one project: what was said for all of them."""


@transaction.atomic
def set_preference(user: User, topic: str, level: str, *, by: Actor, at: datetime) -> None:
    """
    Choose how much mail to get about one project, or, without a topic, about all that are not named by themselves.

    Saying again what is so already changes nothing, and is not written down.
    """
    allowed = [*LEVELS.values, *([DEFAULT] if topic else [])]
    if level not in allowed:
        hint = f"Choose from {', '.join(allowed)}."
        raise Invalid([Problem("mail.level", "level", f"{level!r} is no amount of mail.", value=level, hint=hint)])
    mine = MailPreference.objects.filter(user=user, topic=topic)
    if mine.values_list("level", flat=True).first() == (None if level == DEFAULT else level):
        return
    if level == DEFAULT:
        mine.delete()
    else:
        MailPreference.objects.update_or_create(user=user, topic=topic, defaults={"level": level})
    # No topic for the journal: what mail somebody gets is not the project's business, and changes no page of it.
    journal.write("mail.preference", user.username, by=by, at=at, project=topic, level=level)
