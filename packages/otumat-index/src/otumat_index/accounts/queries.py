"""
Reading accounts: rows for their owner's pages.

Roles belong to `publish`, a room above; `ownership` reaches them by name, without an import.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.db.models import Exists, OuterRef, Q

from otumat.errors import NotFound
from otumat_index.accounts import ownership, rules
from otumat_index.accounts.models import User
from otumat_index.journal.actor import Actor

PROJECTS_MAX = 500
STRENGTH = ("owner", "maintainer", "reader")


@dataclass(frozen=True, slots=True)
class OwnProject:
    """One of my projects and what I am to it."""

    normalized: str
    name: str
    role: str
    version: str
    is_private: bool
    status: str

    @property
    def may_publish(self) -> bool:
        return self.role != "reader"


@dataclass(frozen=True, slots=True)
class OwnToken:
    """One of my tokens, without its secret. Empty `actions` and `projects` mean no limit."""

    pk: int
    name: str
    begins: str
    actions: tuple[str, ...]
    projects: tuple[str, ...]
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None
    is_over: bool


def projects_of(user: User) -> list[OwnProject]:
    """The projects a user has a role in, by login or in a group, by name; one query."""
    in_group = Q(group__members__user=user, group__members__joined_at__isnull=False)
    rows = ownership.roles().filter(Q(user=user) | in_group).order_by("project__normalized")
    columns = rows.values_list(
        "project__normalized",
        "project__name",
        "kind",
        "project__latest__version",
        "project__is_private",
        "project__status",
    )
    held: dict[str, OwnProject] = {}
    for name, shown, kind, version, is_private, status in columns[: 2 * PROJECTS_MAX]:
        if name not in held or STRENGTH.index(kind) < STRENGTH.index(held[name].role):
            held[name] = OwnProject(name, shown, kind, version or "", is_private, status)
    return list(held.values())[:PROJECTS_MAX]


def tokens_of(user: User, *, at: datetime) -> list[OwnToken]:
    """A user's tokens, newest first; one query."""
    return [
        OwnToken(
            pk=token.pk,
            name=token.name,
            begins=token.hint,
            actions=tuple(token.actions or ()),
            projects=tuple(token.projects or ()),
            created_at=token.created_at,
            expires_at=token.expires_at,
            last_used_at=token.last_used_at,
            is_over=token.expires_at is not None and token.expires_at <= at,
        )
        for token in user.tokens.all()
    ]


def address_of(user: User) -> EmailAddress | None:
    """The mail address that counts."""
    return EmailAddress.objects.filter(user=user).order_by("-primary", "-verified", "pk").first()


def is_confirmed(user_id: int | None) -> bool:
    """Whether an account has a confirmed address."""
    return user_id is not None and EmailAddress.objects.filter(user_id=user_id, verified=True).exists()


def awaited_address_of(user: User) -> str:
    """The address that is to replace the one that counts, once it is confirmed; empty where there is none."""
    new = EmailAddress.objects.filter(user=user, verified=False, primary=False).order_by("-pk").first()
    return new.email if new else ""


@dataclass(frozen=True, slots=True)
class Passkey:
    """A passkey or security key. `alone` says whether it may sign in without a password."""

    pk: int
    name: str
    alone: bool
    created_at: datetime
    last_used_at: datetime | None


@dataclass(frozen=True, slots=True)
class Factors:
    """The second factors of an account, ready to render."""

    app: Authenticator | None
    passkeys: tuple[Passkey, ...]
    codes_left: int

    @property
    def some(self) -> bool:
        """Whether there is a second factor; recovery codes alone are none."""
        return bool(self.app or self.passkeys)

    @property
    def alone(self) -> bool:
        """Whether the account can do without a password."""
        return any(passkey.alone for passkey in self.passkeys)


def factors_of(user: User) -> Factors:
    """An account's second factors; one query."""
    rows = list(Authenticator.objects.filter(user=user).order_by("pk"))
    keys = [row for row in rows if row.type == Authenticator.Type.WEBAUTHN]
    return Factors(
        app=next((row for row in rows if row.type == Authenticator.Type.TOTP), None),
        passkeys=tuple(
            Passkey(row.pk, row.wrap().name, bool(row.wrap().is_passwordless), row.created_at, row.last_used_at)
            for row in keys
        ),
        codes_left=sum(
            len(row.wrap().get_unused_codes()) for row in rows if row.type == Authenticator.Type.RECOVERY_CODES
        ),
    )


@dataclass(frozen=True, slots=True)
class OwnSession:
    """A browser that is signed in."""

    browser: str
    address: str
    since: datetime
    is_this_one: bool


def sessions_of(user: User, *, current: str | None) -> list[OwnSession]:
    """Where somebody is signed in, newest first. Rows of sessions that are over are cleared away."""
    rows = sorted(UserSession.objects.purge_and_list(user), key=lambda row: row.created_at, reverse=True)
    return [
        OwnSession(rules.browser(row.user_agent), row.ip, row.created_at, row.session_key == current) for row in rows
    ]


SEARCHED_MAX = 100


def person(name: str, *, is_active: bool | None = True) -> User:
    """
    The account of a login name, in any spelling of its case.

    Args:
        is_active: None finds deactivated ones as well.

    Raises:
        NotFound: There is none. Whoever asks is signed in and gives a login; addresses are never told of.
    """
    known = User.objects.filter(username__iexact=name.strip()[:64]) if name.isprintable() else User.objects.none()
    found = known.first() if is_active is None else known.filter(is_active=is_active).first()
    if found is None:
        raise NotFound(f"There is no account {name[:80]!r}.", hint="Give the login name.", code="user.unknown")
    return found


def search_users(text: str) -> list[User]:
    """Accounts whose login or address contains a text, newest first, and whether each `has_factor`; for admins."""
    text = text.strip()[:254] if text.isprintable() else ""
    rows = User.objects.filter(Q(username__icontains=text) | Q(email__icontains=text)) if text else User.objects.all()
    factors = Authenticator.objects.filter(user=OuterRef("pk"))
    return list(rows.annotate(has_factor=Exists(factors)).order_by("-date_joined", "-pk")[:SEARCHED_MAX])


def checked_admin(by: Actor) -> Actor:
    """
    The actor, if an admin with an unlimited credential.

    Raises:
        NotFound: Anybody else; what admins have is not there for them.
    """
    if not by.is_admin or by.actions is not None or by.projects is not None:
        raise NotFound("There is nothing at this address.", hint="Check the spelling, or search the index.")
    return by
