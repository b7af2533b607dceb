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
    watching.py      watch
    keyring.py       keys: whom you trust; pinning.py: by what an index lists; vouching.py: for projects of one's own
    origins.py       keys which
    usage/           usage, upload
    completing.py    completion

Exit codes: 0 done; 1 refused, invalid or unreachable; 2 the command was not used as it can be; `verify` has its own.
"""

from __future__ import annotations

import os
import sys
from importlib import import_module

from otumat.cli.console import Console
from otumat.cli.parser import build_parser
from otumat.errors import NotFound, OtumatError

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from otumat.settings import Settings

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
        "keys.place",
        "keyring.none",
        "login.place",
        "path.folder",
        "path.missing",
        "project.none",
        "usage.package",
        "publisher.issuer",
        "script.missing",
    }
)
TRUST_COMMANDS = frozenset({"keygen", "keys", "sign", "verify"})
EXTRAS = {
    "watchdog": "watch",
    "build": "publish",
    "packaging": "publish",
    "pyproject_hooks": "publish",
    "trove_classifiers": "publish",
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    words = sys.argv[1:] if argv is None else argv
    parser = build_parser(words[0] if words else "")
    options = parser.parse_args(words)
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
        code = _run(options, console)
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


def _run(options: argparse.Namespace, console: Console) -> int:
    room, _, name = options.run.partition(":")
    command = getattr(import_module(f"otumat.cli.{room}"), name)
    # What asks no index needs no settings, and is not to fail, or wait, for a file that names some.
    code: int = command(options, console) if options.is_local else command(options, _settings(), console)
    return code


def _settings() -> Settings:
    from pathlib import Path

    from otumat.settings import Settings

    try:
        home = Path.home()
    except RuntimeError:  # a user without one, as in some containers: a place without files
        home = Path(os.devnull)
    return Settings.from_env(os.environ, home)


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
