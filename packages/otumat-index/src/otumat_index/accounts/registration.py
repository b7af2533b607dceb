"""The draft's `user` and `password_reminder`: registering, changing one's details, and asking for a new password."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from allauth.account.forms import default_token_generator
from allauth.account.internal import flows
from allauth.account.internal.userkit import filter_users_by_email
from allauth.account.models import EmailAddress
from django.conf import settings
from django.db import transaction
from django.http import HttpRequest

from otumat.errors import Conflict, Invalid, Problem, Refused
from otumat_index.accounts import actions, addresses
from otumat_index.accounts.models import User
from otumat_index.journal import actions as journal
from otumat_index.journal.actor import Actor
from otumat_index.web import later

LABELS = {"name": "A login name", "password": "A password", "confirm": "The password once more", "email": "An address"}
MAX_CHARS = {"name": 64, "password": 1000, "confirm": 1000, "email": 254}


@dataclass(frozen=True, slots=True)
class Details:
    """What the draft's form has: the field names are its own."""

    name: str = ""
    password: str = ""
    confirm: str = ""
    email: str = ""


def register(request: HttpRequest, details: Details, *, at: datetime) -> User:
    """
    Steps 1 and 2 of registering: an unconfirmed account, and a mail with a link that confirms it.

    Whether the address belongs to another account changes neither the answer nor the work (A38): the account is made
    either way, only the mail differs, and it can be confirmed by the link alone.

    Raises:
        Invalid: Naming everything wrong.
        Conflict: The login is taken, code `login_taken`.
        Refused: Strangers may not register here, code `sign_up_closed`.
    """
    if not settings.CONFIG.sign_up:
        raise Refused(
            "Strangers cannot register on this index.", hint="Ask its admin for an account.", code="sign_up_closed"
        )
    check(details)
    if details.name.lower() in settings.ACCOUNT_USERNAME_BLACKLIST:
        raise Conflict(f"The login {details.name!r} is taken.", hint="Choose another one.", code="login_taken")
    with transaction.atomic():
        user = actions.create_user(
            details.name.lower(),
            email=details.email,
            password=details.password,
            confirmed=False,
            admin=False,
            by=Actor(name=details.name.lower(), credential="form"),
            at=at,
        )
        EmailAddress.objects.get(user=user).send_confirmation(request, signup=True)
    return user


@transaction.atomic
def update(request: HttpRequest, user: User, details: Details, *, by: Actor, at: datetime) -> User:
    """
    Change one's own password and address. The new address counts once it is confirmed; until then the old one does.

    Every session of the account ends.
    """
    check(details, user)
    user.set_password(details.password)
    user.save(update_fields=["password"])
    journal.write("user.password", user.username, by=by, at=at)
    new = addresses.canonical(details.email)
    if not EmailAddress.objects.filter(user=user, email=new, verified=True).exists():
        asked = EmailAddress.objects.add_new_email(request, user, new, send_verification=False)
        journal.write("user.address", user.username, by=by, at=at)
        asked.send_confirmation(request)
    return user


def check(details: Details, user: User | None = None) -> None:
    """Raise one `Invalid` with everything wrong, the password's rules included."""
    problems = [
        Problem("user.missing", name, f"{label} is needed.", hint=f"Send it as {name!r}.")
        for name, label in LABELS.items()
        if not getattr(details, name)
    ]
    problems += [
        Problem("user.too_long", name, f"It is longer than {most} characters.", hint="Shorten it.")
        for name, most in MAX_CHARS.items()
        if len(getattr(details, name)) > most
    ]
    if details.password and details.confirm and details.password != details.confirm:
        message = "The two passwords are not the same."
        problems.append(Problem("user.confirm", "confirm", message, hint="Type it again."))
    named = {problem.field for problem in problems}
    try:
        account = User(username=user.username if user else details.name, email=addresses.canonical(details.email))
        actions.check_user(account, details.password or None)
    except Invalid as exc:
        found = [renamed(problem) for problem in exc.problems]
        problems += [problem for problem in found if problem.field not in named]
    if problems:
        raise Invalid(problems)


def renamed(problem: Problem) -> Problem:
    """A problem under the draft's name of its field."""
    words: dict[str, Any] = {"value": problem.value} if problem.field != "password" else {}
    field = "name" if problem.field == "username" else problem.field
    return Problem(problem.code, field, problem.message, hint=problem.hint, **words)


def remind(*, name: str = "", email: str = "") -> None:
    """
    Mail a link for a new password to whom it may concern, never a password.

    Everything that depends on whether there is such an account happens beside the request (A38).

    Args:
        name: A login.
        email: Or an address.
    """
    later.run(functools.partial(find_and_mail, name, email))


def find_and_mail(name: str, email: str) -> None:
    """To the confirmed address alone; where none is confirmed yet, the link that confirms it goes out again."""
    for user in users_of(name, addresses.canonical(email)):
        known = EmailAddress.objects.filter(user=user).order_by("-verified", "-primary", "pk").first()
        if known is None:
            continue
        if known.verified:
            flows.password_reset.request_password_reset(None, known.email, [user], default_token_generator)
        else:
            with transaction.atomic():
                known.send_confirmation(None, signup=True)


def users_of(name: str, email: str) -> list[User]:
    """Who may be meant: the login's account, or those of the address, confirmed ones first."""
    if name:
        return list(User.objects.filter(username__iexact=name, is_active=True))
    users: list[User] = filter_users_by_email(email, is_active=True, prefer_verified=True, for_login=True)
    return users
