"""
Whom a change of a project concerns.

The draft: a change is mailed to all users who ever submitted information for the project, which the journal knows.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from django.db.models import Q, QuerySet

from otumat_index.accounts.models import GroupMember, User
from otumat_index.accounts.notices import queries as accounts
from otumat_index.jobs.outbox import Draft
from otumat_index.journal.models import Entry
from otumat_index.publish import queries as publish
from otumat_index.publish.models import Invitation, Project, Role
from otumat_index.web import prepared

SUBMISSIONS = ("release.create", "release.update", "file.publish")
ROLES = ("role.assign", "role.accept", "role.remove")
CHANGE, DUTY, INVITE = "change", "duty", "invite"
"""
Kinds of mail: what anybody concerned may switch off; what owners, and who gains or loses a role, must know; an offer.
"""


def submitters(topic: str) -> set[int]:
    """Everybody who ever submitted information or a file for a project; an operator's import is nobody's."""
    rows = Entry.objects.filter(topic=topic, action__in=SUBMISSIONS).exclude(credential="cli")
    names = set(rows.values_list("actor", flat=True).distinct())
    return set(accounts.people(names))


def holders(project: Project) -> dict[int, set[str]]:
    """Who has which roles in a project, by themselves or in a group."""
    found: dict[int, set[str]] = {}
    groups: dict[int, str] = {}
    for user, group, kind in roles_in(project.pk):
        if user is not None:
            found.setdefault(user, set()).add(kind)
        else:
            groups[group] = kind
    members = GroupMember.objects.filter(group__in=groups, joined_at__isnull=False) if groups else None
    for user, group in members.values_list("user", "group") if members is not None else ():
        found.setdefault(user, set()).add(groups[group])
    return found


@prepared.rows
def roles_in(project_id: int) -> QuerySet[Role, tuple[int | None, int | None, str]]:
    return Role.objects.filter(project_id=project_id).values_list("user", "group", "kind")


def drafts_of_change(entry: Entry) -> Iterable[Draft]:
    """Submitters, owners and the actor, as far as they may see the project and want to hear of it."""
    project = publish.by_name(entry.topic)
    if project is None:
        return []
    held = holders(project)
    people = submitters(entry.topic) | owners_of(held)
    people |= set() if entry.credential == "cli" else set(accounts.people([entry.actor]))
    if project.is_private:
        people &= held.keys()
    return [*drafts(CHANGE, wanting(people, entry))]


def wanting(people: Collection[int], entry: Entry) -> set[int]:
    """Those of them who want mail about this change."""
    actor = set() if entry.credential == "cli" else set(accounts.people([entry.actor]))
    levels = accounts.levels_of(people, entry.topic)
    return {user for user, level in levels.items() if accounts.is_wanted(level, is_actor=user in actor)}


def drafts_of_role(entry: Entry) -> Iterable[Draft]:
    """
    The person concerned and the owners, whatever they said about mail; the submitters as for every change.

    Who reads a private project is nobody else's business.
    """
    duty = {draft.address.lower(): draft for draft in drafts_of_duty(entry)}
    is_open = entry.data.get("role") in (Role.Kind.OWNER, Role.Kind.MAINTAINER)
    others = drafts_of_change(entry) if is_open else []
    return [*duty.values(), *(draft for draft in others if draft.address.lower() not in duty)]


def drafts_of_duty(entry: Entry) -> Iterable[Draft]:
    """The owners, and whom the row is about."""
    project = publish.by_name(entry.topic)
    if project is None:
        return []
    return drafts(DUTY, owners(project) | concerned(entry))


def owners(project: Project) -> set[int]:
    """Who owns a project, by themselves or in a group."""
    return owners_of(holders(project))


def owners_of(held: Mapping[int, Collection[str]]) -> set[int]:
    """Those of the holders of roles who are owners."""
    return {user for user, kinds in held.items() if Role.Kind.OWNER in kinds}


def concerned(entry: Entry) -> set[int]:
    """Whom a row is about: the person or group it names, and at a transfer everybody who held a role."""
    names = [str(held).rpartition(" (")[0] for held in entry.data.get("roles", ())] if is_transfer(entry) else []
    if entry.action.partition(".")[0] in ("role", "project"):
        names.append(entry.subject)
    groups = [name.removeprefix("group:") for name in names if name.startswith("group:")]
    members = GroupMember.objects.filter(group__slug__in=groups, joined_at__isnull=False)
    return set(accounts.people(names)) | set(members.values_list("user", flat=True))


def is_transfer(entry: Entry) -> bool:
    return entry.action == "project.transfer"


def drafts_of_invitation(entry: Entry) -> Iterable[Draft]:
    """Who is invited, at the address the invitation names or the account has; and the owners."""
    invitation = invitation_of(entry)
    invited: list[Draft] = []
    if invitation is not None and invitation.email:
        invited = [Draft(INVITE, invitation.email, None)]
    elif invitation is not None and invitation.user_id is not None:
        invited = [*drafts(INVITE, [invitation.user_id])]
    told = {draft.address.lower() for draft in invited}
    return [*invited, *(draft for draft in drafts_of_duty(entry) if draft.address.lower() not in told)]


def invitation_of(entry: Entry) -> Invitation | None:
    """The invitation that a row made, while it is open."""
    open_ones = Invitation.objects.select_related("project", "user", "invited_by")
    return open_ones.filter(pk=entry.data.get("invitation"), project__normalized=entry.topic).first()


def drafts(kind: str, people: Iterable[int]) -> Iterable[Draft]:
    """A draft for each person with a confirmed address."""
    return [Draft(kind, address, person) for person, address in accounts.addresses_of(people).items()]


def may_still_be_told(project: Project, person: int | None, address: str) -> User | None:
    """The recipient, if the address is still theirs and the project still for their eyes."""
    if person is None or accounts.addresses_of([person]).get(person, "").lower() != address.lower():
        return None
    if project.is_private and person not in holders(project):
        return None
    return User.objects.filter(pk=person).first()


def my_topics(user: User) -> list[tuple[str, str]]:
    """The projects a person hears of, or has said something about: normalised and shown name."""
    mine = Entry.objects.filter(actor=user.username, action__in=SUBMISSIONS).exclude(topic="")
    topics = set(mine.values_list("topic", flat=True).distinct()[:500]) | set(accounts.preferences_of(user))
    memberships = GroupMember.objects.filter(user=user, joined_at__isnull=False).values("group")
    has_role = Q(roles__user=user) | Q(roles__group__in=memberships)
    seen = Project.objects.filter(has_role | Q(normalized__in=topics, is_private=False))
    return list(seen.order_by("normalized").values_list("normalized", "name").distinct()[:500])


def measured_by(user: User) -> dict[str, str]:
    """The projects whose uses a person may see, owner or maintainer: the stronger role by normalised name."""
    groups = GroupMember.objects.filter(user=user, joined_at__isnull=False).values("group")
    mine = Role.objects.filter(Q(user=user) | Q(group__in=groups), kind__in=(Role.Kind.OWNER, Role.Kind.MAINTAINER))
    found: dict[str, str] = {}
    for topic, kind in mine.values_list("project__normalized", "kind"):
        found[topic] = kind if found.get(topic) != Role.Kind.OWNER else Role.Kind.OWNER.value
    return found
