"""Help and options of `otumat group`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from otumat.cli.parser.options import CREDENTIALS, Actions, Commands, add_common

if TYPE_CHECKING:
    from argparse import ArgumentParser

GROUP = """\
Groups are people who hold roles together: whoever is in the group has its roles, and loses them with the membership.
A group within another is a team; its members are members of the group around it.
"""

EXAMPLES = """\
examples:
  otumat group create core --name "The core developers"
  otumat group add core bob
  otumat role set roundup group:core maintainer
"""

SLUG = "its short name, as in group:core"


def add_group(commands: Commands) -> None:
    parser = commands.add("group", "people who hold roles together", GROUP, f"{CREDENTIALS}\n{EXAMPLES}")
    actions = Actions(parser)
    _add_looking(actions)
    _add_making(actions)
    _add_membership(actions)


def _add_looking(actions: Actions) -> None:
    listing = actions.add(
        "list", "list your groups, and those that asked you to join", "examples:\n  otumat group list\n"
    )
    listing.set_defaults(run="groups:list_groups")
    add_common(listing)
    example = "  otumat group show core --json | jq -r '.members[].user'\n"
    _of_group(actions, "show", "show who is in a group, and its teams", f"  otumat group show core\n{example}")


def _add_making(actions: Actions) -> None:
    examples = """\
  otumat group create core --name "The core developers"
  otumat group create docs --parent core            a team, for members of core
"""
    creating = _of_group(actions, "create", "make a group, or a team in one", examples)
    creating.add_argument(
        "--name", default="", metavar="TEXT", help="who they are, in a line (default: its short name)"
    )
    creating.add_argument("--parent", default="", metavar="GROUP", help="make a team in this group")
    example = '  otumat group rename core "Everybody who commits"\n'
    renaming = _of_group(actions, "rename", "say anew who they are; the short name stays", example)
    renaming.add_argument("name", metavar="TEXT", help="who they are, in a line")
    example = (
        "  otumat group delete core\n  otumat group delete core --yes                    where nobody can be asked\n"
    )
    deleting = _of_group(actions, "delete", "dissolve a group, its teams and the roles they hold", example)
    deleting.add_argument("--yes", action="store_true", help="do not ask whether it is meant")


def _add_membership(actions: Actions) -> None:
    examples = """\
  otumat group add core bob                         bob is in it once he says yes
  otumat group add core bob --manager               a member: bob manages it now; without --manager, not any more
  otumat group add docs bob                         into a team, members of its group come at once
"""
    adding = _of_group(actions, "add", "ask somebody to join, or say whether a member manages", examples)
    adding.add_argument("user", metavar="USER")
    adding.add_argument("--manager", action="store_true", help="may change the group and its teams")
    removing = _of_group(actions, "remove", "end a membership at once", "  otumat group remove core bob\n")
    removing.add_argument("user", metavar="USER")
    _of_group(actions, "join", "say yes to a group that asked you", "  otumat group join core\n")
    _of_group(actions, "leave", "end your own membership", "  otumat group leave core\n")


def _of_group(actions: Actions, name: str, short: str, examples: str) -> ArgumentParser:
    parser = actions.add(name, short, f"examples:\n{examples}")
    parser.set_defaults(run=f"groups:{name}")
    parser.add_argument("group", metavar="GROUP", help=SLUG)
    add_common(parser)
    return parser
