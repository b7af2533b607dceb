"""Roles offered and accepted, and handing a project over."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction

from otumat.errors import Conflict, Invalid, NotFound, Problem, Refused
from otumat_index.accounts import addresses, ownership
from otumat_index.accounts.credentials import of_user
from otumat_index.accounts.models import Token, User
from otumat_index.accounts.rules import digest
from otumat_index.journal import actions as journal
from otumat_index.journal.actor import Actor
from otumat_index.journal.queries import count_by
from otumat_index.publish import invited, queries, rules
from otumat_index.publish.actions import entry
from otumat_index.publish.actions.roles import check_kind, check_may
from otumat_index.publish.models import Invitation, Project, Role
from otumat_index.trust import keys

KEPT_DAYS = 14
PENDING_MAX = 100
"""Open invitations of one project."""
A_DAY_MAX = 50
"""Invitations one person sends in a day: each may be a mail to a stranger."""
GRANTS = {"invitations": "Invitation", "publishers": "TrustedPublisher", "webhooks": "Webhook"}
"""What else a project's owners let others do: relations of `Project` and their models."""


@transaction.atomic
def invite(
    project: Project,
    kind: str,
    *,
    user: User | None = None,
    email: str = "",
    is_transfer: bool = False,
    by: Actor,
    at: datetime,
) -> Invitation:
    """
    Offer a role to a person or an address; an older offer to the same is replaced.

    Args:
        email: Whether an account has this address makes no difference to what is answered.
        is_transfer: Offer the whole project: whoever accepts is its only owner, and every other grant ends.

    Raises:
        Conflict: The person has a role, or too many offers are open.
        Refused: The actor may not, or invited too many today (code `too_many`).
    """
    project = entry.lock(project)
    check_may(by, "transfer" if is_transfer else "invite", project)
    check_kind(kind)
    email = checked_address(email) if user is None else ""
    if by.user_id is None:
        raise Refused("Inviting is done by a person with an account.", hint="Sign in.", code="role")
    if user is not None:
        check_invitable(project, user, is_transfer=is_transfer, by=by)
    mine = Invitation.objects.filter(project=project)
    mine.filter(expires_at__lte=at).delete()
    mine.filter(user=user, email=email).delete()
    if mine.count() >= PENDING_MAX:
        message = f"{project.name} has {PENDING_MAX} open invitations, the most there may be."
        raise Conflict(message, hint="Withdraw some first.", code="too_many_invitations")
    if count_by(by.name, "invitation.create", since=at - timedelta(days=1)) >= A_DAY_MAX:
        raise Refused(f"You sent {A_DAY_MAX} invitations today.", hint="Go on tomorrow.", code="too_many")
    invitation = Invitation.objects.create(
        project=project,
        user=user,
        email=email,
        kind=kind,
        is_transfer=is_transfer,
        invited_by_id=by.user_id,
        salt=secrets.token_hex(16),
        created_at=at,
        expires_at=at + timedelta(days=KEPT_DAYS),
    )
    if email:
        invitation.sha256 = digest(invited.secret_of(invitation))
        invitation.save(update_fields=["sha256"])
    journal.write(
        "invitation.create",
        user.username if user else "",
        by=by,
        at=at,
        topic=project.normalized,
        role=kind,
        invitation=invitation.pk,
        transfer=is_transfer,
    )
    return invitation


def check_invitable(project: Project, user: User, *, is_transfer: bool, by: Actor) -> None:
    """Refuse to offer a role to somebody who has one, or who is not there any more."""
    if not user.is_active:
        raise Conflict(f"The account {user.username!r} is not active.", code="user_inactive")
    held = Role.objects.filter(project=project, user=user).first()
    if held is not None and not is_transfer:
        message = f"{user.username!r} is {held.kind} of {project.name} already."
        raise Conflict(message, hint="Change the role instead.", code="role_exists")
    if is_transfer and user.pk == by.user_id:
        raise Conflict("A project is handed over to somebody else.", hint="Name another person.", code="role_exists")


def checked_address(email: str) -> str:
    """One spelling of a mail address."""
    address = addresses.canonical(email)
    try:
        validate_email(address)
    except ValidationError:
        message = f"{email[:100]!r} is no mail address." if email else "Nobody is named."
        hint = "Give a login name as `user`, or an address as `email`."
        raise Invalid([Problem("invitation.whom", "email", message, value=email[:254], hint=hint)]) from None
    return address


@transaction.atomic
def accept(invitation_id: int, *, by: Actor, at: datetime) -> Role:
    """
    Take the role that was offered: works once, as long as whoever offered it could still do so.

    Raises:
        NotFound: There is no such offer to this person: one answer for every reason.
        Conflict: Whoever invited has lost the right to.
    """
    project, invitation, user = locked(invitation_id, by=by, at=at)
    check_inviter(invitation, project)
    invitation.delete()
    if invitation.is_transfer:
        return hand_over(project, user, by=by, at=at)
    role, _ = Role.objects.get_or_create(
        project=project, user=user, defaults={"kind": invitation.kind, "granted_at": at}
    )
    role.kind = rules.strongest((role.kind, invitation.kind))
    role.save(update_fields=["kind"])
    invited_by = invitation.invited_by.username if invitation.invited_by else ""
    journal.write(
        "role.accept", user.username, by=by, at=at, topic=project.normalized, role=role.kind, invited_by=invited_by
    )
    return role


def hand_over(project: Project, user: User, *, by: Actor, at: datetime) -> Role:
    """
    Make one person the only owner of a locked project; every grant that others held ends (A47).

    Roles, open invitations, trusted publishers and webhooks go, keys end; tokens lose the project, and those limited
    to it alone are revoked. One journal row counts them.
    """
    former = Role.objects.filter(project=project)
    held = [f"{role.holder} ({role.kind})" for role in former.select_related("user", "group")]
    former.delete()
    cleared = {
        relation: getattr(project, relation).all().delete()[1].get(f"publish.{model}", 0)
        for relation, model in GRANTS.items()
    }
    cleared["tokens"] = unscope_tokens(project.normalized)
    cleared["keys"] = keys.end_all(project.normalized, reason="The project has another owner.", by=by.name, at=at)
    role = Role.objects.create(project=project, user=user, kind=Role.Kind.OWNER, granted_at=at)
    journal.write(
        "project.transfer", user.username, by=by, at=at, topic=project.normalized, role="owner", roles=held, **cleared
    )
    return role


def unscope_tokens(normalized: str) -> int:
    """Take a project out of every token that names it; a token that names no other is revoked. How many there were."""
    count = 0
    named = Token.objects.filter(projects__isnull=False, projects__icontains=f'"{normalized}"')
    for token in named.order_by("pk").select_for_update(of=("self",)):
        left = [name for name in token.projects or [] if name != normalized]
        if left == token.projects:
            continue
        count += 1
        if not left:
            token.delete()
            continue
        token.projects = left
        token.save(update_fields=["projects"])
    return count


@transaction.atomic
def decline(invitation_id: int, *, by: Actor, at: datetime) -> None:
    """Say no."""
    project, invitation, user = locked(invitation_id, by=by, at=at)
    invitation.delete()
    journal.write("invitation.decline", user.username, by=by, at=at, topic=project.normalized, invitation=invitation_id)


@transaction.atomic
def withdraw(project: Project, invitation_id: int, *, by: Actor, at: datetime) -> None:
    """Take an offer of this project back."""
    project = entry.lock(project)
    check_may(by, "manage", project)
    invitation = Invitation.objects.select_related("user").filter(project=project, pk=invitation_id).first()
    if invitation is None:
        raise NotFound(f"{project.name} has no such invitation.", hint="It may be accepted, declined or over.")
    invitation.delete()
    whom = invitation.user.username if invitation.user else ""
    journal.write("invitation.withdraw", whom, by=by, at=at, topic=project.normalized, invitation=invitation_id)


def locked(invitation_id: int, *, by: Actor, at: datetime) -> tuple[Project, Invitation, User]:
    """An offer to the actor, with its project, everybody who owns it, and the actor locked."""
    if by.user_id is None or by.actions is not None or by.projects is not None:
        raise Refused("A limited token does not answer invitations.", hint="Sign in.", code="token_scope")
    found = Invitation.objects.select_related("project").filter(pk=invitation_id).first()
    project = entry.lock(found.project) if found is not None else None
    if project is not None:
        ownership.lock_owners([project.pk], others=[by.user_id])
    user = User.objects.filter(pk=by.user_id, is_active=True).first()
    mine = queries.invitations_for(user, at=at).filter(pk=invitation_id).first() if user else None
    if project is None or mine is None or user is None:
        raise NotFound("There is no such invitation for you.", hint="It may be over, or for another address of yours.")
    return project, mine, user


def check_inviter(invitation: Invitation, project: Project) -> None:
    """Refuse what was offered by somebody who could not offer it now: the door they left open is closed (A47)."""
    inviter = invitation.invited_by
    action = "transfer" if invitation.is_transfer else "invite"
    if inviter is not None and inviter.is_active:
        by = of_user(inviter, "session")
        standing = queries.standing_of(by, project.normalized)
        if rules.may(by, action, standing) and not rules.is_closed(by, action, standing):
            return
    raise Conflict(
        "Whoever invited you may not do so any more.", hint="Ask an owner of the project.", code="invitation_void"
    )
