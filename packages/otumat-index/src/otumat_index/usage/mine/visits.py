"""A link that a copy hands to its person: opened once, and then a short session on the page of that one install."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta

from django.db import transaction

from otumat.errors import NotFound, Unauthenticated
from otumat_index.accounts.rules import digest
from otumat_index.usage.models import Install, Visit

LINK_S, SESSION_S = 300, 900
OPEN_MOST = 5
"""Links and sessions of one install at a time; an older one ends."""


@transaction.atomic
def offer(install: Install, *, at: datetime) -> str:
    """The secret of a new link."""
    secret = secrets.token_urlsafe(32)
    Visit.objects.filter(expires_at__lte=at).delete()
    kept = Visit.objects.filter(install=install).order_by("-pk").values_list("pk", flat=True)[: OPEN_MOST - 1]
    Visit.objects.filter(install=install).exclude(pk__in=list(kept)).delete()
    Visit.objects.create(install=install, sha256=digest(secret), expires_at=at + timedelta(seconds=LINK_S))
    return secret


def check(secret: str, *, at: datetime) -> None:
    """
    Whether a link still opens; looking does not open it.

    Raises:
        NotFound: It was opened before, or is too old.
    """
    if not Visit.objects.filter(sha256=digest(secret), is_open=False, expires_at__gt=at).exists():
        raise NotFound("This link was used, or is too old.", hint="Ask for another: otumat usage web PACKAGE.")


def enter(secret: str, *, at: datetime) -> str:
    """
    Open a link, once: the secret of the session.

    Raises:
        NotFound: As `check`.
    """
    session = secrets.token_urlsafe(32)
    changed = {"sha256": digest(session), "is_open": True, "expires_at": at + timedelta(seconds=SESSION_S)}
    live = Visit.objects.filter(sha256=digest(secret), is_open=False, expires_at__gt=at)
    if not live.update(**changed):
        check(secret, at=at)
    return session


def visited(session: str, *, at: datetime) -> Install:
    """
    The install of a session.

    Raises:
        Unauthenticated: There is none, or not any more.
    """
    live = Install.objects.select_related("project", "family__secret")
    found = live.filter(visits__sha256=digest(session), visits__is_open=True, visits__expires_at__gt=at).first()
    if found is None:
        raise Unauthenticated("This page is not open.", hint="Open it: otumat usage web PACKAGE.", code="visit_over")
    return found


def leave(session: str) -> None:
    Visit.objects.filter(sha256=digest(session)).delete()
