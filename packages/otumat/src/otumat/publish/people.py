"""Who may do what in a project: roles, and invitations to take one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from otumat.errors import NotFound
from otumat.publish import reply
from otumat.publish.api import rows

if TYPE_CHECKING:
    from otumat.publish.api import Api

ROLES = ("owner", "maintainer", "reader")


@dataclass(frozen=True)
class Role:
    """What a user, or a group (`group:core`), may do in a project."""

    user: str
    role: str


@dataclass(frozen=True)
class Invitation:
    """
    A role that somebody may accept.

    Attributes:
        invitee: A login or an address.
        by: Who has asked.
        is_transfer: Who accepts is the only owner then; every other role, token and grant in the project ends.
    """

    id: str
    project: str
    invitee: str
    role: str
    by: str
    expires_at: str
    is_transfer: bool


def roles(api: Api, project: str) -> list[Role]:
    """Everybody who has a role in a project."""
    return [_role(each) for each in rows(api.ask("GET", "project", project, "roles"), "roles")]


def set_role(api: Api, project: str, user: str, role: str) -> None:
    """Give a user, or a group written `group:SLUG`, this role in a project instead of any other."""
    api.ask("PUT", "project", project, "roles", user, body={"role": role})


def remove_role(api: Api, project: str, user: str) -> None:
    """Take a user's role in a project away, at once."""
    api.ask("DELETE", "project", project, "roles", user)


def invite(api: Api, project: str, invitee: str, role: str) -> Invitation:
    """Offer a role to a login or to an address; it is theirs once they accept."""
    answer = api.ask("POST", "project", project, "invitations", body={**_named(invitee), "role": role})
    return _invitation({**_named(invitee), "project": project, "role": role, **answer})


def transfer(api: Api, project: str, invitee: str) -> Invitation:
    """Offer the whole project: who accepts is its only owner, and every other grant in it ends."""
    answer = api.ask("POST", "project", project, "transfer", body=_named(invitee))
    return _invitation({**_named(invitee), "project": project, "role": "owner", "transfer": True, **answer})


def invitations_of(api: Api, project: str) -> list[Invitation]:
    """The open invitations of a project."""
    answer = api.ask("GET", "project", project, "invitations")
    return [_invitation({"project": project, **each}) for each in rows(answer, "invitations")]


def withdraw(api: Api, project: str, invitee: str) -> None:
    """Take an open invitation back."""
    for invitation in invitations_of(api, project):
        if invitation.invitee.lower() == invitee.lower():
            api.ask("DELETE", "project", project, "invitations", invitation.id)
            return
    raise NotFound(f"{project} has no open invitation for {invitee}.", code="invitation.none")


def my_invitations(api: Api) -> list[Invitation]:
    """The open invitations for whoever asks."""
    return [_invitation(each) for each in rows(api.ask("GET", "invitations"), "invitations")]


def answer_invitation(api: Api, invitation_id: str, *, accept: bool) -> None:
    """Accept or decline an invitation."""
    api.ask("POST", "invitations", invitation_id, "accept" if accept else "decline")


def _named(invitee: str) -> dict[str, str]:
    return {"email" if "@" in invitee else "user": invitee}


def _role(told: dict[str, object]) -> Role:
    group = reply.text(told.get("group"))
    return Role(reply.text(told.get("user")) or f"group:{group}", reply.text(told.get("role")))


def _invitation(told: dict[str, object]) -> Invitation:
    return Invitation(
        id=str(told.get("id", ""))[:100],
        project=reply.text(told.get("project")),
        invitee=reply.text(told.get("user")) or reply.text(told.get("email")),
        role=reply.text(told.get("role")),
        by=reply.text(told.get("invited_by")),
        expires_at=reply.text(told.get("expires_at")),
        is_transfer=told.get("transfer") is True,
    )
