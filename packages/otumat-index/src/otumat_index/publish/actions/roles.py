"""Roles of a project: the admin decides who owns a name, an owner who maintains it."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from otumat.errors import Conflict, Invalid, NotFound, Problem
from otumat_index.accounts.models import User
from otumat_index.journal import actions as journal
from otumat_index.journal.actor import Actor
from otumat_index.publish import queries, rules
from otumat_index.publish.actions import entry
from otumat_index.publish.models import Project, Role


@transaction.atomic
def assign_role(project: Project, user: User, kind: str, *, by: Actor, at: datetime) -> Role:
    """Give a person a role, or change it; one role a person and project."""
    project = entry.lock(project)
    rules.check_may(by, "manage", queries.standing_of(by, project.normalized), name_claims="admin")
    if kind not in Role.Kind.values:
        raise Invalid(
            [
                Problem(
                    "role.kind",
                    "role",
                    f"{kind!r} is no role.",
                    value=kind,
                    hint=f"Choose from {', '.join(Role.Kind.values)}.",
                )
            ]
        )
    if kind != Role.Kind.OWNER:
        check_owner_stays(project, user)
    role, _ = Role.objects.update_or_create(project=project, user=user, defaults={"kind": kind, "granted_at": at})
    journal.write("role.assign", user.username, by=by, at=at, topic=project.normalized, role=kind)
    return role


@transaction.atomic
def remove_role(project: Project, user: User, *, by: Actor, at: datetime) -> None:
    """Take a person's role away; the last owner stays."""
    project = entry.lock(project)
    rules.check_may(by, "manage", queries.standing_of(by, project.normalized), name_claims="admin")
    check_owner_stays(project, user)
    removed, _ = Role.objects.filter(project=project, user=user).delete()
    if not removed:
        raise NotFound(f"{user.username!r} has no role in {project.name}.")
    journal.write("role.remove", user.username, by=by, at=at, topic=project.normalized)


def check_owner_stays(project: Project, user: User) -> None:
    """Refuse to leave a project without an owner; it is locked, so two owners cannot remove each other at once."""
    owners = list(Role.objects.filter(project=project, kind=Role.Kind.OWNER).values_list("user", flat=True)[:2])
    if owners == [user.pk]:
        raise Conflict(
            f"{user.username!r} is the last owner of {project.name}.",
            hint="Make somebody else an owner first.",
            code="last_owner",
        )
