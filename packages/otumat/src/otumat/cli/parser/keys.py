"""Help and options of `otumat keys`."""

from __future__ import annotations

import argparse

from otumat.cli.parser.options import (
    CREDENTIALS,
    Actions,
    Commands,
    add_common,
    add_index,
    add_json,
    add_policy,
    natural,
)

KEYS = """\
The keys you trust, by project, and what you ask of each: your policy, a file.
"""

KEYS_EXAMPLES = """\
examples:
  otumat keys add acme.pub --for plugin1 --note "Acme, release key"
  otumat keys add acme.pub --for 'acme-*'
  otumat keys ask plugin1 --threshold 2 --minimum-version 1.1
  otumat keys mode warn --group acme.plugins
  otumat keys pin plugin1                the keys that the index lists for it
  otumat keys list

as the owner of a project:
  otumat keys add release.pem.pub --project plugin1
  otumat keys rotate new.pem.pub --project plugin1 --sign-with release.pem
"""

ADD_EXAMPLES = f"""\
--for is about you: from now on you trust what the key signs. --project is about a project of yours: whoever asks the
index is told of the key.

{CREDENTIALS}
examples:
  otumat keys add acme.pub --for plugin1
  otumat keys add release.pem.pub --project plugin1 --note "Acme, release key" --index https://index.example.org
"""

ROTATE_EXAMPLES = f"""\
The old key signs that the new one takes its place. So those who trust the old one take the new one without asking; what
the old one signed until now stays good. Nobody takes a key on the word of the index alone.

{CREDENTIALS}
examples:
  otumat keys rotate new.pem.pub --project plugin1 --sign-with old.pem
  otumat keys rotate new.pem.pub --project plugin1 --unproven --old 3f0c91ab     the old key is lost
"""

REVOKE_EXAMPLES = f"""\
{CREDENTIALS}
examples:
  otumat keys revoke 3f0c91ab --reason compromised
  otumat keys revoke 3f0c91ab --project plugin1 --reason compromised --since 2026-01-31T12:00:00Z
"""

WHICH_EXAMPLES = """\
The index knows published files, and files inside wheels that a key of their project signed. The exit code is 1 if it
knows nothing of one of them.

examples:
  otumat keys which site-packages/plugin1/core.py
"""

AT_HELP = "the index lists it for this project; may be given several times"
ROLES = ["owner", "maintainer", "reviewer"]

PIN_EXAMPLES = """\
The index is taken at its word once, and its own key is remembered. Later, keys that ended there end here, too. A key
that is new is taken if the keys you trust signed its coming ('otumat keys rotate'); else it is held back until --new
says that it is right, and the exit code is 1. A list that is old, expired, of another project or index, or has another
past than the one seen before, is refused.

examples:
  otumat keys pin plugin1 --index https://index.example.org
  otumat keys pin plugin1 --new
  otumat keys pin --all                  from cron, once a week
"""


def add_keys(commands: Commands) -> None:
    parser = commands.add("keys", "whom do you trust?", KEYS, KEYS_EXAMPLES)
    actions = Actions(parser)
    _add_add(actions)
    _add_rotate(actions)
    _add_list(actions)
    _add_remove(actions)
    _add_revoke(actions)
    _add_ask(actions)
    _add_mode(actions)
    _add_fetch(actions)
    _add_pin(actions)
    _add_which(actions)


def _add_add(actions: Actions) -> None:
    parser = actions.add("add", "trust a key for a project, or have an index list it for yours", ADD_EXAMPLES)
    parser.set_defaults(run="keyring:add")
    parser.add_argument("file", metavar="FILE", help="the public key: PEM, or a .pub file of OpenSSH")
    _add_whose(parser)
    parser.add_argument("--role", default="maintainer", choices=ROLES)
    parser.add_argument("--note", default="", help="whose key it is")
    parser.add_argument("--expires", default="", metavar="DAY", help="with --for: 2027-12-31; then it counts no more")
    add_policy(parser)
    _add_signers(parser, "with --project: an old key, which signs this, so that others take the new one")
    add_common(parser)


def _add_rotate(actions: Actions) -> None:
    short = "put a key in the place of another that an index lists for your project"
    parser = actions.add("rotate", short, ROTATE_EXAMPLES)
    parser.set_defaults(run="vouching:rotate")
    parser.add_argument("file", metavar="FILE", help="the new public key")
    parser.add_argument("--project", dest="at", action="append", required=True, metavar="NAME", help=AT_HELP)
    _add_signers(parser, "the old key, which signs this (default: as for 'otumat sign')")
    parser.add_argument("--old", default="", metavar="ID", help="which one ends (default: the one that signs this)")
    parser.add_argument(
        "--unproven", action="store_true", help="without the old key: others are asked about the new one"
    )
    parser.add_argument("--role", default="", choices=ROLES, help="default: the old one's")
    parser.add_argument("--note", default="", help="whose key it is (default: the old one's)")
    add_common(parser)


def _add_list(actions: Actions) -> None:
    parser = actions.add("list", "list the keys you trust", "examples:\n  otumat keys list --json")
    parser.set_defaults(run="keyring:list_keys")
    add_policy(parser)
    add_json(parser)


def _add_remove(actions: Actions) -> None:
    parser = actions.add("remove", "forget a key", "examples:\n  otumat keys remove 3f0c91ab --for plugin1")
    parser.set_defaults(run="keyring:remove")
    parser.add_argument("id", metavar="ID", help="its id, or how that begins")
    _add_for(parser)
    add_policy(parser)
    add_json(parser)


def _add_revoke(actions: Actions) -> None:
    parser = actions.add("revoke", "never accept a key again, or have an index end it for all", REVOKE_EXAMPLES)
    parser.set_defaults(run="keyring:revoke")
    parser.add_argument("id", metavar="ID", help="its id, or how that begins; here, for every project that lists it")
    parser.add_argument("--reason", default="superseded", choices=["superseded", "compromised"])
    add_policy(parser)
    there = parser.add_argument_group("at an index")
    there.add_argument("--project", action=At, dest="at", metavar="NAME", help=AT_HELP)
    there.add_argument(
        "--since", default="", metavar="MOMENT", help="2026-01-31T12:00:00Z: since when it is in wrong hands"
    )
    there.add_argument("--words", default="", metavar="TEXT", help="why, for everybody to read")
    add_common(parser)


def _add_ask(actions: Actions) -> None:
    parser = actions.add("ask", "what is asked of a project", "examples:\n  otumat keys ask plugin1 --threshold 2")
    parser.set_defaults(run="keyring:ask")
    parser.add_argument("project", metavar="NAME")
    parser.add_argument("--threshold", type=natural, metavar="N", help="how many of its keys must have signed")
    parser.add_argument("--minimum-version", metavar="VERSION", help="anything older is a roll-back")
    parser.add_argument("--minimum-sequence", type=natural, metavar="N", help="the same by the number of the release")
    parser.add_argument("--modern-from", metavar="VERSION", help="from here on, signatures of the 0.3 kind never do")
    parser.add_argument("--legacy", choices=["yes", "no"], help="whether signatures of the 0.3 kind will do")
    parser.add_argument("--stale", choices=["warn", "refuse"], help="once the index's list of its keys has expired")
    add_policy(parser)
    add_json(parser)


def _add_which(actions: Actions) -> None:
    parser = actions.add("which", "which release of an index is a file from?", WHICH_EXAMPLES)
    parser.set_defaults(run="origins:which")
    parser.add_argument("files", nargs="+", metavar="FILE", help="a file, installed or not, or its SHA-256")
    add_index(parser)
    add_json(parser)


def _add_fetch(actions: Actions) -> None:
    parser = actions.add(
        "fetch", "show the keys an index lists for a project", "examples:\n  otumat keys fetch plugin1 --index acme"
    )
    parser.set_defaults(run="pinning:fetch")
    parser.add_argument("project", metavar="NAME")
    _add_index_key(parser)
    add_index(parser)
    add_policy(parser)
    add_json(parser)


def _add_index_key(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--index-key", default="", metavar="FILE", help="the index's own public key, where its operator gave you that"
    )


def _add_pin(actions: Actions) -> None:
    parser = actions.add("pin", "take the keys an index lists into your policy", PIN_EXAMPLES)
    parser.set_defaults(run="pinning:pin")
    parser.add_argument("project", nargs="?", default="", metavar="NAME")
    parser.add_argument("--all", action="store_true", help="every project that was pinned before, each at its index")
    parser.add_argument("--new", action="store_true", help="take new keys that no old one vouches for")
    parser.add_argument("--force", action="store_true", help="the same, and forget what is known of the index")
    _add_index_key(parser)
    add_index(parser)
    add_policy(parser)
    add_json(parser)


def _add_mode(actions: Actions) -> None:
    examples = "examples:\n  otumat keys mode warn\n  otumat keys mode enforce --group acme.plugins --editable own\n"
    examples += "  otumat keys mode enforce --dependencies enforce --except acme"
    parser = actions.add("mode", "how strictly plugins are loaded", examples)
    parser.set_defaults(run="keyring:mode")
    parser.add_argument("mode", choices=["off", "warn", "enforce"], help="check nothing, tell, or refuse")
    parser.add_argument("--group", default="", metavar="GROUP", help="for these entry points alone")
    parser.add_argument(
        "--editable", choices=["refuse", "own"], help="editable installs: none, or of your own checkouts"
    )
    parser.add_argument(
        "--dependencies",
        choices=["off", "warn", "enforce"],
        help="what plugins require of other distributions, likewise",
    )
    parser.add_argument(
        "--except",
        dest="excepted",
        action="append",
        metavar="NAME",
        help="do not ask that of this one (the host itself)",
    )
    add_policy(parser)
    add_json(parser)


class At(argparse.Action):
    """`--project NAME`, as often as one likes: the command is about an index then, not about one's policy."""

    def __call__(self, parser: object, namespace: argparse.Namespace, value: object, option: object = None) -> None:
        namespace.at = [*(namespace.at or []), value]
        namespace.run = namespace.run.replace("keyring:", "vouching:")


def _add_whose(parser: argparse.ArgumentParser) -> None:
    whose = parser.add_mutually_exclusive_group(required=True)
    whose.add_argument("--for", dest="project", metavar="NAME", help="you trust it for this project, or 'acme-*'")
    whose.add_argument("--project", action=At, dest="at", metavar="NAME", help=AT_HELP)


def _add_signers(parser: argparse.ArgumentParser, about: str) -> None:
    parser.add_argument("--sign-with", action="append", default=[], metavar="ADDRESS", help=about)


def _add_for(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--for", dest="project", required=True, metavar="NAME", help="the project, or a pattern such as 'acme-*'"
    )
