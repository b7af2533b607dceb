"""The page where an account's safety comes together: password, address, second factors, sessions."""

from __future__ import annotations

from allauth.account.decorators import reauthentication_required
from allauth.mfa.webauthn.views import remove_webauthn
from allauth.usersessions.internal import flows as sessions
from allauth.usersessions.models import UserSession
from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.decorators import login_required
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from otumat.errors import Conflict
from otumat_index.accounts import queries, second_factor, traces
from otumat_index.accounts.views import me


@never_cache
@login_required
@require_safe
def security(request: HttpRequest) -> HttpResponse:
    """My password, address, second factors and sessions."""
    user = me(request)
    context = {
        "email": queries.address_of(user),
        "awaited": queries.awaited_address_of(user),
        "has_password": user.has_usable_password(),
        "factors": queries.factors_of(user),
        "is_required": second_factor.is_required(is_admin=user.is_superuser),
        "sessions": queries.sessions_of(user, current=request.session.session_key),
    }
    return render(request, "accounts/security.html", context)


@login_required
@require_POST
@transaction.atomic
def end_sessions(request: HttpRequest) -> HttpResponse:
    """Sign out everywhere but here."""
    sessions.sessions.end_other_sessions(request, me(request))
    traces.write("user.sessions", me(request))
    messages.success(request, "You are signed out everywhere but here.")
    return redirect("accounts:security")


@login_required
@never_cache
@reauthentication_required(app="allauth.mfa")  # type: ignore[untyped-decorator]
def drop_password(request: HttpRequest) -> HttpResponse:
    """Do without a password: a passkey is the only way in from then on."""
    user = me(request)
    if not queries.factors_of(user).alone:
        hint = "Make a passkey that may sign you in on its own first."
        raise Conflict("Without your password you could not sign in any more.", hint=hint, code="last_login")
    if request.method != "POST":
        return render(request, "accounts/drop_password.html")
    with transaction.atomic():
        user.set_unusable_password()
        user.save(update_fields=["password"])
        traces.write("user.password", user, removed=True)
    update_session_auth_hash(request, user)  # every other session ends; this one gets another key
    UserSession.objects.create_from_request(request)
    messages.success(request, "Your password is gone. From now on your passkey signs you in.")
    return redirect("accounts:security")


@login_required
def remove_passkey(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Take a passkey away, unless it is the only way in."""
    user, factors = me(request), queries.factors_of(me(request))
    others = any(each.alone and each.pk != pk for each in factors.passkeys)
    if request.method == "POST" and not user.has_usable_password() and not others:
        hint = "Set a password, or add another passkey first."
        raise Conflict("This passkey is your only way in.", hint=hint, code="last_login")
    response: HttpResponseBase = remove_webauthn(request, pk=pk)
    return response
