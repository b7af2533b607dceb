"""
Roles of a project: the admin decides who owns a name, an owner who maintains it.

Nobody is given a role without saying yes (`invitations.py`), except by an admin, as in the draft. Owners change and
take away roles that are held, and give them to groups that they manage.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import transaction

from otumat.errors import Conflict, Invalid, NotFound, Problem, Refused
from otumat.spec import names
from otumat_index.accounts import ownership
from otumat_index.accounts.groups import queries as groups
from otumat_index.accounts.models import Group, User
from otumat_index.journal import actions as journal
from otumat_index.journal.actor import Actor
from otumat_index.publish import queries, rules
from otumat_index.publish.actions import entry
from otumat_index.publish.models import Project, Role

Holder = User | Group


@transaction.atomic
def assign_role(project: Project, holder: Holder, kind: str, *, by: Actor, at: datetime) -> Role:
    """
    Change the role of a person or group; an admin, or for a group its manager, may also give one.

    Raises:
        Refused: An owner gives a role to a person who has none: that takes an invitation.
        Conflict: The last owner would go.
    """
    project = entry.lock(project)
    check_may(by, "manage", project)
    check_kind(kind)
    held = Role.objects.filter(project=project, **of(holder)).first()
    if held is None:
        check_may_give(holder, by)
    if isinstance(holder, Group):
        ownership.lock_groups(Group.objects.filter(pk=holder.pk))
    elif not holder.is_active:
        raise Conflict(f"The account {holder.username!r} is not active.", code="user_inactive")
    take_part(project)
    role, _ = Role.objects.update_or_create(project=project, **of(holder), defaults={"kind": kind, "granted_at": at})
    if held is not None and held.kind == Role.Kind.OWNER:
        ownership.check_owned([project.pk], who=f"{role.holder!r}")
    journal.write("role.assign", role.holder, by=by, at=at, topic=project.normalized, role=kind)
    return role


@transaction.atomic
def remove_role(project: Project, holder: Holder, *, by: Actor, at: datetime) -> None:
    """Take a role away; people may leave by themselves. The last owner stays."""
    project = entry.lock(project)
    is_own = isinstance(holder, User) and holder.pk == by.user_id
    check_may(by, "leave" if is_own else "manage", project)
    held = Role.objects.filter(project=project, **of(holder)).first()
    if held is None:
        raise NotFound(f"{name_of(holder)!r} has no role in {project.name}.")
    take_part(project)
    held.delete()
    if held.kind == Role.Kind.OWNER:
        ownership.check_owned([project.pk], who=f"{name_of(holder)!r}")
    journal.write("role.remove", name_of(holder), by=by, at=at, topic=project.normalized, role=held.kind)


@transaction.atomic
def assign_name(name: str, user: User, *, by: Actor, at: datetime) -> Project:
    """
    Make a person the owner of a free name, or of a project that nobody owns: the draft's way, an admin's act.

    Raises:
        Invalid: The name breaks a rule or looks like another one.
        Conflict: Somebody owns it; an owner hands it over instead.
    """
    normalized = names.normalize(name)
    if problems := names.check_name(name):
        raise Invalid(problems)
    entry.alone_with(names.confusable_key(name))
    standing = queries.standing_of(by, normalized)
    rules.check_may_assign(by, standing)
    if problems := entry.check_claim(name, standing, by=by):
        raise Invalid(problems)
    if not user.is_active:
        raise Conflict(f"The account {user.username!r} is not active.", code="user_inactive")
    defaults = {"name": name, "confusable": names.confusable_key(name), "created_at": at, "updated_at": at}
    project, is_new = Project.objects.get_or_create(normalized=normalized, defaults=defaults)
    project = entry.lock(project)
    if not is_new and not ownership.without_owner().filter(pk=project.pk).exists():
        message = f"{project.name} has an owner."
        raise Conflict(message, hint="An owner, or you, can invite another one.", code="has_owner")
    Role.objects.update_or_create(project=project, user=user, defaults={"kind": Role.Kind.OWNER, "granted_at": at})
    journal.write("project.assign", user.username, by=by, at=at, topic=normalized, role="owner", claimed=is_new)
    return project


def check_may(by: Actor, action: str, project: Project) -> None:
    """Ask the table, with the project locked."""
    standing = queries.standing_of(by, project.normalized)
    rules.check_may(by, action, standing, name_claims=settings.CONFIG.name_claims)


def check_may_give(holder: Holder, by: Actor) -> None:
    """Refuse to put a role on somebody who was not asked."""
    if by.is_admin or (isinstance(holder, Group) and groups.manages(by, holder)):
        return
    if isinstance(holder, Group):
        message, hint = f"You do not manage the group {holder.slug!r}.", "One of its managers may, as an owner."
    else:
        message, hint = (
            f"{holder.username!r} has no role to change.",
            "Invite them: it is theirs once accepted.",
        )
    raise Refused(message, hint=hint, code="role_needs_invitation")


def check_kind(kind: str) -> None:
    """Refuse what is no role."""
    if kind not in Role.Kind.values:
        hint = f"Choose from {', '.join(Role.Kind.values)}."
        raise Invalid([Problem("role.kind", "role", f"{kind!r} is no role.", value=kind, hint=hint)])


def take_part(project: Project) -> None:
    """Hold on to everybody who owns a locked project, so that none of them vanishes in another transaction."""
    ownership.lock_owners([project.pk])


def of(holder: Holder) -> dict[str, Any]:
    """The column of `Role` a holder stands in."""
    return {"group" if isinstance(holder, Group) else "user": holder}


def name_of(holder: Holder) -> str:
    """As `Role.holder`."""
    return f"group:{holder.slug}" if isinstance(holder, Group) else holder.username
