"""The commands, their options, and help that teaches by example; one module per kind of command, as beside them."""

from __future__ import annotations

import argparse

import otumat
from otumat.cli.parser import (
    accounts,
    completing,
    discovering,
    groups,
    notifications,
    people,
    publishers,
    publishing,
    searching,
    trusting,
    usage,
    webhooks,
)
from otumat.cli.parser.options import Commands

OVERVIEW = """\
Publish Python projects to a package index, look after them, and find out what it has.

The index is named with --index, or once and for all with OTUMAT_INDEX; there is no other default.
"""

OVERVIEW_EXAMPLES = """\
examples:
  export OTUMAT_INDEX=https://index.example.org
  otumat register --verify      is the metadata of the project in this folder right?
  otumat register               tell the index about it; asks who you are, or makes you an account
  otumat login                  keep an API token on this machine
  otumat publish dist/*         send the built files
  otumat invite roundup bob     let somebody help
  otumat search issue tracker   what is there for that?
  otumat info roundup           what does the index know about roundup?

'otumat COMMAND --help' tells more about each.
"""

GROUPS = (
    ("publish", (publishing.add_register, publishing.add_publish, publishing.add_yank)),
    (
        "look things up",
        (
            searching.add_search,
            searching.add_browse,
            discovering.add_info,
            discovering.add_classifiers,
            people.add_journal,
        ),
    ),
    ("trust", (trusting.add_keygen, trusting.add_sign, trusting.add_verify, trusting.add_keys)),
    ("what is told about you", (usage.add_usage, usage.add_upload)),
    ("your account", (accounts.add_login, accounts.add_logout, accounts.add_token, notifications.add_notifications)),
    ("work together", (people.add_role, people.add_invite, people.add_invitations, groups.add_group)),
    ("let programs work", (publishers.add_publisher, webhooks.add_webhook)),
    ("your shell", (completing.add_completion,)),
)


def build_parser() -> argparse.ArgumentParser:
    """Every command has `run`, the module of `otumat.cli` and the function that does it: only that module is loaded."""
    parser = argparse.ArgumentParser(
        prog="otumat",
        usage="otumat COMMAND ...",
        epilog=OVERVIEW_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("-V", "--version", action="version", version=f"otumat {otumat.__version__}")
    commands = Commands(parser, prog="otumat")
    parts = [OVERVIEW]
    for title, makers in GROUPS:
        known = len(commands.shorts)
        for make in makers:
            make(commands)
        lines = [f"  {name:<13}  {short}" for name, short in [*commands.shorts.items()][known:]]
        parts.append("\n".join([f"{title}:", *lines, ""]))
    parser.description = "\n".join(parts)
    return parser
