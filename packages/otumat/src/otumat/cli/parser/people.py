"""Help and options of `otumat role`, `otumat invite`, `otumat invitations` and `otumat journal`."""

from __future__ import annotations

from argparse import ArgumentTypeError

from otumat.cli.parser.options import CREDENTIALS, Actions, Commands, add_common

ROLES = ("owner", "maintainer", "reader")

ROLE = """\
See and change who may do what in a project.

  owner        submits, uploads, and decides about roles and settings
  maintainer   submits, uploads and yanks
  reader       sees a private project

Somebody who has no role yet is invited ('otumat invite'), and has it once they accept.
"""

ROLE_EXAMPLES = """\
examples:
  otumat role list roundup
  otumat role set roundup bob owner
  otumat role remove roundup bob
"""

ROLE_LIST_EXAMPLES = """\
examples:
  otumat role list roundup
  otumat role list roundup --json | jq -r '.roles[].user'
"""

ROLE_SET_EXAMPLES = """\
examples:
  otumat role set roundup bob owner
  otumat role set roundup group:core maintainer     a group and everybody in it
"""

ROLE_REMOVE_EXAMPLES = """\
examples:
  otumat role remove roundup bob                    from now on, also with tokens that bob has
"""

INVITE = "Offer a role in a project, to a user or to somebody's address of mail. It is theirs once they accept."

INVITE_EXAMPLES = """\
examples:
  otumat invite roundup bob
  otumat invite roundup charlie@example.org --role owner
  otumat invite roundup bob --withdraw
  otumat invite roundup bob --transfer              bob takes the whole project over
"""

INVITATIONS = "List the roles that you are offered; accept or decline one."

INVITATIONS_EXAMPLES = """\
examples:
  otumat invitations
  otumat invitations accept 7
  otumat invitations decline 7
"""

JOURNAL = "Show who changed what, and when: in a project, or everything that concerns you."

JOURNAL_EXAMPLES = """\
examples:
  otumat journal
  otumat journal roundup
  otumat journal roundup --json | jq '.entries[] | select(.actor == "bob")'
"""


def add_role(commands: Commands) -> None:
    parser = commands.add("role", "see and change who may do what", ROLE, f"{CREDENTIALS}\n{ROLE_EXAMPLES}")
    actions = Actions(parser)
    listing = actions.add("list", "list who has a role in a project", ROLE_LIST_EXAMPLES)
    listing.set_defaults(run="people:list_roles")
    listing.add_argument("project", metavar="PROJECT")
    add_common(listing)
    setting = actions.add("set", "change the role of somebody who has one", ROLE_SET_EXAMPLES)
    setting.set_defaults(run="people:set_role")
    setting.add_argument("project", metavar="PROJECT")
    setting.add_argument("user", metavar="USER", help="login, or group:NAME")
    setting.add_argument("role", choices=ROLES)
    add_common(setting)
    removing = actions.add("remove", "take somebody's role away", ROLE_REMOVE_EXAMPLES)
    removing.set_defaults(run="people:remove_role")
    removing.add_argument("project", metavar="PROJECT")
    removing.add_argument("user", metavar="USER", help="login, or group:NAME")
    add_common(removing)


def add_invite(commands: Commands) -> None:
    parser = commands.add("invite", "offer somebody a role", INVITE, f"{CREDENTIALS}\n{INVITE_EXAMPLES}")
    parser.set_defaults(run="people:invite")
    parser.add_argument("project", metavar="PROJECT")
    parser.add_argument("invitee", metavar="USER_OR_EMAIL")
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--role", choices=ROLES, default="maintainer", help="(default: maintainer)")
    how.add_argument(
        "--transfer",
        action="store_true",
        help="offer the whole project: who accepts is its only owner, and all other roles, tokens and grants in it end",
    )
    how.add_argument("--withdraw", action="store_true", help="take an open invitation back")
    add_common(parser)


def add_invitations(commands: Commands) -> None:
    parser = commands.add(
        "invitations", "see and answer what you are offered", INVITATIONS, f"{CREDENTIALS}\n{INVITATIONS_EXAMPLES}"
    )
    parser.set_defaults(run="people:invitations")
    parser.add_argument("answer", nargs="?", choices=["accept", "decline"], help="(default: list them)")
    parser.add_argument("id", nargs="?", default="", metavar="ID", help="which one")
    add_common(parser)


def _serial(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise ArgumentTypeError(f"{text!r} is no serial of the journal")
    return int(text)


def add_journal(commands: Commands) -> None:
    parser = commands.add("journal", "show who changed what", JOURNAL, f"{CREDENTIALS}\n{JOURNAL_EXAMPLES}")
    parser.set_defaults(run="recording:journal")
    parser.add_argument("project", nargs="?", default="", metavar="PROJECT", help="(default: what concerns you)")
    parser.add_argument("--before", type=_serial, metavar="SERIAL", help="only what is older than this change")
    add_common(parser)
