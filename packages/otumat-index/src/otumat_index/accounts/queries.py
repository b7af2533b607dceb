"""
Reading accounts: rows for their owner's pages.

Roles belong to `publish`, a room above; they are reached through the user's own relation, without an import.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession

from otumat_index.accounts import rules
from otumat_index.accounts.models import User

PROJECTS_MAX = 500


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
    """The projects a user has a role in, by name; one query."""
    rows = user.roles.order_by("project__normalized").values_list(
        "project__normalized",
        "project__name",
        "kind",
        "project__latest__version",
        "project__is_private",
        "project__status",
    )
    return [
        OwnProject(name, shown, kind, version or "", is_private, status)
        for name, shown, kind, version, is_private, status in rows[:PROJECTS_MAX]
    ]


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
