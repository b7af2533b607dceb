"""Help and options of `otumat publisher`."""

from __future__ import annotations

from argparse import ArgumentTypeError

from otumat.cli.parser.options import CREDENTIALS, Actions, Commands, add_common

PUBLISHER = """\
Trusted publishers are build jobs that publish without a password or a stored token: their issuer (the service that
runs them) tells the index who they are, and the index knows which of them may publish what.

A pending publisher is for a project that does not exist yet: its first upload makes it.
"""

EXAMPLES = """\
examples:
  otumat publisher issuers
  otumat publisher add roundup repository=acme/roundup workflow=release.yml
  otumat publisher list roundup
"""

LIST_EXAMPLES = """\
examples:
  otumat publisher list roundup
  otumat publisher list                             your pending ones
"""

ISSUERS_EXAMPLES = """\
examples:
  otumat publisher issuers
  otumat publisher issuers --json | jq -r '.issuers[].url'
"""

ADD_EXAMPLES = """\
examples:
  otumat publisher add roundup repository=acme/roundup workflow=release.yml environment=release
  otumat publisher add roundup --issuer https://gitlab.example.org project=acme/roundup ci_config=.gitlab-ci.yml
  otumat publisher add roundup --issuer https://builds.example.org sub=job:roundup --claim branch=main
  otumat publisher add newname --pending repository=acme/newname workflow=release.yml
"""

REMOVE_EXAMPLES = """\
examples:
  otumat publisher remove roundup 7                 the id is that of 'otumat publisher list'
  otumat publisher remove newname 8 --pending
"""


def add_publisher(commands: Commands) -> None:
    parser = commands.add("publisher", "let build jobs publish", PUBLISHER, f"{CREDENTIALS}\n{EXAMPLES}")
    actions = Actions(parser)
    listing = actions.add("list", "list a project's publishers, or your pending ones", LIST_EXAMPLES)
    listing.set_defaults(run="publishers:list_publishers")
    listing.add_argument("project", nargs="?", default="", metavar="PROJECT", help="(default: your pending ones)")
    add_common(listing)
    telling = actions.add("issuers", "show whom the index trusts, and what it asks about a build job", ISSUERS_EXAMPLES)
    telling.set_defaults(run="publishers:issuers")
    add_common(telling)
    _add_adding(actions)
    removing = actions.add("remove", "end a publisher at once", REMOVE_EXAMPLES)
    removing.set_defaults(run="publishers:remove")
    removing.add_argument("project", metavar="PROJECT")
    removing.add_argument("id", metavar="ID", help="its id in 'otumat publisher list'")
    removing.add_argument("--pending", action="store_true", help="it still waits for its first upload")
    add_common(removing)


def _add_adding(actions: Actions) -> None:
    adding = actions.add("add", "let a build job publish a project", ADD_EXAMPLES)
    adding.set_defaults(run="publishers:add")
    adding.add_argument("project", metavar="PROJECT")
    adding.add_argument(
        "fields",
        nargs="+",
        type=_pair,
        metavar="FIELD=VALUE",
        help="which job it is; 'otumat publisher issuers' tells the fields",
    )
    adding.add_argument("--issuer", default="", metavar="URL", help="who runs the job (default: the only one trusted)")
    adding.add_argument(
        "--claim",
        action="append",
        default=[],
        type=_pair,
        metavar="NAME=VALUE",
        help="more that its token must say, for issuers of the kind 'other'; repeatable",
    )
    adding.add_argument("--pending", action="store_true", help="the project does not exist yet")
    add_common(adding)


def _pair(text: str) -> tuple[str, str]:
    name, is_pair, value = text.partition("=")
    if not (name and is_pair):
        raise ArgumentTypeError(f"{text!r} is not of the form NAME=VALUE")
    return name, value
