"""Who asks: flags, then what the settings found, then the keyring, then the person at the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from otumat.errors import Unauthenticated
from otumat.settings import TOKEN_USERNAME, Credentials

if TYPE_CHECKING:
    import argparse

    from otumat.cli.console import Console
    from otumat.settings import Index, Settings


def choose(options: argparse.Namespace, settings: Settings, index: Index, console: Console) -> Credentials:
    """
    Find the credentials to write to an index with.

    Errors:
        Unauthenticated: `credentials.missing`, and nobody can be asked.
    """
    found = (
        _from_stdin(options, settings, index, console)
        or settings.find_credentials(index, username=options.username)
        or _from_keyring(index, options.username or settings.find_username(index))
        or _from_person(options, settings, index, console)
    )
    if not index.is_private_line:
        console.note(f"Warning: the password travels to {index.url} unencrypted. Use https:// if the index offers it.")
    return found


def for_reading(settings: Settings, index: Index) -> Credentials | None:
    """Credentials that show private projects, if they are at hand and cannot be overheard; nobody is asked."""
    return settings.find_credentials(index) if index.is_private_line else None


def _from_stdin(options: argparse.Namespace, settings: Settings, index: Index, console: Console) -> Credentials | None:
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


def _from_keyring(index: Index, username: str) -> Credentials | None:
    """Ours are kept under the index's address; other clients keep theirs under the address of its upload page."""
    try:
        import keyring
    except ImportError:
        return None
    for service in (index.url, f"{index.url}/legacy/"):
        try:
            found = keyring.get_credential(service, username or None)
        except Exception:  # noqa: BLE001 - back ends raise what they like; a broken keyring only means to ask instead
            return None
        if found is not None and found.password and username in ("", found.username):
            return Credentials(found.username, found.password, "keyring")
    return None


def _from_person(options: argparse.Namespace, settings: Settings, index: Index, console: Console) -> Credentials:
    if not console.is_interactive:
        raise Unauthenticated(
            f"There are no credentials for {index.url}, and no terminal to ask at.",
            code="credentials.missing",
            hint="Set OTUMAT_TOKEN, or OTUMAT_USERNAME and OTUMAT_PASSWORD, or use --token-stdin or "
            "--username USER --password-stdin.",
        )
    username = options.username or settings.find_username(index) or console.ask(f"User name at {index.url}: ")
    password = console.ask_secret(f"Password of {username}: ") if username else ""
    if not (username and password):
        raise Unauthenticated("Without a user name and a password nothing is sent.", code="credentials.missing")
    return Credentials(username, password, "the terminal")
