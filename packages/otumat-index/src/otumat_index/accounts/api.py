"""JSON doors of accounts, under `/api/v1/`."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django.http import HttpRequest
from django.utils import timezone
from ninja import Router, Schema
from pydantic import field_validator

from otumat.errors import Refused
from otumat_index.accounts import actions, queries, second_factor
from otumat_index.accounts.models import Token, User
from otumat_index.journal.actor import Actor

router = Router(tags=["accounts"])


class NewToken(Schema):
    """What a new token is for; leave actions or projects out for no limit."""

    name: str
    actions: list[str] | None = None
    projects: list[str] | None = None
    expires_at: datetime | None = None

    @field_validator("expires_at")
    @classmethod
    def in_utc(cls, moment: datetime | None) -> datetime | None:
        """A moment without a zone is UTC; PostgreSQL takes none as far from it as Python does."""
        if moment is None or moment.tzinfo is None:
            return moment and moment.replace(tzinfo=UTC)
        try:
            return moment.astimezone(UTC)
        except OverflowError:
            raise ValueError("there is no such moment") from None


def caller(request: HttpRequest) -> Actor:
    """Who asks: found out from the header before the body was read."""
    by: Actor = request.auth  # type: ignore[attr-defined]
    return by


def account_of(by: Actor) -> User:
    """The actor's own account; a limited token does not reach it."""
    if by.actions is not None or by.projects is not None:
        raise Refused(
            "A limited token may not manage your account.",
            hint="Use your password, or a token without limits.",
            code="token_scope",
        )
    return User.objects.get(pk=by.user_id or 0)


def shown(token: Token) -> dict[str, Any]:
    """A token without its secret."""
    return {
        "id": token.pk,
        "name": token.name,
        "begins": token.hint,
        "actions": token.actions,
        "projects": token.projects,
        "created_at": token.created_at,
        "expires_at": token.expires_at,
        "last_used_at": token.last_used_at,
    }


@router.get("/whoami", summary="Who these credentials are")
def whoami(request: HttpRequest) -> dict[str, Any]:
    by = caller(request)
    return {
        "user": by.name,
        "credential": by.credential,
        "admin": by.is_admin,
        "confirmed": queries.is_confirmed(by.user_id),
        "second_factor": second_factor.stands_behind(by),
        "actions": sorted(by.actions) if by.actions is not None else None,
        "projects": sorted(by.projects) if by.projects is not None else None,
    }


@router.get("/tokens", summary="Your API tokens")
def list_tokens(request: HttpRequest) -> dict[str, Any]:
    user = account_of(caller(request))
    return {"tokens": [shown(token) for token in user.tokens.all()]}


@router.post("/tokens", summary="Make an API token; its text is shown this once")
def create_token(request: HttpRequest, body: NewToken) -> dict[str, Any]:
    by = caller(request)
    token, text = actions.create_token(account_of(by), **body.dict(), by=by, at=timezone.now())
    return {"ok": True, "token": text, **shown(token)}


@router.delete("/tokens/{token_id}", summary="Revoke an API token at once")
def revoke_token(request: HttpRequest, token_id: int) -> dict[str, Any]:
    by = caller(request)
    actions.revoke_token(account_of(by), token_id, by=by, at=timezone.now())
    return {"ok": True}
