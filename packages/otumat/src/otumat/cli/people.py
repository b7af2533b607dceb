"""`otumat role`, `otumat invite` and `otumat invitations`: who may do what in a project."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from otumat.cli.connection import connect
from otumat.cli.console import GREEN, printable
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
    return _done(console, told, "Set", f"{options.user} is {options.role} of {options.project}.")


def remove_role(options: argparse.Namespace, settings: Settings, console: Console) -> int:
    """Take somebody's role away."""
    people.remove_role(connect(options, settings, console), options.project, options.user)
    told = {"project": options.project, "user": options.user}
    return _done(console, told, "Removed", f"{options.user} has no role in {options.project} any more.")


def invite(options: argparse.Namespace, settings: Settings, console: Console) -> int:
    """Offer a role, or take the offer back."""
    api = connect(options, settings, console)
    if options.withdraw:
        people.withdraw(api, options.project, options.invitee)
        told: dict[str, object] = {"project": options.project, "invitee": options.invitee}
        return _done(console, told, "Withdrawn", f"the invitation of {options.invitee} to {options.project}.")
    if options.transfer:
        invitation = people.transfer(api, options.project, options.invitee)
    else:
        invitation = people.invite(api, options.project, options.invitee, options.role)
    end = f" by {invitation.expires_at[:10]}" if invitation.expires_at else ""
    words = f"{options.invitee} to be {_role(invitation)} of {options.project}; it is theirs once they accept{end}."
    return _done(console, {"invitation": asdict(invitation)}, "Invited", words)


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
        return _done(console, {"id": options.id, "answer": options.answer}, word, f"invitation {options.id}.")
    found = people.my_invitations(api)
    if console.as_json:
        console.show_json({"ok": True, "invitations": [asdict(each) for each in found]})
    elif not found:
        console.note("There are none.")
    else:
        rows = [(each.id, each.project, _role(each), each.by, each.expires_at[:10]) for each in found]
        console.show_columns(("id", "project", "role", "invited by", "until"), rows)
    return 0


def _invited(api: Api, project: str) -> list[people.Invitation]:
    """Open invitations, if whoever asks may see them."""
    try:
        return people.invitations_of(api, project)
    except Refused:
        return []


def _role(invitation: people.Invitation) -> str:
    return "the only owner (all other grants end)" if invitation.is_transfer else invitation.role


def _done(console: Console, told: dict[str, object], word: str, words: str) -> int:
    if console.as_json:
        console.show_json({"ok": True, **told})
    else:
        console.show(f"{console.style(word, GREEN)}: {printable(words)}")
    return 0
