"""Everything that may be done to a group: one function and one journal row each."""

from __future__ import annotations

from datetime import datetime

from django.db import IntegrityError, transaction

from otumat.errors import Conflict, Invalid, NotFound, Problem, Refused
from otumat_index.accounts import ownership
from otumat_index.accounts.groups import queries, rules
from otumat_index.accounts.models import Group, GroupMember, User
from otumat_index.journal import actions as journal
from otumat_index.journal.actor import Actor


@transaction.atomic
def create_group(slug: str, name: str, *, parent: Group | None = None, by: Actor, at: datetime) -> Group:
    """
    Make a group, or a team within one, managed by whoever makes it.

    Raises:
        Invalid: Slug or name break a rule, or the parent is a team itself.
        Conflict: The slug is taken, or the person manages too many groups.
        Refused: The parent is somebody else's.
    """
    me = check_person(by)
    problems = [*rules.check_slug(slug), *rules.check_name(name)]
    if parent is not None and parent.parent_id is not None:
        message = f"{parent.slug!r} is a team; teams have no teams."
        problems.append(Problem("group.parent", "parent", message, value=parent.slug, hint="Name its parent."))
    if problems:
        raise Invalid(problems)
    if parent is not None:
        check_manages(by, lock(parent))
    if GroupMember.objects.filter(user_id=me, is_manager=True).count() >= rules.GROUPS_MAX:
        raise Conflict(f"You manage {rules.GROUPS_MAX} groups, the most there may be.", code="too_many_groups")
    try:
        with transaction.atomic():
            group = Group.objects.create(slug=slug, name=name.strip(), parent=parent, created_at=at)
    except IntegrityError:
        message = f"The short name {slug!r} is taken."
        raise Conflict(message, hint="Choose another one.", code="slug_taken") from None
    if parent is None or parent.members.filter(user_id=me, joined_at__isnull=False).exists():
        GroupMember.objects.create(
            group=group, user_id=me, is_manager=True, asked_at=at, asked_by=by.name, joined_at=at
        )
    journal.write("group.create", subject(group), by=by, at=at, parent=parent.slug if parent else "")
    return group


@transaction.atomic
def rename_group(group: Group, name: str, *, by: Actor, at: datetime) -> Group:
    """
    Call a group something else. Its short name stays: roles, links and people's memory hold on to it.

    Raises:
        Invalid: The name breaks a rule.
    """
    group = lock(group)
    check_manages(by, group)
    if problems := rules.check_name(name):
        raise Invalid(problems)
    old, group.name = group.name, name.strip()
    group.save(update_fields=["name"])
    journal.write("group.rename", subject(group), by=by, at=at, name=group.name, old=old)
    return group


@transaction.atomic
def delete_group(group: Group, *, by: Actor, at: datetime) -> None:
    """Dissolve a group, its teams, and the roles that they hold; no project is left without an owner."""
    owned = ownership.lock(ownership.owned_by_group([group, *group.teams.all()]))
    group = lock(group)
    check_manages(by, group)
    slugs = [team.slug for team in group.teams.all()]
    name = subject(group)
    group.delete()
    ownership.check_owned(owned, who=f"The group {name.removeprefix('group:')!r}")
    journal.write("group.delete", name, by=by, at=at, teams=slugs)


@transaction.atomic
def add_member(group: Group, user: User, *, is_manager: bool = False, by: Actor, at: datetime) -> GroupMember:
    """
    Ask a person to join a group. A member of its parent joins a team at once: that person said yes to the parent.

    Raises:
        Conflict: Already in it, already asked, not in the parent, or the group is full.
    """
    group = lock(group)
    check_manages(by, group)
    if group.members.filter(user=user).exists():
        message = f"{user.username!r} is in {group.slug!r} already, or was asked to join."
        raise Conflict(message, hint="Change or remove the membership instead.", code="member_exists")
    in_parent = group.parent is not None and is_member(group.parent, user)
    if group.parent is not None and not in_parent:
        message = f"{user.username!r} is not in {group.parent.slug!r}, and a team takes members of its group only."
        raise Conflict(message, hint=f"Add them to {group.parent.slug!r} first.", code="not_in_parent")
    if group.members.count() >= rules.MEMBERS_MAX:
        raise Conflict(f"{group.slug!r} has {rules.MEMBERS_MAX} members, the most there may be.", code="group_full")
    member = GroupMember.objects.create(
        group=group,
        user=user,
        is_manager=is_manager,
        asked_at=at,
        asked_by=by.name,
        joined_at=at if in_parent else None,
    )
    action = "member.add" if in_parent else "member.invite"
    journal.write(action, user.username, by=by, at=at, group=group.slug, is_manager=is_manager)
    return member


@transaction.atomic
def join_group(group: Group, *, by: Actor, at: datetime) -> GroupMember:
    """
    Say yes to being asked.

    Raises:
        NotFound: Nobody asked.
    """
    group = lock(group)
    member = group.members.filter(user_id=check_person(by), joined_at=None).first()
    if member is None:
        raise NotFound(f"There is no group {group.slug!r} that asked you to join.")
    member.joined_at = at
    member.save(update_fields=["joined_at"])
    journal.write("member.join", by.name, by=by, at=at, group=group.slug, is_manager=member.is_manager)
    return member


@transaction.atomic
def set_manager(group: Group, user: User, is_manager: bool, *, by: Actor, at: datetime) -> GroupMember:
    """Make a member a manager, or a manager a member; the last manager stays."""
    group = lock(group)
    check_manages(by, group)
    member = membership(group, user)
    member.is_manager = is_manager
    member.save(update_fields=["is_manager"])
    check_managed([group], who=f"{user.username!r}")
    journal.write("member.manager", user.username, by=by, at=at, group=group.slug, is_manager=is_manager)
    return member


@transaction.atomic
def remove_member(group: Group, user: User, *, by: Actor, at: datetime) -> None:
    """
    End a membership, or take the question back, at once on every path; out of a group is out of its teams.

    People may leave by themselves. The last manager stays, and so does the last owner of a project.
    """
    owned = ownership.lock(ownership.owned_by_group([group, *group.teams.all()]))
    group = lock(group)
    if by.user_id != user.pk or by.actions is not None or by.projects is not None:
        check_manages(by, group)
    membership(group, user)
    teams = list(group.teams.filter(members__user=user).values_list("slug", flat=True))
    GroupMember.objects.filter(user=user, group__in=[group, *group.teams.all()]).delete()
    check_managed([group], who=f"{user.username!r}")
    ownership.check_owned(owned, who=f"{user.username!r}")
    journal.write("member.remove", user.username, by=by, at=at, group=group.slug, teams=teams)


def check_managed(groups: list[Group], *, who: str) -> None:
    """
    Refuse to leave a group that has members without a manager. Teams have their parent's.

    Raises:
        Conflict: Naming the first of them.
    """
    for group in groups:
        if group.parent_id is None and not queries.managers_of(group).exists():
            message = f"{who} is the last manager of {group.slug!r}."
            hint = "Make somebody else a manager first, or dissolve the group."
            raise Conflict(message, hint=hint, code="last_manager")


def check_manages(by: Actor, group: Group) -> None:
    """Refuse whoever does not manage the group; limited tokens do not reach it."""
    check_unlimited(by)
    if not queries.manages(by, group):
        raise Refused(f"{by.name!r} does not manage {group.slug!r}.", hint="Ask one of its managers.", code="group")


def check_person(by: Actor) -> int:
    """Groups are joined and made by people; whose row it is."""
    check_unlimited(by)
    if by.user_id is None:
        raise Refused("This is done by a person with an account.", hint="Sign in.", code="group")
    return by.user_id


def check_unlimited(by: Actor) -> None:
    """Refuse a token that is limited to some actions or projects."""
    if by.actions is not None or by.projects is not None:
        raise Refused("A limited token may not manage groups.", hint="Use a token without limits.", code="token_scope")


def is_member(group: Group, user: User) -> bool:
    return group.members.filter(user=user, joined_at__isnull=False).exists()


def membership(group: Group, user: User) -> GroupMember:
    found = group.members.filter(user=user).first()
    if found is None:
        raise NotFound(f"{user.username!r} is not in {group.slug!r}.")
    return found


def lock(group: Group) -> Group:
    """The group as it is now, with its parent, locked for this transaction."""
    pks = [pk for pk in (group.pk, group.parent_id) if pk is not None]
    found = {each.pk: each for each in ownership.lock_groups(Group.objects.filter(pk__in=pks))}
    if group.pk not in found:
        raise NotFound(f"There is no group {group.slug!r}, or you are not in it.", hint="Ask one of its managers.")
    return found[group.pk]


def subject(group: Group) -> str:
    """How the journal names a group: no login name looks like that."""
    return f"group:{group.slug}"
