"""Who asks: flags, then what the settings found, then the keyring, then the person at the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from otumat.cli.console import printable
from otumat.cli.logins import from_keyring
from otumat.errors import Unauthenticated
from otumat.settings import TOKEN_USERNAME, Credentials

if TYPE_CHECKING:
    import argparse

    from otumat.cli.console import Console
    from otumat.settings import Index, Settings

AT_TERMINAL = "the terminal"


def choose(options: argparse.Namespace, settings: Settings, index: Index, console: Console) -> Credentials:
    """
    Find the credentials to write to an index with.

    Errors:
        Unauthenticated: `credentials.missing`, and nobody can be asked.
    """
    return find(options, settings, index, console) or ask(options, settings, index, console)


def find(options: argparse.Namespace, settings: Settings, index: Index, console: Console) -> Credentials | None:
    """What flags, environment, files and keyring say; None when they say nothing, and nobody was asked."""
    warn_of_listeners(index, console)
    return (
        from_stdin(options, settings, index, console)
        or settings.find_credentials(index, username=options.username)
        or from_keyring(index, options.username or settings.find_username(index))
    )


def for_reading(settings: Settings, index: Index) -> Credentials | None:
    """Credentials that show private projects, if they are at hand and cannot be overheard; nobody is asked."""
    return settings.find_credentials(index) if index.is_private_line else None


def from_stdin(options: argparse.Namespace, settings: Settings, index: Index, console: Console) -> Credentials | None:
    """What standard input says, if a flag points there."""
    if not (options.token_stdin or options.password_stdin):
        return None
    flag = "--token-stdin" if options.token_stdin else "--password-stdin"
    username = TOKEN_USERNAME if options.token_stdin else options.username or settings.find_username(index)
    if not username:
        raise Unauthenticated(
            "--password-stdin needs a user name.", code="credentials.missing", hint="Add --username USER."
        )
    secret = console.read_secret()
    if not secret:
        raise Unauthenticated(f"{flag} found standard input empty.", code="credentials.missing")
    return Credentials(username, secret, flag)


def ask(options: argparse.Namespace, settings: Settings, index: Index, console: Console) -> Credentials:
    """Ask the person at the terminal for whatever is not known yet."""
    if not console.is_interactive:
        raise Unauthenticated(
            f"There are no credentials for {index.url}, and {nobody(console)}.",
            code="credentials.missing",
            hint="Set OTUMAT_TOKEN, or OTUMAT_USERNAME and OTUMAT_PASSWORD, or use --token-stdin or "
            "--username USER --password-stdin. Without an account: otumat register --new-user.",
        )
    username = options.username or settings.find_username(index) or console.ask(f"User name at {index.url}: ")
    password = console.ask_secret(f"Password of {printable(username)}: ") if username else ""
    if not (username and password):
        raise Unauthenticated("Without a user name and a password nothing is sent.", code="credentials.missing")
    return Credentials(username, password, AT_TERMINAL)


def nobody(console: Console) -> str:
    """Why nobody can be asked."""
    return "there is no terminal to ask at" if console.may_ask else "--no-input forbids to ask"


def warn_of_listeners(index: Index, console: Console) -> None:
    """Say so when a password can be overheard on its way."""
    if not index.is_private_line:
        console.note(f"Warning: the password travels to {index.url} unencrypted. Use https:// if the index offers it.")
