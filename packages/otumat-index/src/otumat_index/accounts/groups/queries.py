"""Reading groups: who is in them, and what they hold."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Q, QuerySet

from otumat.errors import NotFound
from otumat_index.accounts.models import Group, GroupMember, User
from otumat_index.journal.actor import Actor


@dataclass(frozen=True, slots=True)
class Member:
    """One row of a group's page; without `joined_at` somebody who was asked."""

    user: str
    is_manager: bool
    asked_by: str
    joined_at: datetime | None


def members_of(group: Group) -> list[Member]:
    """Who is in a group, managers first; one query."""
    rows = group.members.order_by("-is_manager", "user__username")
    return [Member(*row) for row in rows.values_list("user__username", "is_manager", "asked_by", "joined_at")[:2000]]


def mine(user: User) -> QuerySet[GroupMember]:
    """My memberships, those I was only asked for included, by group."""
    counted = Count("group__members", filter=Q(group__members__joined_at__isnull=False))
    rows = GroupMember.objects.filter(user=user).select_related("group__parent").annotate(size=counted)
    return rows.order_by("group__slug")


def managers_of(group: Group) -> QuerySet[User]:
    """Active people who manage a group: its own managers and, of a team, its parent's."""
    groups = [group.pk] if group.parent_id is None else [group.pk, group.parent_id]
    return User.objects.filter(
        is_active=True,
        memberships__group__in=groups,
        memberships__is_manager=True,
        memberships__joined_at__isnull=False,
    ).distinct()


def manages(by: Actor, group: Group) -> bool:
    """Whether the actor may change a group."""
    return by.is_admin or (by.user_id is not None and managers_of(group).filter(pk=by.user_id).exists())


def group_of(slug: str, *, by: Actor) -> Group:
    """
    A group the actor belongs to or was asked to join; admins see all.

    Raises:
        NotFound: There is none, or it is none of the actor's business: one answer for both.
    """
    found = Group.objects.select_related("parent").filter(slug=slug[:64]).first() if slug.isprintable() else None
    if found is not None and not by.is_admin:
        inside = GroupMember.objects.filter(group=found, user_id=by.user_id or 0).exists()
        found = found if inside or manages(by, found) else None
    if found is None:
        raise NotFound(f"There is no group {slug[:80]!r}, or you are not in it.", hint="Ask one of its managers.")
    return found


def memberships_awaiting(user: User) -> list[GroupMember]:
    """Groups that asked this person to join."""
    rows = GroupMember.objects.filter(user=user, joined_at=None).select_related("group__parent")
    return list(rows.order_by("group__slug")[:200])


def member_names(group: Group) -> list[str]:
    """Login names of those who joined."""
    rows = group.members.filter(joined_at__isnull=False).order_by("user__username")
    return list(rows.values_list("user__username", flat=True))
