"""A login that is kept on this machine: in the system's keyring, or in the file `~/.pythonpackagerc`."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from otumat.errors import NotFound, OtumatError
from otumat.settings import Credentials
from otumat.settings.files import OUR_FILE, forget_login, save_login

if TYPE_CHECKING:
    import argparse

    from otumat.cli.console import Console
    from otumat.settings import Index, Settings

KEYRING, FILE = "keyring", "file"
WORDS = {KEYRING: "the system's keyring", FILE: f"~/{OUR_FILE} (readable by you alone)"}


def check_place(options: argparse.Namespace) -> None:
    """Refuse to begin (`keyring.none`) if a login is to be kept where nothing can be."""
    if options.save == KEYRING and not has_keyring():
        raise NotFound(
            "There is no keyring on this system that the package keyring can use.",
            code="keyring.none",
            hint="Use --save file.",
        )


def choose_place(options: argparse.Namespace, console: Console, question: str) -> str:
    """
    Where a login is to be kept: `keyring`, `file`, or nowhere, which is empty.

    Args:
        options: `save` is `keyring`, `file`, `yes` (the keyring if there is one, else the file), `no`, or empty: then
            the person is asked, and without one the answer is no.
        question: With `{place}` in it.
    """
    if options.save:
        return {"no": "", "yes": _best_place(), FILE: FILE, KEYRING: KEYRING}[options.save]
    if not console.is_interactive:
        return ""
    place = _best_place()
    return place if console.ask_yes(question.format(place=WORDS[place])) else ""


def keep(login: Credentials, index: Index, settings: Settings, place: str) -> None:
    """
    Keep a login, in place of one that is kept there already.

    Errors:
        OtumatError: `settings.write` or `keyring.failed`; then nothing is kept.
    """
    if settings.home is None:
        raise OtumatError("There is no home folder to keep a login in.", code="settings.write")
    if place == FILE:
        save_login(settings.home, index, username=login.username, password=login.password)
        return
    import keyring

    try:
        keyring.set_password(index.url, login.username, login.password)
    except Exception as exc:
        raise OtumatError(f"The keyring refuses: {exc}.", code="keyring.failed", hint="Use --save file.") from exc
    forget_login(settings.home, index)  # an older one there would be found first
    found = from_keyring(index, "")
    if found is None or found.username != login.username:
        # Some systems' keyrings can only be asked with the user name, so that has to stand somewhere.
        save_login(settings.home, index, username=login.username, password="")


def kept(settings: Settings, index: Index) -> list[tuple[str, Credentials]]:
    """What `keep` has kept for this index, with its place."""
    found = [
        (FILE, Credentials(known.username, known.password, known.source))
        for known in settings.indexes
        if known.url == index.url and known.password and known.source.endswith(f"~/{OUR_FILE}")
    ]
    in_keyring = from_keyring(index, settings.find_username(index), others=False)
    return found + ([(KEYRING, in_keyring)] if in_keyring else [])


def forget(place: str, login: Credentials, index: Index, settings: Settings) -> None:
    """Delete what `keep` has kept."""
    if place == KEYRING:
        import keyring

        try:
            keyring.delete_password(index.url, login.username)
        except Exception as exc:
            raise OtumatError(f"The keyring refuses: {exc}.", code="keyring.failed") from exc
    if settings.home is not None:
        forget_login(settings.home, index)


def from_keyring(index: Index, username: str, *, others: bool = True) -> Credentials | None:
    """
    Ask the keyring. Ours are kept under the index's address; other clients keep theirs under that of its upload page.

    Args:
        others: Also look for those of other clients.
    """
    try:
        import keyring
    except ImportError:
        return None
    for service in (index.url, f"{index.url}/legacy/") if others else (index.url,):
        try:
            found = keyring.get_credential(service, username or None)
        except Exception:  # noqa: BLE001 - back ends raise what they like; a broken keyring only means to ask instead
            return None
        if found is not None and found.password and username in ("", found.username):
            return Credentials(found.username, found.password, "keyring")
    return None


def has_keyring() -> bool:
    """Whether there is a keyring that keeps something: back ends that cannot have no priority above zero."""
    with suppress(Exception):  # back ends raise what they like, and the package may be absent
        import keyring

        return bool(keyring.get_keyring().priority > 0)
    return False


def _best_place() -> str:
    return KEYRING if has_keyring() else FILE
