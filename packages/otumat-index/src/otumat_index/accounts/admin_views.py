"""Pages of admins for accounts and the journal. For everybody else there is nothing at these addresses."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable
from functools import wraps

from django.contrib import messages
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from otumat.errors import Conflict, NotFound, OtumatError
from otumat_index import config
from otumat_index.accounts import administration, credentials, queries
from otumat_index.accounts.models import User
from otumat_index.journal import queries as journal
from otumat_index.journal.actor import Actor
from otumat_index.journal.sentences import told
from otumat_index.journal.views import PAGE, asked_before

View = Callable[..., HttpResponseBase]
SHOWN = 20


def for_admins(view: View) -> View:
    """A door that is not there for anybody else; strangers may sign in first."""

    @never_cache
    @wraps(view)
    def door(request: HttpRequest, *args: object, **words: object) -> HttpResponseBase:
        if not request.user.is_authenticated:
            return redirect_to_login(request.get_full_path())
        queries.checked_admin(credentials.from_session(request))
        return view(request, *args, **words)

    return door


@for_admins
@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """Where an admin begins: the ways on, the last changes, the settings."""
    rows, _ = journal.page(journal.everything(), before=None, limit=SHOWN)
    context = {"rows": [told(row) for row in rows], "settings": settings_shown(), "users": User.objects.count()}
    return render(request, "accounts/admin/home.html", context)


def settings_shown() -> list[tuple[str, str, str]]:
    """Every setting with value and why; secrets are not shown."""
    found, _ = config.read(os.environ)
    rows = []
    for field in dataclasses.fields(found):
        value = getattr(found, field.name)
        shown = "set, not shown" if field.metadata["secret"] and value else str(value)
        rows.append((field.name.upper(), shown, field.metadata["why"]))
    return rows


@for_admins
@require_safe
def users(request: HttpRequest) -> HttpResponse:
    """Accounts, searched by login or address."""
    text = request.GET.get("q", "")[:254]
    context = {"text": text, "people": queries.search_users(text), "listed_max": queries.SEARCHED_MAX}
    return render(request, "accounts/admin/users.html", context)


@for_admins
@require_POST
def change_user(request: HttpRequest, name: str, act: str) -> HttpResponse:
    """One change of one account."""
    if act not in ACTS:
        raise NotFound("There is nothing at this address.")
    user, by = queries.person(name, is_active=None), credentials.from_session(request)
    try:
        messages.success(request, ACTS[act](request, user, by))
    except OtumatError as exc:
        messages.error(request, f"{exc.message} {exc.hint}".strip())
    return redirect("accounts:admin_users")


def deactivate(request: HttpRequest, user: User, by: Actor) -> str:
    administration.deactivate(user, anyway="anyway" in request.POST, by=by, at=timezone.now())
    return f"{user.username} is deactivated: every session and token has ended."


def reactivate(request: HttpRequest, user: User, by: Actor) -> str:
    administration.reactivate(user, by=by, at=timezone.now())
    return f"{user.username} may sign in again."


def make_admin(request: HttpRequest, user: User, by: Actor) -> str:
    administration.set_admin(user, True, by=by, at=timezone.now())
    return f"{user.username} is an admin of this index now."


def unmake_admin(request: HttpRequest, user: User, by: Actor) -> str:
    administration.set_admin(user, False, by=by, at=timezone.now())
    return f"{user.username} is no admin any more."


def reset_factors(request: HttpRequest, user: User, by: Actor) -> str:
    if "sure" not in request.POST:
        message = f"Nothing was changed: say that it is {user.username} who asked for it."
        raise Conflict(message, hint="Whoever has the password would be in.", code="factor_confirm")
    administration.reset_factors(user, by=by, at=timezone.now())
    return f"{user.username} has no second factor any more, and every session has ended."


ACTS: dict[str, Callable[[HttpRequest, User, Actor], str]] = {
    "deactivate": deactivate,
    "reactivate": reactivate,
    "make-admin": make_admin,
    "unmake-admin": unmake_admin,
    "reset-factors": reset_factors,
}


@for_admins
@require_safe
def everything(request: HttpRequest) -> HttpResponse:
    """The whole journal."""
    rows, older = journal.page(journal.everything(), before=asked_before(request), limit=PAGE)
    return render(request, "accounts/admin/journal.html", {"rows": [told(row) for row in rows], "older": older})
