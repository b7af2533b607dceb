"""JSON doors of groups, under `/api/v1/`."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.utils import timezone
from ninja import Router, Schema

from otumat.errors import NotFound
from otumat_index.accounts.api import account_of, caller
from otumat_index.accounts.groups import actions, queries
from otumat_index.accounts.models import Group, User
from otumat_index.accounts.queries import person

router = Router(tags=["groups"])


class NewGroup(Schema):
    """A group, or a team within one."""

    slug: str
    name: str
    parent: str = ""


class Naming(Schema):
    """Who a group is, in a line."""

    name: str


class Membership(Schema):
    """What a member is."""

    manager: bool = False


def shown(group: Group) -> dict[str, Any]:
    """A group without its members."""
    return {"slug": group.slug, "name": group.name, "parent": group.parent.slug if group.parent else ""}


@router.get("/groups", summary="Your groups, and those that asked you to join")
def list_groups(request: HttpRequest) -> dict[str, Any]:
    rows = queries.mine(account_of(caller(request)))
    return {
        "groups": [{**shown(row.group), "manager": row.is_manager, "joined": row.joined_at is not None} for row in rows]
    }


@router.post("/groups", summary="Make a group, or a team within one")
def create_group(request: HttpRequest, body: NewGroup) -> dict[str, Any]:
    by = caller(request)
    account_of(by)
    parent = queries.group_of(body.parent, by=by) if body.parent else None
    group = actions.create_group(body.slug, body.name, parent=parent, by=by, at=timezone.now())
    return {"ok": True, **shown(group)}


@router.get("/groups/{slug}", summary="A group and its members")
def read_group(request: HttpRequest, slug: str) -> dict[str, Any]:
    group = found(request, slug)
    members = [
        {"user": row.user, "manager": row.is_manager, "joined_at": row.joined_at} for row in queries.members_of(group)
    ]
    return {**shown(group), "teams": [team.slug for team in group.teams.all()], "members": members}


@router.patch("/groups/{slug}", summary="Call a group something else; its short name stays")
def rename_group(request: HttpRequest, slug: str, body: Naming) -> dict[str, Any]:
    group = actions.rename_group(found(request, slug), body.name, by=caller(request), at=timezone.now())
    return {"ok": True, **shown(group)}


@router.delete("/groups/{slug}", summary="Dissolve a group, its teams and their roles")
def delete_group(request: HttpRequest, slug: str) -> dict[str, Any]:
    actions.delete_group(found(request, slug), by=caller(request), at=timezone.now())
    return {"ok": True, "slug": slug}


@router.put("/groups/{slug}/members/{user}", summary="Ask somebody to join, change a membership, or join yourself")
def put_member(request: HttpRequest, slug: str, user: str, body: Membership) -> dict[str, Any]:
    """Of yourself it says yes to being asked. A member of the parent group joins a team at once."""
    by, group, now = caller(request), found(request, slug), timezone.now()
    whom = person(user)
    row = group.members.filter(user=whom).first()
    if row is not None and row.joined_at is None and whom.pk == by.user_id:
        row = actions.join_group(group, by=by, at=now)
    elif row is None:
        row = actions.add_member(group, whom, is_manager=body.manager, by=by, at=now)
    else:
        row = actions.set_manager(group, whom, body.manager, by=by, at=now)
    return {"ok": True, "user": whom.username, "manager": row.is_manager, "joined_at": row.joined_at}


@router.delete("/groups/{slug}/members/{user}", summary="End a membership at once, there and in its teams")
def remove_member(request: HttpRequest, slug: str, user: str) -> dict[str, Any]:
    group = found(request, slug)
    actions.remove_member(group, inside(group, user), by=caller(request), at=timezone.now())
    return {"ok": True, "user": user}


def found(request: HttpRequest, slug: str) -> Group:
    """The group, if it is the caller's business; limited tokens see none."""
    by = caller(request)
    account_of(by)
    return queries.group_of(slug, by=by)


def inside(group: Group, name: str) -> User:
    """A member, or somebody asked; accounts outside are told of to nobody."""
    row = group.members.filter(user__username__iexact=name[:64]).select_related("user").first()
    if row is None:
        raise NotFound(f"{name[:80]!r} is not in {group.slug!r}.")
    return row.user
