"""
How often somebody may make us do something.

Strangers: per client address, per account, and altogether, kept in the cache. Who is known: per account or publisher,
by the settings `MAX_..._PER_...`, kept in each worker.
"""

from __future__ import annotations

import math
import time
from functools import lru_cache

from allauth.core.internal import ratelimit
from django.conf import settings
from django.http import HttpRequest

from otumat.errors import Refused
from otumat_index.accounts import addresses
from otumat_index.journal.actor import Actor
from otumat_index.web.errors import TooMany
from otumat_index.web.pace import Pace

SAFE = ("GET", "HEAD", "OPTIONS")
HOUR_S, DAY_S = 3600, 86_400

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
    """What a stranger who asks too often is told."""
    hint = "Wait an hour, then try again."
    return TooMany("Too many requests of this kind.", hint=hint, retry_after_s=HOUR_S)


def check_request(request: HttpRequest, by: Actor) -> None:
    """
    Count a request to the management API or an uploader's door.

    Raises:
        TooMany: More than the settings allow in an hour.
    """
    if request.method in SAFE:
        check_pace("questions", by, most=settings.CONFIG.max_reads_per_hour, in_s=HOUR_S)
    else:
        check_pace("changes", by, most=settings.CONFIG.max_writes_per_hour, in_s=HOUR_S)


def check_new_project(by: Actor) -> None:
    """Count a free name that somebody claims; an operator's command may claim any number."""
    if by.credential != "cli":
        check_pace("new projects", by, most=settings.CONFIG.max_new_projects_per_day, in_s=DAY_S)


def check_pace(what: str, by: Actor, *, most: int, in_s: int) -> None:
    """Count one use of an account, by whatever credential, or of a publisher; `most` 0 counts nothing."""
    key = f"user {by.user_id}" if by.user_id is not None else by.credential
    wait_s = pace_of(what, most, in_s).wait_s(key, at_s=time.monotonic()) if most else 0
    if wait_s:
        span = "an hour" if in_s == HOUR_S else "a day"
        raise TooMany(
            f"{by.name!r} has reached the limit of {most} {what} in {span}.",
            hint=f"Wait {math.ceil(wait_s)} s, or ask the admin of the index to raise it.",
            retry_after_s=math.ceil(wait_s),
        )


@lru_cache(maxsize=16)
def pace_of(what: str, most: int, in_s: int) -> Pace:
    """This worker's count of one kind of thing."""
    return Pace(at_once=most, per_s=most / in_s)
