"""What admins do to accounts, and leaving: every door of an account closes at once."""

from __future__ import annotations

from datetime import datetime

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.db import transaction

from otumat.errors import Conflict, NotFound, Refused
from otumat_index.accounts import ownership
from otumat_index.accounts.groups import actions as groups
from otumat_index.accounts.models import Group, User
from otumat_index.journal import actions as journal
from otumat_index.journal.actor import Actor


@transaction.atomic
def deactivate(user: User, *, anyway: bool = False, by: Actor, at: datetime) -> User:
    """
    Close an account until an admin opens it again: no password, session or token of it works from now on.

    Args:
        anyway: Even if projects are left without an active owner; an admin then finds them listed.

    Raises:
        Conflict: The last admin or, without `anyway`, the last owner of a project.
    """
    check_admin(by)
    owned, user = lock(user)
    if not user.is_active:
        raise Conflict(f"{user.username!r} is not active.", hint="Reactivate it instead.", code="user_inactive")
    user.is_active = False
    user.save(update_fields=["is_active"])
    if user.is_superuser:
        check_admins_left(user)
    if not anyway:
        ownership.check_owned(owned, who=f"{user.username!r}")
    tokens = close_doors(user)
    journal.write("user.deactivate", user.username, by=by, at=at, tokens=tokens, anyway=anyway)
    return user


@transaction.atomic
def reactivate(user: User, *, by: Actor, at: datetime) -> User:
    """Let a person in again. Their roles are still theirs; tokens and sessions are not."""
    check_admin(by)
    _, user = lock(user)
    if user.is_active or user.closed_at is not None:
        state = "is active" if user.is_active else "has left for good"
        raise Conflict(f"{user.username!r} {state}.", code="user_state")
    user.is_active = True
    user.save(update_fields=["is_active"])
    journal.write("user.reactivate", user.username, by=by, at=at)
    return user


@transaction.atomic
def set_admin(user: User, is_admin: bool, *, by: Actor, at: datetime) -> User:
    """Make a person an admin of this index, or no longer one; the last admin stays."""
    check_admin(by)
    _, user = lock(user)
    if user.is_superuser == is_admin or not user.is_active:
        state = "is not active" if not user.is_active else "is an admin" if is_admin else "is no admin"
        raise Conflict(f"{user.username!r} {state}.", code="user_state")
    user.is_superuser = user.is_staff = is_admin
    user.save(update_fields=["is_superuser", "is_staff"])
    check_admins_left(user)
    journal.write("user.admin", user.username, by=by, at=at, is_admin=is_admin)
    return user


@transaction.atomic
def reset_factors(user: User, *, by: Actor, at: datetime) -> int:
    """
    Help somebody who lost a second factor: all of them go, recovery codes included, and every session ends.

    The password and the tokens stay; who has no password gets a link by mail (`/account/password/reset/`).

    Returns:
        How many authenticator apps and passkeys there were.

    Raises:
        Conflict: There was none.
    """
    check_admin(by)
    _, user = lock(user)
    rows = Authenticator.objects.filter(user=user)
    count: int = rows.exclude(type=Authenticator.Type.RECOVERY_CODES).count()
    if not rows.exists():
        raise Conflict(f"{user.username!r} has no second factor.", hint="Nothing was changed.", code="no_factor")
    rows._raw_delete(rows.db)  # without signals: one change, one journal row
    end_sessions(user)
    journal.write("user.factors", user.username, by=by, at=at, count=count)
    return count


@transaction.atomic
def close_account(user: User, *, by: Actor, at: datetime) -> None:
    """
    Leave for good: tokens, roles, memberships, addresses and factors go; the journal keeps the login name alone, and
    loses the addresses it told of.

    The row stays, so that nobody else can take the login and pass for whoever published under it.

    Raises:
        Conflict: The last owner of a project, manager of a group, or admin.
    """
    if by.user_id != user.pk or by.actions is not None or by.projects is not None:
        raise Refused("Only its person closes an account.", hint="Sign in.", code="token_scope")
    owned, user = lock(user)
    was_admin = user.is_superuser
    managed = list(Group.objects.filter(members__user=user, members__is_manager=True))
    roles = user.roles.all().delete()[0]
    user.memberships.all().delete()
    user.is_active, user.closed_at = False, at
    user.is_superuser = user.is_staff = False
    user.email = user.first_name = user.last_name = ""
    user.set_unusable_password()
    user.save()
    ownership.check_owned(owned, who=f"{user.username!r}")
    groups.check_managed(managed, who=f"{user.username!r}")
    if was_admin:
        check_admins_left(user)
    tokens = close_doors(user)
    forget(user)
    journal.blank("user.email", user.username, words=("old", "new"))
    journal.write("user.close", user.username, by=by, at=at, roles=roles, tokens=tokens)


def lock(user: User) -> tuple[list[int], User]:
    """The projects a person owns, locked, and the account as it is now, locked with the groups it is in."""
    owned = ownership.lock(ownership.owned_by(user))
    ownership.lock_groups(Group.objects.filter(pk__in=user.memberships.values("group")))
    everyone = ownership.lock_people(User.objects.filter(pk=user.pk) | User.objects.filter(is_superuser=True))
    found = next((each for each in everyone if each.pk == user.pk), None)
    if found is None:
        raise NotFound(f"There is no account {user.username!r}.")
    return owned, found


def close_doors(user: User) -> int:
    """Revoke every token and end every session; returns how many tokens there were."""
    end_sessions(user)
    return user.tokens.all().delete()[0]


def end_sessions(user: User) -> None:
    """Sign a person out everywhere."""
    for session in UserSession.objects.filter(user=user):
        session.end()


def forget(user: User) -> None:
    """Take away what only served the person. Deleted without signals: leaving is one change with one journal row."""
    for rows in (EmailAddress.objects.filter(user=user), Authenticator.objects.filter(user=user)):
        rows._raw_delete(rows.db)
    for relation in ("invitations", "mail_preferences", "usage_mail", "publishers"):
        getattr(user, relation).all().delete()


def check_admins_left(user: User) -> None:
    """Refuse to leave the index without an admin; all of them are locked."""
    if not User.objects.filter(is_superuser=True, is_active=True).exists():
        raise Conflict(f"{user.username!r} is the last admin.", hint="Make somebody else an admin.", code="last_admin")


def check_admin(by: Actor) -> None:
    """Refuse whoever is no admin of this index, or holds a limited token."""
    if not by.is_admin or by.actions is not None or by.projects is not None:
        raise Refused("Only an admin of this index does that.", hint="Ask an admin.", code="admin")
