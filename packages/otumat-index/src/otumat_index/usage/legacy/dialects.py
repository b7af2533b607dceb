"""Which of the two dialects a request to one of the four routes is in."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt

from otumat_index.usage.legacy import doors, pages

Door = Callable[[HttpRequest], HttpResponse]
FORM = "application/x-www-form-urlencoded"


def in_either(door: Door, old: Door, is_old: Callable[[HttpRequest], bool]) -> Door:
    """A door for both dialects; while `LEGACY_AGENT` is off it is the 1.0 door and nothing else."""

    # Forms are checked by `pages.answer` and `views.answer`; nothing else here looks at a cookie.
    @csrf_exempt
    def chosen(request: HttpRequest) -> HttpResponse:
        return (old if settings.CONFIG.legacy_agent and is_old(request) else door)(request)

    return chosen


def consent(door: Door) -> Door:
    return in_either(door, pages.consent, lambda request: "redirect" in request.GET)


def answer(door: Door) -> Door:
    return in_either(door, pages.answer, lambda request: request.content_type == FORM and "redirect" in request.POST)


def events(door: Door) -> Door:
    return in_either(door, doors.events, lambda request: request.content_type == "application/json")


def token(door: Door) -> Door:
    return in_either(door, doors.token, has_secret)


def revoke(door: Door) -> Door:
    """Whatever the setting says by now: who was let in may leave."""
    return csrf_exempt(lambda request: (doors.revoke if has_secret(request) else door)(request))


def has_secret(request: HttpRequest) -> bool:
    return request.headers.get("Authorization", "").startswith("Basic ")
