"""What the commands' parsers have in common."""

from __future__ import annotations

import argparse
import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

INDEX_HELP = "address of the index, or its name in ~/.pypirc (default: the environment variable OTUMAT_INDEX)"

_USUAL_COLUMNS = 80

CREDENTIALS = """\
credentials, the first that is found:
  --token-stdin, or --username and --password-stdin
  OTUMAT_TOKEN, or OTUMAT_USERNAME and OTUMAT_PASSWORD (also TWINE_USERNAME and TWINE_PASSWORD)
  the address of the index (https://alice:...@index.example.org)
  ~/.pythonpackagerc or ~/.pypirc, for the index they stand beside
  the system's keyring, if the package keyring is installed
  you, at a terminal
"""


class Help(argparse.RawDescriptionHelpFormatter):
    """
    As wide as the terminal. argparse makes one for each argument, to try its metavar out, and would have `shutil` ask
    the terminal each time.
    """

    def __init__(self, prog: str) -> None:
        super().__init__(prog, width=_columns() - 2)


def _columns() -> int:
    told = os.environ.get("COLUMNS", "")
    if told.isdecimal() and int(told):
        return int(told)
    try:
        return os.get_terminal_size(sys.__stdout__.fileno()).columns or _USUAL_COLUMNS  # type: ignore[union-attr]
    except (AttributeError, ValueError, OSError):
        return _USUAL_COLUMNS


class Commands:
    """The commands of one parser. The first level is shown in groups, by the overview; argparse can only list."""

    def __init__(self, parser: argparse.ArgumentParser, *, prog: str) -> None:
        self.shorts: dict[str, str] = {}
        self._actions = parser.add_subparsers(prog=prog, dest="command", metavar="COMMAND", help=argparse.SUPPRESS)

    def add(self, name: str, short: str, long: str, epilog: str) -> argparse.ArgumentParser:
        self.shorts[name] = short
        return self._actions.add_parser(name, **_style(long, epilog))


class Actions:
    """What can be done with one kind of thing: `otumat token list`, `otumat token create`."""

    def __init__(self, parser: argparse.ArgumentParser) -> None:
        self._actions = parser.add_subparsers(title="actions", dest="what", metavar="ACTION", required=True)

    def add(self, name: str, short: str, epilog: str) -> argparse.ArgumentParser:
        return self._actions.add_parser(name, help=short, **_style(f"{short[:1].upper()}{short[1:]}.", epilog))


def add_index(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--index", default="", metavar="URL|NAME", help=INDEX_HELP)


def add_credentials(parser: argparse.ArgumentParser) -> None:
    # No option takes a secret as its value: other users of the machine can read command lines.
    parser.add_argument("--username", default="", metavar="USER", help="who asks")
    secrets = parser.add_mutually_exclusive_group()
    secrets.add_argument("--password-stdin", action="store_true", help="read the password from standard input")
    secrets.add_argument("--token-stdin", action="store_true", help="read an API token from standard input")
    parser.add_argument("--no-input", action="store_true", help="never ask; fail when something is missing")


def add_save(parser: argparse.ArgumentParser, what: str) -> None:
    parser.add_argument(
        "--save",
        default="",
        choices=["keyring", "file", "yes", "no"],
        help=f"keep {what} in the system's keyring, in ~/.pythonpackagerc (file), in the first of the two that there "
        "is (yes), or not at all (default: you are asked)",
    )


def add_json(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="answer as one JSON object on standard output")


def add_policy(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--policy", default="", metavar="FILE", help="the policy (default: OTUMAT_POLICY, or your own)")


def natural(text: str) -> int:
    """A whole number, 0 or more."""
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number from 0 on")
    return int(text)


def add_common(parser: argparse.ArgumentParser) -> None:
    """What every command takes that asks an index as somebody."""
    add_index(parser)
    add_credentials(parser)
    add_json(parser)


def days(text: str) -> int:
    """A whole number of days, up to a hundred years."""
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:9]) <= 36_500):
        raise argparse.ArgumentTypeError(f"{text!r} is no number of days from 1 to 36500")
    return int(text)


def seconds(text: str) -> float:
    """A number of seconds, up to a week."""
    try:
        value = float(text)
    except ValueError:
        value = -1
    if not 0 <= value <= 604_800:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of seconds from 0 to 604800")
    return value


def _style(long: str, epilog: str) -> dict[str, Any]:
    return {
        "description": long,
        "epilog": epilog,
        "formatter_class": Help,
        "allow_abbrev": False,
    }
