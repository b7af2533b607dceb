"""
The command `otumat`: words in, words out. The only place of the client that prints, asks or ends the process.

    parser/          the commands, their options and their help
    console.py       how things are shown: colours, tables, problems, JSON
    progress.py      how far an upload has come
    connection.py    how a command comes to talk to an index
    credentials.py   who asks: flags, environment, files, keyring, the person at the terminal
    logins.py        a login that is kept on this machine
    registering.py   register; newcomers.py makes accounts for it, waiting.py waits for the mail to be read
    publishing.py    publish
    searching.py     search, browse
    discovering.py   classifiers, info
    accounts.py      login, logout, token
    notifications.py notifications
    people.py        role, invite, invitations
    groups.py        group
    publishers.py    publisher
    webhooks.py      webhook
    recording.py     yank, journal
    trusting.py      keygen, sign
    verifying.py     verify
    keyring.py       keys
    usage/           usage, upload
    completing.py    completion

Exit codes: 0 done; 1 refused, invalid or unreachable; 2 the command was not used as it can be; `verify` has its own.
"""

from __future__ import annotations

import os
import sys
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from otumat.cli.console import Console
from otumat.cli.parser import build_parser
from otumat.errors import NotFound, OtumatError
from otumat.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Sequence

DONE, FAILED, MISUSED, INTERRUPTED = 0, 1, 2, 130

USAGE_CODES = frozenset(
    {
        "agent.key",
        "agent.none",
        "credentials.missing",
        "extra.missing",
        "group.confirm",
        "index.unknown",
        "index.unset",
        "index.url",
        "invitation.id",
        "key.missing",
        "key.scheme",
        "keyring.none",
        "login.place",
        "path.folder",
        "path.missing",
        "project.none",
        "usage.package",
        "publisher.issuer",
    }
)
TRUST_COMMANDS = frozenset({"keygen", "keys", "sign", "verify"})
EXTRAS = {"build": "publish", "packaging": "publish", "pyproject_hooks": "publish", "trove_classifiers": "publish"}


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    parser = build_parser()
    options = parser.parse_args(argv)
    console = Console(
        sys.stdin,
        sys.stdout,
        sys.stderr,
        environ=os.environ,
        as_json=getattr(options, "json", False),
        may_ask=not getattr(options, "no_input", False),
    )
    if not options.command:
        parser.print_help(sys.stderr)
        return MISUSED
    try:
        settings = Settings.from_env(os.environ, _home())
        room, _, name = options.run.partition(":")
        code: int = getattr(import_module(f"otumat.cli.{room}"), name)(options, settings, console)
        sys.stdout.flush()
    except OtumatError as exc:
        return fail(console, exc)
    except ModuleNotFoundError as exc:
        return fail(console, _missing_extra(options.command, exc))
    except BrokenPipeError:
        # Whoever reads has enough (`otumat classifiers | head`); Python would complain while closing stdout.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE
    except KeyboardInterrupt:
        console.note("Stopped.")
        return INTERRUPTED
    return code


def fail(console: Console, exc: OtumatError) -> int:
    """Tell an error and return the exit code that goes with it."""
    console.tell_error(exc)
    return MISUSED if exc.code in USAGE_CODES else FAILED


def _home() -> Path:
    """The user's home folder; a place without files for a user without one, as in some containers."""
    try:
        return Path.home()
    except RuntimeError:
        return Path(os.devnull)


def _missing_extra(command: str, exc: ModuleNotFoundError) -> OtumatError:
    """Our own packages that are optional get a sentence; any other missing module is a fault to be seen as such."""
    package = (exc.name or "").partition(".")[0]
    if package not in EXTRAS:
        raise exc
    extra = "trust" if command in TRUST_COMMANDS else EXTRAS[package]
    return NotFound(
        f"'otumat {command}' needs the package {package.replace('_', '-')}, which is not installed.",
        code="extra.missing",
        hint=f"Install it with: pip install 'otumat[{extra}]'",
    )
