"""How often strangers may make us do something: per client address, per account, and altogether. Kept in the cache."""

from __future__ import annotations

from allauth.core.internal import ratelimit
from django.http import HttpRequest

from otumat.errors import Refused
from otumat_index.accounts import addresses

LIMITS = {
    "asked": "20/h/ip,200/d/ip",
    "about": "5/h/key",
    "mailbox": "10/h/key",
    "everybody": "2000/h/key",
    "failed": "100/h/ip",
}
"""
Requests from one client address; about one login or address; link mails to one mailbox; link mails altogether; wrong
passwords from one client address, whomever they were for.
"""


def check_asking(request: HttpRequest, about: str) -> None:
    """
    Count a request that will send mail.

    Args:
        about: The login or address it names, as sent: counted alike whether or not there is such an account (A38).

    Raises:
        Refused: Too many, code `too_many`.
    """
    if not (take(request, "asked") and take(request, "about", addresses.mailbox(about))):
        raise too_many()


def may_mail(address: str) -> bool:
    """Count a mail with a link; False when this mailbox, or the whole index, has had enough."""
    return take(None, "mailbox", addresses.mailbox(address)) and take(None, "everybody", "everybody")


def is_spent(request: HttpRequest, action: str) -> bool:
    """Whether one more would be too many; counts nothing."""
    words = {"app": "otumat", "action": action, "config": LIMITS, "limit_get": True}
    return not ratelimit.consume(request, dry_run=True, **words)


def take(request: HttpRequest | None, action: str, key: str = "") -> bool:
    """Count one use."""
    return bool(ratelimit.consume(request, app="otumat", action=action, config=LIMITS, key=key, limit_get=True))


def too_many() -> Refused:
    """What whoever asks too often is told."""
    return Refused("Too many requests of this kind.", hint="Wait an hour, then try again.", code="too_many")
