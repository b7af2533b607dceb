"""Who is behind a request: a token, a user with password, or a session."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import ClassVar

from allauth.account.models import EmailAddress
from django.conf import settings
from django.contrib.auth import authenticate
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponseBase
from django.utils import timezone

from otumat.errors import Refused, Unauthenticated
from otumat_index.accounts import limits, rules, second_factor
from otumat_index.accounts.models import Token, User
from otumat_index.accounts.passwords import RecentlyChecked
from otumat_index.journal.actor import NOBODY, Actor
from otumat_index.web import prepared

Next = Callable[[HttpRequest], HttpResponseBase]

RECENT = RecentlyChecked()
USED = "otumat.token_used"
"""In `request.META`: the token whose use is to be noted."""
HOW = "Use your login and password, or the user name __token__ with an API token as the password."


def from_header(request: HttpRequest) -> Actor:
    """
    The actor named by the `Authorization` header; cookies are not looked at (uploads are no page of a browser).

    Raises:
        Unauthenticated: No credentials, or they do not hold: one message for every reason.
        Refused: The right password of an account that cannot act yet.
    """
    if settings.CONFIG.require_https and not request.is_secure():
        raise Refused(
            "This index takes credentials over https only.",
            hint="Use the https address of the index.",
            code="https_required",
        )
    header = request.headers.get("Authorization", "")
    if not header:
        raise Unauthenticated("This needs a login.", hint=HOW)
    scheme, _, rest = header.partition(" ")
    if scheme.lower() == "bearer":
        return from_token(request, rest.strip())
    basic = rules.parse_basic(header)
    if basic is None:
        raise Unauthenticated("The Authorization header cannot be read.", hint=HOW)
    name, password = basic
    if name == "__token__" or rules.looks_like_token(password):
        return from_token(request, password)
    return from_password(request, name, password)


def from_token(request: HttpRequest, text: str) -> Actor:
    """The actor of an API token. Its use is written down by `TokenUse`, after the answer."""
    now = timezone.now()
    token = next(iter(tokens_of(rules.digest(text.strip()))), None)
    if token is None or not is_alive(token, at=now):
        raise Unauthenticated(
            "That API token is not valid here.",
            hint="It may be mistyped, expired or revoked; make a new one on your account page.",
        )
    second_factor.check_token_use(token)
    if token.last_used_at is None or now - token.last_used_at > timedelta(minutes=1):
        request.META[USED] = token.pk
    return of_token(token)


@prepared.rows
def tokens_of(sha256: str) -> QuerySet[Token]:
    return Token.objects.select_related("user").filter(sha256=sha256).order_by()


def is_alive(token: Token, *, at: datetime) -> bool:
    """Whether a token has not ended, nor the person it belongs to been shut out."""
    return (token.expires_at is None or token.expires_at > at) and (token.user is None or token.user.is_active)


def of_token(token: Token) -> Actor:
    """
    The actor behind a token, with the token's limits.

    Of a minted one it is a publisher, whose project and person are asked for where it publishes (`publish.trusted`).
    """
    user = token.user
    publishers = tuple(token.publishers or ())
    credential = f"publisher:{publishers[0]}" if publishers else f"token:{token.pk}"
    return Actor(
        name=user.username if user else credential,
        user_id=token.user_id,
        credential=credential,
        is_admin=user is not None and user.is_superuser and token.projects is None,
        actions=None if token.actions is None else frozenset(token.actions),
        projects=None if token.projects is None else frozenset(token.projects),
        publishers=publishers,
    )


def leave_no_trace(request: HttpRequest) -> None:
    """This request only verifies: nothing is written for it, not even that its token was used (D43)."""
    request.META.pop(USED, None)


class TokenUse:
    """Middleware that notes when a token was last used, at most once a minute."""

    def __init__(self, get_response: Next) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        if USED in request.META:
            Token.objects.filter(pk=request.META[USED]).update(last_used_at=timezone.now())
        return response


class ByHeader:
    """What the management API asks before it reads a body."""

    openapi_name = "Basic"
    openapi_security_schema: ClassVar = {"type": "http", "scheme": "basic", "description": HOW}

    def __call__(self, request: HttpRequest) -> Actor:
        return counted(request)


def counted(request: HttpRequest) -> Actor:
    """
    The actor of a program's request, as `from_header`; how often one may come is limited.

    Raises:
        TooMany: Too often.
    """
    by = from_header(request)
    limits.check_request(request, by)
    return by


def from_password(request: HttpRequest, name: str, password: str) -> Actor:
    """The actor of a login name and password, with lock-out of guessers."""
    if len(name) > rules.LOGIN_MAX_CHARS:
        raise Unauthenticated("That login and password do not match.", hint=HOW)
    user = User.objects.filter(username__iexact=name).first()
    if user is None or not user.is_active or not RECENT.knows(user.username, password, user.password):
        user = check_password(request, name, password)
        RECENT.remember(user.username, password, user.password)
    if not EmailAddress.objects.filter(user=user, verified=True).exists():
        raise Refused(
            f"The account {user.username!r} is not confirmed yet.",
            hint="Open the link in the mail that was sent at registration.",
            code="unconfirmed",
        )
    second_factor.check_password_use(user)
    return of_user(user, "password")


def check_password(request: HttpRequest, name: str, password: str) -> User:
    """The user whose login and password these are; argon2 runs for unknown names, too (A38)."""
    # Whoever counts failures notes what was posted: that would read a stranger's body, and keep it.
    bare = HttpRequest()
    bare.META, bare.path, bare.method = request.META, request.path, "GET"
    if limits.is_spent(request, "failed"):  # of one address for many names, as axes counts by both (A41)
        raise Refused("Too many failed logins.", hint="Wait an hour, or use an API token.", code="locked_out")
    # In one spelling, or each way to write a name would have tries of its own before it is locked.
    user = authenticate(bare, username=name.lower(), password=password)
    if isinstance(user, User):
        return user
    limits.take(request, "failed")
    if getattr(bare, "axes_locked_out", False):
        hint = "Wait a quarter of an hour, or use an API token."
        raise Refused("Too many failed logins.", hint=hint, code="locked_out")
    raise Unauthenticated("That login and password do not match.", hint=HOW)


def from_session(request: HttpRequest) -> Actor:
    """The signed-in person of a page, or nobody."""
    user = request.user
    return of_user(user, "session") if isinstance(user, User) and user.is_active else NOBODY


def from_request(request: HttpRequest) -> Actor:
    """By header if there is one, else by session: for reading pages that both people and programs open."""
    return from_header(request) if request.headers.get("Authorization") else from_session(request)


def of_user(user: User, credential: str) -> Actor:
    """The actor a user is, with everything the user may do."""
    return Actor(name=user.username, user_id=user.pk, credential=credential, is_admin=user.is_superuser)
