"""`otumat role`, `otumat invite` and `otumat invitations`: who may do what in a project."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from otumat.cli.connection import connect
from otumat.errors import NotFound, Refused
from otumat.publish import people

if TYPE_CHECKING:
    import argparse

    from otumat.cli.console import Console
    from otumat.publish.api import Api
    from otumat.settings import Settings


def list_roles(options: argparse.Namespace, settings: Settings, console: Console) -> int:
    """Who has a role in a project, and who is invited to one."""
    api = connect(options, settings, console)
    roles = people.roles(api, options.project)
    invited = _invited(api, options.project)
    if console.as_json:
        listed = {"roles": [asdict(each) for each in roles], "invitations": [asdict(each) for each in invited]}
        console.show_json({"ok": True, "project": options.project, **listed})
        return 0
    rows = [(each.user, each.role) for each in roles] + [(each.invitee, f"{_role(each)}, invited") for each in invited]
    if rows:
        console.show_columns(("who", "role"), rows)
    else:
        console.note("Nobody.")
    return 0


def set_role(options: argparse.Namespace, settings: Settings, console: Console) -> int:
    """Give a role to somebody who has one already, or, as an admin, to anybody."""
    people.set_role(connect(options, settings, console), options.project, options.user, options.role)
    told = {"project": options.project, "user": options.user, "role": options.role}
    return console.show_done("Set", f"{options.user} is {options.role} of {options.project}.", **told)


def remove_role(options: argparse.Namespace, settings: Settings, console: Console) -> int:
    """Take somebody's role away."""
    people.remove_role(connect(options, settings, console), options.project, options.user)
    told = {"project": options.project, "user": options.user}
    return console.show_done("Removed", f"{options.user} has no role in {options.project} any more.", **told)


def invite(options: argparse.Namespace, settings: Settings, console: Console) -> int:
    """Offer a role, or take the offer back."""
    api = connect(options, settings, console)
    if options.withdraw:
        people.withdraw(api, options.project, options.invitee)
        words = f"the invitation of {options.invitee} to {options.project}."
        return console.show_done("Withdrawn", words, project=options.project, invitee=options.invitee)
    if options.transfer:
        invitation = people.transfer(api, options.project, options.invitee)
    else:
        invitation = people.invite(api, options.project, options.invitee, options.role)
    end = f" by {invitation.expires_at[:10]}" if invitation.expires_at else ""
    words = f"{options.invitee} to be {_role(invitation)} of {options.project}; it is theirs once they accept{end}."
    return console.show_done("Invited", words, invitation=asdict(invitation))


def invitations(options: argparse.Namespace, settings: Settings, console: Console) -> int:
    """What whoever asks is invited to; or the answer to one of these."""
    if options.answer and not options.id:
        raise NotFound(
            f"Which invitation do you {options.answer}?",
            code="invitation.id",
            hint="'otumat invitations' lists them with their ids.",
        )
    api = connect(options, settings, console)
    if options.answer:
        people.answer_invitation(api, options.id, accept=options.answer == "accept")
        word = "Accepted" if options.answer == "accept" else "Declined"
        return console.show_done(word, f"invitation {options.id}.", id=options.id, answer=options.answer)
    found = people.my_invitations(api)
    rows = [(each.id, each.project, _role(each), each.by, each.expires_at[:10]) for each in found]
    titles = ("id", "project", "role", "invited by", "until")
    return console.show_listed(titles, rows, invitations=[asdict(each) for each in found])


def _invited(api: Api, project: str) -> list[people.Invitation]:
    """Open invitations, if whoever asks may see them."""
    try:
        return people.invitations_of(api, project)
    except Refused:
        return []


def _role(invitation: people.Invitation) -> str:
    return "the only owner (all other grants end)" if invitation.is_transfer else invitation.role
