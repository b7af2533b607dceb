"""JSON doors to a project's people: roles, invitations, handing over, journal; and names, for admins."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.utils import timezone
from ninja import Router, Schema

from otumat_index.accounts import queries as accounts
from otumat_index.accounts.admin_api import admin_of
from otumat_index.accounts.api import account_of, caller
from otumat_index.accounts.models import Group, User
from otumat_index.journal import queries as journal
from otumat_index.journal.api import PAGE, shown_page
from otumat_index.publish import actions, queries
from otumat_index.publish.doors import opened
from otumat_index.publish.models import Invitation, Project, Role

router = Router(tags=["people"])
LISTED_MAX = 1000


class RoleOf(Schema):
    """A role: owner, maintainer or reader."""

    role: str


class Offer(Schema):
    """Whom to invite, by login or by address, and to which role."""

    role: str
    user: str = ""
    email: str = ""


class Heir(Schema):
    """Who shall be the only owner, by login or by address."""

    user: str = ""
    email: str = ""


class Owner(Schema):
    """A login name."""

    user: str


def shown_role(role: Role) -> dict[str, Any]:
    return {
        "user": role.user.username if role.user else "",
        "group": role.group.slug if role.group else "",
        "role": role.kind,
        "since": role.granted_at,
    }


def shown_invitation(invitation: Invitation) -> dict[str, Any]:
    return {
        "id": invitation.pk,
        "project": invitation.project.name,
        "user": invitation.user.username if invitation.user else "",
        "email": invitation.email,
        "role": invitation.kind,
        "transfer": invitation.is_transfer,
        "invited_by": invitation.invited_by.username if invitation.invited_by else "",
        "expires_at": invitation.expires_at,
    }


def found(name: str, project: Project, request: HttpRequest) -> User | Group:
    """A login, or `group:SLUG`."""
    if name.startswith("group:"):
        return queries.group(name.removeprefix("group:"), project, by=caller(request))
    return accounts.person(name, is_active=None)


@router.get("/project/{name}/roles", summary="Who holds which role in a project")
def list_roles(request: HttpRequest, name: str) -> dict[str, Any]:
    project = opened(request, name, by=caller(request))
    return {"roles": [shown_role(role) for role in queries.roles_in(project)[:LISTED_MAX]]}


@router.put("/project/{name}/roles/{holder}", summary="Change a role; give one as an admin, or to your own group")
def put_role(request: HttpRequest, name: str, holder: str, body: RoleOf) -> dict[str, Any]:
    by = caller(request)
    project = opened(request, name, by=by)
    role = actions.assign_role(project, found(holder, project, request), body.role, by=by, at=timezone.now())
    return {"ok": True, **shown_role(role)}


@router.delete("/project/{name}/roles/{holder}", summary="Take a role away at once, or leave")
def remove_role(request: HttpRequest, name: str, holder: str) -> dict[str, Any]:
    by = caller(request)
    project = opened(request, name, by=by)
    actions.remove_role(project, found(holder, project, request), by=by, at=timezone.now())
    return {"ok": True, "user": holder}


@router.get("/project/{name}/invitations", summary="The open invitations of a project")
def list_invitations(request: HttpRequest, name: str) -> dict[str, Any]:
    project = opened(request, name, by=caller(request))
    return {"invitations": [shown_invitation(each) for each in queries.invitations_to(project, at=timezone.now())]}


@router.post("/project/{name}/invitations", summary="Invite a person or an address to a role")
def invite(request: HttpRequest, name: str, body: Offer) -> dict[str, Any]:
    by = caller(request)
    project = opened(request, name, by=by)
    user = accounts.person(body.user) if body.user else None
    made = actions.invite(project, body.role, user=user, email=body.email, by=by, at=timezone.now())
    return {"ok": True, **shown_invitation(made)}


@router.delete("/project/{name}/invitations/{invitation_id}", summary="Withdraw an invitation")
def withdraw(request: HttpRequest, name: str, invitation_id: int) -> dict[str, Any]:
    by = caller(request)
    actions.withdraw(opened(request, name, by=by), known_id(invitation_id), by=by, at=timezone.now())
    return {"ok": True, "id": invitation_id}


@router.post("/project/{name}/transfer", summary="Offer the whole project: accepting it ends every other grant")
def transfer(request: HttpRequest, name: str, body: Heir) -> dict[str, Any]:
    by = caller(request)
    project = opened(request, name, by=by)
    user = accounts.person(body.user) if body.user else None
    made = actions.invite(
        project, Role.Kind.OWNER, user=user, email=body.email, is_transfer=True, by=by, at=timezone.now()
    )
    return {"ok": True, **shown_invitation(made)}


@router.get("/project/{name}/journal", summary="What happened to a project, newest first")
def project_journal(request: HttpRequest, name: str, before: int | None = None) -> dict[str, Any]:
    project = opened(request, name, by=caller(request))
    return shown_page(*journal.page(journal.about_project(project.normalized), before=before, limit=PAGE))


@router.get("/journal", summary="What you did, and what was done to your account and roles, newest first")
def my_journal(request: HttpRequest, before: int | None = None) -> dict[str, Any]:
    user = account_of(caller(request))
    return shown_page(*journal.page(journal.about_person(user.username), before=before, limit=PAGE))


@router.get("/invitations", summary="The roles you are offered")
def my_invitations(request: HttpRequest) -> dict[str, Any]:
    user = account_of(caller(request))
    offered = queries.invitations_for(user, at=timezone.now())[:LISTED_MAX]
    return {"invitations": [shown_invitation(each) for each in offered]}


@router.post("/invitations/{invitation_id}/accept", summary="Accept a role")
def accept(request: HttpRequest, invitation_id: int) -> dict[str, Any]:
    by = caller(request)
    account_of(by)
    role = actions.accept(known_id(invitation_id), by=by, at=timezone.now())
    return {"ok": True, "project": role.project.name, **shown_role(role)}


@router.post("/invitations/{invitation_id}/decline", summary="Decline a role")
def decline(request: HttpRequest, invitation_id: int) -> dict[str, Any]:
    by = caller(request)
    account_of(by)
    actions.decline(known_id(invitation_id), by=by, at=timezone.now())
    return {"ok": True, "id": invitation_id}


@router.get("/admin/projects", summary="Projects without an active owner, and those in quarantine")
def admin_projects(request: HttpRequest) -> dict[str, Any]:
    admin_of(request)
    return {
        "ownerless": [project.name for project in queries.ownerless()],
        "quarantined": [project.name for project in queries.quarantined()],
    }


@router.put("/admin/names/{name}", summary="Assign an owner to a free name, or to a project without one")
def assign_name(request: HttpRequest, name: str, body: Owner) -> dict[str, Any]:
    by = admin_of(request)
    project = actions.assign_name(name, accounts.person(body.user), by=by, at=timezone.now())
    return {"ok": True, "project": project.name, "user": body.user, "role": Role.Kind.OWNER.value}


def known_id(number: int) -> int:
    """An id as it may be in a database; what no column holds is simply not found."""
    return number if 0 < number < 2**63 else 0
