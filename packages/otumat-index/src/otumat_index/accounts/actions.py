"""Everything a person may do to an account, so far: be created, make and revoke tokens, become the first admin."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta

from allauth.account.models import EmailAddress
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from otumat.errors import Conflict, Invalid, NotFound, Problem, Refused
from otumat.spec import names
from otumat_index.accounts import addresses, rules, second_factor
from otumat_index.accounts.models import OneTimeLink, Token, User
from otumat_index.journal import actions as journal
from otumat_index.journal.actor import Actor

FIRST_ADMIN = "first-admin"
TOKENS_MAX = 500
TOKEN_NAME_MAX_CHARS = 100


@transaction.atomic
def create_user(
    name: str, *, email: str, password: str | None, confirmed: bool, admin: bool, by: Actor, at: datetime
) -> User:
    """
    Add an account.

    Args:
        password: None makes an account that can only use tokens until a password is set.
        confirmed: Take the address as confirmed; otherwise the person confirms by mail at first login.

    Raises:
        Invalid: Naming everything wrong with name, address and password.
        Conflict: The login is taken.
    """
    user = User(username=name, email=addresses.canonical(email), is_superuser=admin, is_staff=admin, date_joined=at)
    check_user(user, password)
    check_free(user, confirmed=confirmed)
    if password is None:
        user.set_unusable_password()
    else:
        user.set_password(password)
    try:
        with transaction.atomic():
            user.save()
            EmailAddress.objects.create(user=user, email=user.email, verified=confirmed, primary=True)
    except IntegrityError:  # somebody was quicker
        check_free(user, confirmed=confirmed)
        raise
    journal.write("user.create", name, by=by, at=at, admin=admin, confirmed=confirmed)
    return user


def check_free(user: User, *, confirmed: bool) -> None:
    """Refuse a login, or a confirmed address, that another account has."""
    if User.objects.filter(username__iexact=user.username).exists():
        raise Conflict(f"The login {user.username!r} is taken.", hint="Choose another one.", code="login_taken")
    if confirmed and EmailAddress.objects.filter(email__iexact=user.email, verified=True).exists():
        message = f"The address {user.email!r} belongs to another account."
        raise Conflict(message, hint="Use another one.", code="address_taken")


def check_user(user: User, password: str | None) -> None:
    """Raise one `Invalid` with every problem of a new account."""
    problems: list[Problem] = []
    if not user.email:
        problems.append(Problem("user.email", "email", "An email address is needed."))
    try:
        user.clean_fields(exclude=["password"])
    except ValidationError as exc:
        for field, texts in exc.message_dict.items():
            problems += [Problem(f"user.{field}", field, text, value=str(getattr(user, field))) for text in texts]
    if password is not None:
        try:
            validate_password(password, user)
        except ValidationError as exc:
            problems += [Problem("user.password", "password", text) for text in exc.messages]
    if problems:
        raise Invalid(problems)


@transaction.atomic
def create_token(
    user: User,
    *,
    name: str,
    actions: list[str] | None = None,
    projects: list[str] | None = None,
    expires_at: datetime | None = None,
    by: Actor,
    at: datetime,
) -> tuple[Token, str]:
    """
    Make an API token.

    Returns:
        The row, and the token's text, which is shown once and never kept.
    """
    if by.actions is not None or by.projects is not None:
        raise Refused("A limited token cannot make tokens.", hint="Sign in, or use a token without limits.")
    problems = rules.check_scope(actions, projects) + check_token(name, expires_at, at=at)
    if problems:
        raise Invalid(problems)
    if Token.objects.filter(user=user).count() >= TOKENS_MAX:
        raise Conflict(f"{user.username!r} has {TOKENS_MAX} tokens, the most there may be.", hint="Revoke some first.")
    projects = None if projects is None else list(dict.fromkeys(map(names.normalize, projects)))
    text = rules.make_token(secrets.token_bytes(32))
    token = Token.objects.create(
        user=user,
        name=name.strip(),
        sha256=rules.digest(text),
        hint=text[: len(rules.TOKEN_PREFIX) + 4],
        actions=actions,
        projects=projects,
        created_at=at,
        expires_at=expires_at,
        with_factor=second_factor.has_one(user.pk),
    )
    journal.write(
        "token.create", user.username, by=by, at=at, token=token.pk, name=token.name, actions=actions, projects=projects
    )
    return token, text


def check_token(name: str, expires_at: datetime | None, *, at: datetime) -> list[Problem]:
    """What is wrong with a new token's name and end."""
    problems, name = [], name.strip()
    if not name or len(name) > TOKEN_NAME_MAX_CHARS or not name.isprintable():
        message = f"A token needs a name of 1 to {TOKEN_NAME_MAX_CHARS} characters to tell it from others."
        problems.append(Problem("token.name", "name", message, value=name, hint="Say in a line what it is for."))
    if expires_at is not None and expires_at <= at:
        problems.append(Problem("token.expires_at", "expires_at", "That moment has passed.", value=str(expires_at)))
    return problems


@transaction.atomic
def revoke_token(user: User, token_id: int, *, by: Actor, at: datetime) -> None:
    """End a token of this user at once."""
    token = Token.objects.filter(user=user, pk=token_id).first()
    if token is None:
        raise NotFound("You have no such token.")
    token.delete()
    journal.write("token.revoke", user.username, by=by, at=at, token=token_id, name=token.name)


@transaction.atomic
def offer_first_admin(*, at: datetime) -> str | None:
    """The secret of a new one-time link that makes the first admin; None when there is an admin already."""
    if User.objects.filter(is_superuser=True).exists():
        return None
    OneTimeLink.objects.filter(purpose=FIRST_ADMIN).delete()
    secret = secrets.token_urlsafe(32)
    OneTimeLink.objects.create(purpose=FIRST_ADMIN, sha256=rules.digest(secret), expires_at=at + timedelta(days=7))
    return secret


def first_admin_is_open(secret: str, *, at: datetime) -> bool:
    """Whether this link still makes the first admin."""
    link = OneTimeLink.objects.filter(purpose=FIRST_ADMIN, sha256=rules.digest(secret), used_at=None, expires_at__gt=at)
    return link.exists() and not User.objects.filter(is_superuser=True).exists()


@transaction.atomic
def become_first_admin(secret: str, name: str, *, email: str, password: str, at: datetime) -> User:
    """Use the one-time link: a confirmed admin account."""
    used = OneTimeLink.objects.filter(
        purpose=FIRST_ADMIN, sha256=rules.digest(secret), used_at=None, expires_at__gt=at
    ).update(used_at=at)
    if not used or User.objects.filter(is_superuser=True).exists():
        raise Refused(
            "This link has been used or has expired.",
            hint="Restart the index to get a new one, as long as there is no admin.",
        )
    return create_user(
        name, email=email, password=password, confirmed=True, admin=True, by=Actor(name=name, credential="link"), at=at
    )
