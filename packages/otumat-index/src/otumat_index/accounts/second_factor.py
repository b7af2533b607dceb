"""Second factors: who has one, who must have one, and leading people to set one up."""

from __future__ import annotations

from collections.abc import Callable

from allauth.mfa.models import Authenticator
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect

from otumat.errors import Refused
from otumat_index.accounts.models import Token, User
from otumat_index.journal.actor import Actor
from otumat_index.web import errors

Next = Callable[[HttpRequest], HttpResponseBase]

OPEN = (
    "/account/security/",
    "/account/factors/",
    "/account/logout/",
    "/account/login/",
    "/account/reauthenticate/",
    "/account/password/",
    "/account/email/",
    "/account/confirm-email/",
    "/static/",
    "/health/",
)
"""Where somebody who has to set up a second factor may go before."""
WHY = "This index asks {whom} for a second factor. Set one up; then everything else opens."
NO_LOGIN = "Your account has no password. Make a passkey now: without one you could not sign in again."


def has_one(user_id: int | None) -> bool:
    """Whether an account has an app or a passkey; recovery codes alone are none."""
    factors = Authenticator.objects.filter(user_id=user_id).exclude(type=Authenticator.Type.RECOVERY_CODES)
    return user_id is not None and factors.exists()


def is_required(*, is_admin: bool) -> bool:
    """Whether this index wants one of everybody, or of its admins."""
    wanted = settings.CONFIG.require_second_factor
    return bool(wanted == "all" or (wanted == "admins" and is_admin))


def stands_behind(by: Actor) -> bool:
    """
    Whether a second factor stands behind a credential: the account's own, or, of a token, when it was made.

    A program at the machine itself and a trusted publisher have no account; what they may do is decided elsewhere.
    """
    kind, _, number = by.credential.partition(":")
    if kind == "token":
        return Token.objects.filter(pk=int(number), with_factor=True).exists()
    return has_one(by.user_id) if kind in ("session", "password") else bool(kind)


def check_password_use(user: User) -> None:
    """Refuse a password alone where the account has more, or must have."""
    if has_one(user.pk):
        raise Refused(
            f"The account {user.username!r} has a second factor, so its password alone does not do here.",
            hint="Make an API token on your account page and send it: user name __token__, the token as password.",
            code="second_factor",
        )
    if is_required(is_admin=user.is_superuser):
        raise missing()


def check_token_use(token: Token) -> None:
    """Refuse a person's token that was made without a second factor where one is required."""
    if token.user is not None and not token.with_factor and is_required(is_admin=token.user.is_superuser):
        raise missing()


def missing() -> Refused:
    """What a program is told that acts for somebody without a second factor."""
    return Refused(
        "This index asks for a second factor.",
        hint="Sign in with a browser, set one up at /account/security/, and make a new API token.",
        code="second_factor",
    )


class RequireSecondFactor:
    """Middleware: whoever must have a second factor, and whoever could not sign in again, sets one up first."""

    def __init__(self, get_response: Next) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        why = self.reason(request)
        if not why:
            return self.get_response(request)
        if request.method not in ("GET", "HEAD") or errors.wants(request) == "json":
            return errors.answer(request, missing())
        messages.warning(request, why)
        return redirect("accounts:security")

    def reason(self, request: HttpRequest) -> str:
        """Why somebody is led to the security page; empty where nobody is."""
        if request.path.startswith(OPEN) or not isinstance(request.user, User):
            return ""
        user = request.user
        required, locked_out = is_required(is_admin=user.is_superuser), not user.has_usable_password()
        if not (required or locked_out) or has_one(user.pk):
            return ""
        return NO_LOGIN if locked_out else WHY.format(whom="everybody" if not user.is_superuser else "you")
