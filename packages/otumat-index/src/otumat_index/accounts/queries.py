"""
Reading accounts: rows for their owner's pages.

Roles belong to `publish`, a room above; they are reached through the user's own relation, without an import.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from allauth.account.models import EmailAddress

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
