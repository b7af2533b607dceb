"""The commands, their options, and help that teaches by example."""

from __future__ import annotations

import argparse

import otumat

INDEX_HELP = "address of the index, or its name in ~/.pypirc (default: the environment variable OTUMAT_INDEX)"

OVERVIEW = """\
Publish Python projects to a package index, and find out what it has.

The index is named with --index, or once and for all with OTUMAT_INDEX; there is no other default.
"""

OVERVIEW_EXAMPLES = """\
examples:
  export OTUMAT_INDEX=https://index.example.org
  otumat register --verify      is the metadata of the project in this folder right?
  otumat register               tell the index about it
  otumat publish dist/*         send the built files
  otumat classifiers web wsgi   which classifiers are there for it?
  otumat info roundup           what does the index know about roundup?

'otumat COMMAND --help' tells more about each.
"""

REGISTER = """\
Tell an index about a release: its name, version, summary, classifiers and all other metadata. No file is uploaded.
A release that the index knows already is updated.

PATH is the project's folder (pyproject.toml or setup.py, any build back end), a built wheel or sdist, or a METADATA or
PKG-INFO file. In a folder, the project's own build back end tells the metadata.
"""

REGISTER_EXAMPLES = """\
examples:
  otumat register --verify                          only check; the index keeps nothing
  otumat register                                   the project in this folder
  otumat register dist/roundup-1.0.tar.gz --index work
  pass show index | otumat register --username alice --password-stdin
"""

PUBLISH = """\
Send built files, wheels and sdists, to an index. Every file is looked at first, and nothing is sent unless all of them
hold. Files that the index has already, byte for byte, are skipped, so the command can be repeated.
"""

PUBLISH_EXAMPLES = """\
examples:
  python -m build && otumat publish dist/*
  otumat publish --verify dist/*                    only check; the index keeps nothing
  otumat publish dist/* --json | jq .files
"""

CREDENTIALS = """\
credentials, the first that is found:
  --token-stdin, or --username and --password-stdin
  OTUMAT_TOKEN, or OTUMAT_USERNAME and OTUMAT_PASSWORD (also TWINE_USERNAME and TWINE_PASSWORD)
  the address of the index (https://alice:...@index.example.org)
  ~/.pythonpackagerc or ~/.pypirc, for the index they stand beside
  the system's keyring, if the package keyring is installed
  you, at a terminal
"""

CLASSIFIERS = """\
List the classifiers that may be used, one a line, ready to be pasted into pyproject.toml or setup.py.
With TEXT, only those that contain all of its words.

The list is that of the index, or, when none is set or it does not answer, that of the installed package
trove-classifiers. Which of the two is told on standard error.
"""

CLASSIFIERS_EXAMPLES = """\
examples:
  otumat classifiers
  otumat classifiers bug tracking
"""

INFO = "Show what an index knows about a project: its latest release, or the one that VERSION names."

INFO_EXAMPLES = """\
examples:
  otumat info roundup
  otumat info roundup 1.0
  otumat info roundup --json | jq -r .version
"""


def build_parser() -> argparse.ArgumentParser:
    """Every command has `run`, the module of this folder and the function that does it: only that module is loaded."""
    parser = argparse.ArgumentParser(
        prog="otumat",
        description=OVERVIEW,
        epilog=OVERVIEW_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("-V", "--version", action="version", version=f"otumat {otumat.__version__}")
    commands = parser.add_subparsers(title="commands", dest="command", metavar="COMMAND")
    _add_register(commands)
    _add_publish(commands)
    _add_classifiers(commands)
    _add_info(commands)
    return parser


Commands = argparse._SubParsersAction  # argparse has no public name for what add_subparsers() returns


def _add_register(commands: Commands[argparse.ArgumentParser]) -> None:
    parser = _add(
        commands, "register", "tell an index about a release", REGISTER, f"{CREDENTIALS}\n{REGISTER_EXAMPLES}"
    )
    parser.set_defaults(run="publishing:register")
    parser.add_argument("path", nargs="?", default=".", metavar="PATH", help="folder or file (default: this folder)")
    parser.add_argument("--verify", action="store_true", help="only have it checked; the index keeps nothing")
    parser.add_argument(
        "--no-isolation",
        action="store_true",
        help="build with the packages that are installed here, not in an environment of its own; needs no network",
    )
    _add_index(parser)
    _add_credentials(parser)
    _add_json(parser)


def _add_publish(commands: Commands[argparse.ArgumentParser]) -> None:
    parser = _add(commands, "publish", "send built files to an index", PUBLISH, f"{CREDENTIALS}\n{PUBLISH_EXAMPLES}")
    parser.set_defaults(run="publishing:publish")
    parser.add_argument("files", nargs="+", metavar="FILES", help="wheels and sdists, such as dist/*")
    parser.add_argument("--verify", action="store_true", help="only have them checked; the index keeps nothing")
    _add_index(parser)
    _add_credentials(parser)
    _add_json(parser)


def _add_classifiers(commands: Commands[argparse.ArgumentParser]) -> None:
    parser = _add(commands, "classifiers", "list the classifiers there are", CLASSIFIERS, CLASSIFIERS_EXAMPLES)
    parser.set_defaults(run="discovering:classifiers")
    parser.add_argument("text", nargs="*", metavar="TEXT", help="words that must occur, in upper or lower case")
    _add_index(parser)
    _add_json(parser)


def _add_info(commands: Commands[argparse.ArgumentParser]) -> None:
    parser = _add(commands, "info", "show what an index knows about a project", INFO, INFO_EXAMPLES)
    parser.set_defaults(run="discovering:info")
    parser.add_argument("name", metavar="NAME", help="name of the project")
    parser.add_argument("version", nargs="?", default="", metavar="VERSION", help="a release other than the latest")
    _add_index(parser)
    _add_json(parser)


def _add(
    commands: Commands[argparse.ArgumentParser], name: str, short: str, long: str, epilog: str
) -> argparse.ArgumentParser:
    return commands.add_parser(
        name,
        help=short,
        description=long,
        epilog=epilog,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )


def _add_index(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--index", default="", metavar="URL|NAME", help=INDEX_HELP)


def _add_credentials(parser: argparse.ArgumentParser) -> None:
    # No option takes a secret as its value: other users of the machine can read command lines.
    parser.add_argument("--username", default="", metavar="USER", help="who submits")
    secrets = parser.add_mutually_exclusive_group()
    secrets.add_argument("--password-stdin", action="store_true", help="read the password from standard input")
    secrets.add_argument("--token-stdin", action="store_true", help="read an API token from standard input")


def _add_json(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="answer as one JSON object on standard output")
