"""The pages of one's own account."""

from __future__ import annotations

from allauth.account.decorators import reauthentication_required
from django.contrib import messages
from django.contrib.auth import login
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST, require_safe

from otumat.errors import Conflict, Invalid, NotFound, Problem
from otumat_index.accounts import actions, credentials, queries
from otumat_index.accounts.forms import FirstAdminForm, TokenForm, tell
from otumat_index.accounts.models import User


@never_cache
@login_required
@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """My projects, my tokens, my address."""
    user = me(request)
    context = {
        "projects": queries.projects_of(user),
        "tokens": queries.tokens_of(user, at=timezone.now()),
        "email": queries.address_of(user),
    }
    return render(request, "accounts/home.html", context)


@never_cache
@login_required
@reauthentication_required(app="allauth.mfa", enabled=lambda request: request.method == "POST")  # type: ignore[untyped-decorator]
def tokens(request: HttpRequest) -> HttpResponse:
    """
    My tokens, and a form for a new one, whose text is shown this once.

    A token outlives the session that made it, so whoever asks for one shows again who it is; allauth keeps the form
    meanwhile, and answers it then.
    """
    user, now = me(request), timezone.now()
    offered = [(row.normalized, row.name) for row in queries.projects_of(user)]
    form = TokenForm(request.POST if request.method == "POST" else None, projects=offered)
    text = ""
    if request.method == "POST" and form.is_valid():
        try:
            by = credentials.from_session(request)
            text = actions.create_token(user, **form.limits(at=now), by=by, at=now)[1]
            form = TokenForm(projects=offered)
        except Invalid as exc:
            tell(form, exc.problems)
    context = {"form": form, "tokens": queries.tokens_of(user, at=now), "text": text}
    return render(request, "accounts/tokens.html", context, status=400 if form.is_bound and form.errors else 200)


@login_required
@require_POST
def revoke_token(request: HttpRequest, token_id: int) -> HttpResponse:
    """End one of my tokens at once."""
    actions.revoke_token(me(request), token_id, by=credentials.from_session(request), at=timezone.now())
    messages.success(request, "The token is revoked. Whatever used it must get another one.")
    return redirect("accounts:tokens")


@sensitive_post_parameters("password", "again")
@never_cache
def first_admin(request: HttpRequest, secret: str) -> HttpResponse:
    """The one-time link of a fresh index: whoever holds it becomes its first admin."""
    if not actions.first_admin_is_open(secret, at=timezone.now()):
        raise NotFound(
            "This link has been used or has expired.",
            hint="As long as there is no admin, each start of the index prints a new one.",
        )
    form = FirstAdminForm(request.POST if request.method == "POST" else None)
    if form.is_bound and form.is_valid():
        made = become(form, secret)
        if made is not None:
            return welcome(request, made)
    return render(request, "accounts/first_admin.html", {"form": form}, status=400 if form.errors else 200)


def become(form: FirstAdminForm, secret: str) -> User | None:
    """The new admin, or None with everything that is wrong told by the form; the link then still works."""
    values = form.cleaned_data
    try:
        return actions.become_first_admin(
            secret, values["name"], email=values["email"], password=values["password"], at=timezone.now()
        )
    except Invalid as exc:
        tell(form, exc.problems)
    except Conflict as exc:
        tell(form, [Problem(exc.code, "name", exc.message, hint=exc.hint)])
    return None


def welcome(request: HttpRequest, user: User) -> HttpResponseRedirect:
    """Sign the first admin in."""
    login(request, user, backend="allauth.account.auth_backends.AuthenticationBackend")
    messages.success(request, f"Welcome, {user.username}. You are the admin of this index.")
    return HttpResponseRedirect("/account/")


def me(request: HttpRequest) -> User:
    """The person signed in; `login_required` saw to it that there is one."""
    assert isinstance(request.user, User)  # noqa: S101
    return request.user
