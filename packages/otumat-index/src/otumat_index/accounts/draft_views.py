"""The doors of the draft's `user` and `password_reminder`: by themselves, and as `:action` of the old clients."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST

from otumat.errors import Conflict, Invalid, Problem, Refused, Unauthenticated
from otumat_index.accounts import credentials, limits, registration, rules, traces
from otumat_index.accounts.models import User
from otumat_index.journal.actor import Actor
from otumat_index.web import errors

BODY_MAX_BYTES = 20_000
"""Longest form read from somebody who has not said who they are."""


def is_small(request: HttpRequest) -> bool:
    """Whether the announced body is short enough to be read from anybody."""
    told = str(request.META.get("CONTENT_LENGTH") or "")
    return told.isascii() and told.isdigit() and int(told[:10]) <= BODY_MAX_BYTES and len(told) <= 10


# No cookie is looked at, so no other site can act for whoever is signed in.
@csrf_exempt
@require_POST
@never_cache
@sensitive_post_parameters("password", "confirm")
def user(request: HttpRequest) -> HttpResponse:
    """The draft's `user`."""
    check_small(request)
    return take_user(request)


@csrf_exempt
@require_POST
@never_cache
def password_reminder(request: HttpRequest) -> HttpResponse:
    """The draft's `password_reminder`."""
    check_small(request)
    return take_reminder(request)


def take_user(request: HttpRequest) -> HttpResponse:
    """`:action=user`: register, or with one's own login by Basic change password and address."""
    if settings.CONFIG.require_https and not request.is_secure():
        hint = "Use the https address of the index."
        raise Refused("This index takes passwords over https only.", hint=hint, code="https_required")
    details = registration.Details(**{name: field(request, name) for name in registration.LABELS})
    traces.forget_unconfirmed(details.name, at=timezone.now())
    found = owner(request, details.name)
    if found is not None:
        account, by = found
        limits.check_asking(request, account.username)
        registration.update(request, account, details, by=by, at=timezone.now())
        message = "Your password is changed. A new address counts once you open the link that was mailed to it."
        return told(request, "updated", message, name=account.username)
    registration.check(details)
    limits.check_asking(request, details.email)
    made = registration.register(request, details, at=timezone.now())
    message = "A mail with a link was sent to that address. Open it to confirm the account; it works for two days."
    return told(request, "registered", message, name=made.username)


def field(request: HttpRequest, name: str) -> str:
    """A field of the form, if it is text that every database can be asked for."""
    value = request.POST.get(name, "")
    if "\0" in value:
        raise Invalid([Problem("user.text", name, "It has a NUL character.", hint="Send text.")])
    return value


def owner(request: HttpRequest, name: str) -> tuple[User, Actor] | None:
    """
    The account of this login, where the header proves that it is one's own; None where there is no such account.

    Raises:
        Conflict: There is one, and it is not: code `login_taken`, whatever the reason (D29).
        Refused: It is, but may not be changed this way.
    """
    account = User.objects.filter(username__iexact=name).first() if name else None
    by = sender(request, account)
    if account is None:
        return None
    if by is None or by.user_id != account.pk:
        raise taken(name)
    if by.credential != "password":
        hint = "Send your login and password."
        raise Refused("A token may not change your password.", hint=hint, code="token_scope")
    return account, by


def sender(request: HttpRequest, account: User | None) -> Actor | None:
    """Whose the credentials are. An account that waits for its confirmation may mend a mistyped address."""
    header = request.headers.get("Authorization", "")
    if not header:
        return None
    try:
        return credentials.from_header(request)
    except Unauthenticated:
        return None
    except Refused as exc:
        named = (rules.parse_basic(header) or ("",))[0]
        if exc.code == "unconfirmed" and account is not None and named.lower() == account.username.lower():
            return credentials.of_user(account, "password")
        raise


def taken(name: str) -> Conflict:
    """The draft: told that the login is taken."""
    hint = "Choose another one; or, if it is yours, send your password by Basic authentication to change your details."
    return Conflict(f"The login {name!r} is taken.", hint=hint, code="login_taken")


def take_reminder(request: HttpRequest) -> HttpResponse:
    """`:action=password_reset`: one answer, whether or not there is such an account."""
    name, email = field(request, "name").strip(), field(request, "email").strip()
    if not name and not email:
        hint = "Send 'name' or 'email'."
        raise Invalid([Problem("user.missing", "name", "A login name or an address is needed.", hint=hint)])
    if len(name) > registration.MAX_CHARS["email"] or len(email) > registration.MAX_CHARS["email"]:
        raise Invalid([Problem("user.too_long", "name", "No login or address is that long.", hint="Shorten it.")])
    limits.check_asking(request, email or name)
    if "@" in name and not email:
        name, email = "", name
    registration.remind(name=name, email=email)
    message = "If there is such an account, a mail with a link for a new password is on its way to its address."
    return told(request, "reminded", message)


def check_small(request: HttpRequest) -> None:
    """Refuse by the announced length, before a byte of the body is read."""
    if not is_small(request):
        message = f"This form may have {BODY_MAX_BYTES // 1000} kB, and must say its length."
        raise Refused(message, hint="Send the fields alone.", code="too_large")


def told(request: HttpRequest, action: str, message: str, **more: str) -> HttpResponse:
    """The good answer, for a person or a program."""
    if errors.wants(request) == "json":
        return JsonResponse({"ok": True, "action": action, **more, "message": message})
    return HttpResponse(message + "\n", content_type="text/plain; charset=utf-8")
