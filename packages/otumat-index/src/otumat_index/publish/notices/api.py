"""JSON doors of mail preferences, under `/api/v1/`."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.utils import timezone
from ninja import Router, Schema

from otumat_index.accounts.api import account_of, caller
from otumat_index.accounts.models import User
from otumat_index.accounts.notices import actions
from otumat_index.accounts.notices import queries as preferences
from otumat_index.publish.doors import opened

router = Router(tags=["notifications"])


class Level(Schema):
    """`all`, `others` (changes made by others only) or `none`; for one project also `default`."""

    level: str


def told(user: User, topic: str) -> dict[str, Any]:
    """What somebody said, and what follows from it."""
    said = preferences.preferences_of(user)
    general = said.get("", preferences.LEVELS.ALL.value)
    if not topic:
        return {"level": general, "projects": {name: level for name, level in said.items() if name}}
    return {"level": said.get(topic, actions.DEFAULT), "default": general}


@router.get("/notifications", summary="How much mail you get about projects")
def mine(request: HttpRequest) -> dict[str, Any]:
    return told(account_of(caller(request)), "")


@router.put("/notifications", summary="Choose how much mail you get about projects")
def choose(request: HttpRequest, body: Level) -> dict[str, Any]:
    by = caller(request)
    user = account_of(by)
    actions.set_preference(user, "", body.level, by=by, at=timezone.now())
    return {"ok": True, **told(user, "")}


@router.get("/project/{name}/notifications", summary="How much mail you get about a project")
def mine_of_project(request: HttpRequest, name: str) -> dict[str, Any]:
    by = caller(request)
    return told(account_of(by), opened(request, name, by=by).normalized)


@router.put("/project/{name}/notifications", summary="Choose how much mail you get about a project")
def choose_for_project(request: HttpRequest, name: str, body: Level) -> dict[str, Any]:
    by = caller(request)
    user, topic = account_of(by), opened(request, name, by=by).normalized
    actions.set_preference(user, topic, body.level, by=by, at=timezone.now())
    return {"ok": True, **told(user, topic)}
