"""
Every project keeps an owner: who owns it by name or in a group, and what would be left without one.

Whoever takes something away locks first, takes away, and then asks `check_owned`: refusing rolls everything back.
Locks come in one order everywhere: projects, groups, people, the journal's head. Roles belong to `publish`, a room
above; its tables are reached by name, as foreign keys reach them.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.apps import apps
from django.db.models import Exists, OuterRef, Q, QuerySet

from otumat.errors import Conflict
from otumat_index.accounts.models import Group, User

TOLD_MAX = 5


def projects() -> QuerySet[Any]:
    """All projects."""
    found: QuerySet[Any] = apps.get_model("publish", "Project")._default_manager.all()
    return found


def roles() -> QuerySet[Any]:
    """All roles in projects."""
    found: QuerySet[Any] = apps.get_model("publish", "Role")._default_manager.all()
    return found


def owner_roles() -> QuerySet[Any]:
    """All roles of owners."""
    return roles().filter(kind="owner")


def without_owner() -> QuerySet[Any]:
    """Projects that no active person owns, by name or in a group."""
    mine = owner_roles().filter(project=OuterRef("pk"))
    by_name = mine.filter(user__is_active=True)
    in_group = mine.filter(group__members__joined_at__isnull=False, group__members__user__is_active=True)
    return projects().filter(~Exists(by_name), ~Exists(in_group))


def owned_by(user: User) -> QuerySet[Any]:
    """Projects that a person owns, by name or in a group."""
    groups = Group.objects.filter(members__user=user, members__joined_at__isnull=False)
    return projects().filter(pk__in=owner_roles().filter(Q(user=user) | Q(group__in=groups)).values("project"))


def owned_by_group(groups: Iterable[Group]) -> QuerySet[Any]:
    """Projects that one of these groups owns."""
    return projects().filter(pk__in=owner_roles().filter(group__in=list(groups)).values("project"))


def lock(of: QuerySet[Any]) -> list[int]:
    """Lock projects in one order; nobody changes their roles until commit."""
    return list(of.order_by("pk").select_for_update(of=("self",)).values_list("pk", flat=True))


def lock_owners(project_ids: Iterable[int], *, others: Iterable[int] = ()) -> None:
    """Lock the groups and people that own these projects, and other people: nobody leaves or is closed meanwhile."""
    owners = owner_roles().filter(project__in=list(project_ids))
    lock_groups(Group.objects.filter(pk__in=owners.exclude(group=None).values("group")))
    by_name = Q(pk__in=owners.exclude(user=None).values("user"))
    lock_people(User.objects.filter(by_name | Q(pk__in=list(others))))


def lock_groups(groups: QuerySet[Group]) -> list[Group]:
    """Lock groups in one order."""
    return list(groups.order_by("pk").select_for_update(of=("self",), no_key=True))


def lock_people(people: QuerySet[User]) -> list[User]:
    """Lock people in one order. `no_key`: rows that only refer to them may still be written."""
    return list(people.order_by("pk").select_for_update(of=("self",), no_key=True))


def check_owned(project_ids: Iterable[int], *, who: str) -> None:
    """
    Refuse to leave one of these projects without an owner.

    Raises:
        Conflict: Naming some of them.
    """
    left = list(without_owner().filter(pk__in=list(project_ids)).order_by("normalized")[: TOLD_MAX + 1])
    if not left:
        return
    told = ", ".join(project.name for project in left[:TOLD_MAX]) + (", and more" if len(left) > TOLD_MAX else "")
    raise Conflict(f"{who} is the last owner of {told}.", hint="Make somebody else an owner first.", code="last_owner")
