"""JSON doors of admins to accounts, under `/api/v1/admin/`. For everybody else there is nothing there."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.utils import timezone
from ninja import Router, Schema

from otumat.errors import Invalid, Problem
from otumat_index.accounts import administration, queries
from otumat_index.accounts.api import caller
from otumat_index.accounts.models import User
from otumat_index.journal import queries as journal
from otumat_index.journal.actor import Actor
from otumat_index.journal.api import PAGE, shown_page

router = Router(tags=["admin"])


class Change(Schema):
    """One change of an account: say one of the two. `anyway` deactivates the last owner of a project, too."""

    active: bool | None = None
    admin: bool | None = None
    anyway: bool = False


def admin_of(request: HttpRequest) -> Actor:
    """The caller, if an admin with an unlimited credential."""
    return queries.checked_admin(caller(request))


def shown(user: User) -> dict[str, Any]:
    """An account as admins see it."""
    return {
        "user": user.username,
        "email": user.email,
        "active": user.is_active,
        "admin": user.is_superuser,
        "closed_at": user.closed_at,
        "joined_at": user.date_joined,
        "last_login": user.last_login,
    }


@router.get("/admin/users", summary="Accounts whose login or address contains a text")
def list_users(request: HttpRequest, q: str = "") -> dict[str, Any]:
    admin_of(request)
    return {"users": [shown(user) for user in queries.search_users(q)]}


@router.put("/admin/users/{user}", summary="Deactivate, reactivate, make or unmake an admin: one change at a time")
def change_user(request: HttpRequest, user: str, body: Change) -> dict[str, Any]:
    by, whom, now = admin_of(request), queries.person(user, is_active=None), timezone.now()
    if (body.active is None) == (body.admin is None):
        message = "The request names no change, or two."
        raise Invalid([Problem("user.change", "active", message, hint="Send either `active` or `admin`.")])
    if body.admin is not None:
        whom = administration.set_admin(whom, body.admin, by=by, at=now)
    elif body.active:
        whom = administration.reactivate(whom, by=by, at=now)
    else:
        whom = administration.deactivate(whom, anyway=body.anyway, by=by, at=now)
    return {"ok": True, **shown(whom)}


@router.delete("/admin/users/{user}/factors", summary="Take every second factor off an account whose person lost one")
def reset_factors(request: HttpRequest, user: str) -> dict[str, Any]:
    by, whom = admin_of(request), queries.person(user, is_active=None)
    count = administration.reset_factors(whom, by=by, at=timezone.now())
    return {"ok": True, "user": whom.username, "removed": count}


@router.get("/admin/journal", summary="Everything that was changed, newest first")
def read_journal(request: HttpRequest, before: int | None = None) -> dict[str, Any]:
    admin_of(request)
    return shown_page(*journal.page(journal.everything(), before=before, limit=PAGE))
