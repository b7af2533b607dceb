"""Who comes to the pages of an install: its account, or whoever holds a link of the copy itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache

from otumat.errors import NotFound, Unauthenticated
from otumat_index.accounts.views import me
from otumat_index.usage.mine import visits
from otumat_index.usage.models import Install

COOKIE, PLACE = "otumat_visit", "/usage/mine/"


@dataclass(frozen=True, slots=True)
class Holder:
    """An install and the address of its page, for who may see it."""

    install: Install
    place: str
    by_account: bool


View = Callable[..., HttpResponseBase]


def by_account(view: View) -> View:
    """A page for the account that an install is linked to; another's is not there."""

    @never_cache
    @login_required
    @wraps(view)
    def wrapped(request: HttpRequest, number: int, **words: Any) -> HttpResponseBase:
        found = Install.objects.select_related("project", "family__secret").filter(pk=number, user=me(request)).first()
        if found is None:
            raise NotFound("There is no such copy among yours.", hint="Others' are not shown.")
        return view(request, Holder(found, reverse("usage:install_page", args=[number]), True), **words)

    return wrapped


def by_visit(view: View) -> View:
    """The same page for who came by a copy's link."""

    @never_cache
    @wraps(view)
    def wrapped(request: HttpRequest, **words: Any) -> HttpResponseBase:
        try:
            found = visits.visited(request.COOKIES.get(COOKIE, ""), at=timezone.now())
        except Unauthenticated as exc:
            return render(request, "usage/mine/closed.html", {"failure": exc}, status=401)
        return view(request, Holder(found, PLACE, False), **words)

    return wrapped


def let_in(response: HttpResponse, session: str) -> HttpResponse:
    """The session of a visit: sent to its own pages alone, from our own pages alone, and to no script."""
    response.set_cookie(
        COOKIE,
        session,
        max_age=visits.SESSION_S,
        path=PLACE,
        httponly=True,
        samesite="Strict",
        secure=settings.SESSION_COOKIE_SECURE,
    )
    return response
