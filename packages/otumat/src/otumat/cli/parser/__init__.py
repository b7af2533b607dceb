"""The commands, their options, and help that teaches by example; one module per kind of command, as beside them."""

from __future__ import annotations

import argparse
from importlib import import_module

import otumat
from otumat.cli.parser.options import Commands, Help

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

GROUPS = {
    "publish": {"register": "publishing", "publish": "publishing", "yank": "publishing"},
    "look things up": {
        "search": "searching",
        "browse": "searching",
        "info": "discovering",
        "classifiers": "discovering",
        "journal": "people",
    },
    "trust": {**dict.fromkeys(("keygen", "sign", "verify"), "trusting"), "keys": "keys"},
    "what is told about you": {"usage": "usage", "upload": "usage"},
    "your account": {"login": "accounts", "logout": "accounts", "token": "accounts", "notifications": "notifications"},
    "work together": {"role": "people", "invite": "people", "invitations": "people", "group": "groups"},
    "let programs work": {"publisher": "publishers", "webhook": "webhooks", "watch": "watching"},
    "your shell": {"completion": "completing"},
}
"""Every command and the module beside this one whose `add_COMMAND` makes its parser."""


def build_parser(command: str = "") -> argparse.ArgumentParser:
    """
    Every command has `run`, the module of `otumat.cli` and the function that does it: only that module is loaded. One
    that is `is_local` is not handed the settings.

    Args:
        command: The one that is wanted; the others are then left out, for making them takes longer than many a command.
            All are there for a word that is none, as the help and the error about it need.
    """
    parser = argparse.ArgumentParser(
        prog="otumat", usage="otumat COMMAND ...", epilog=OVERVIEW_EXAMPLES, formatter_class=Help, allow_abbrev=False
    )
    parser.set_defaults(is_local=False)
    parser.add_argument("-V", "--version", action="version", version=f"otumat {otumat.__version__}")
    commands = Commands(parser, prog="otumat")
    for modules in GROUPS.values():
        if command in modules:
            _add(commands, command, modules[command])
            return parser
    parts = [OVERVIEW]
    for title, modules in GROUPS.items():
        for name, module in modules.items():
            _add(commands, name, module)
        lines = [f"  {name:<13}  {commands.shorts[name]}" for name in modules]
        parts.append("\n".join([f"{title}:", *lines, ""]))
    parser.description = "\n".join(parts)
    return parser


def _add(commands: Commands, name: str, module: str) -> None:
    getattr(import_module(f"otumat.cli.parser.{module}"), f"add_{name}")(commands)
