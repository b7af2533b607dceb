"""`otumat register`, the draft's command: log in and submit, register as a new packager, or send a reminder."""

from __future__ import annotations

from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

from otumat.cli import credentials, logins
from otumat.cli.connection import transport, who
from otumat.cli.console import GREEN, printable, size_text
from otumat.cli.newcomers import become_user, remind
from otumat.errors import Invalid, OtumatError
from otumat.publish import project
from otumat.publish import register as registering
from otumat.spec import metadata as core_metadata

if TYPE_CHECKING:
    import argparse

    from otumat.cli.console import Console
    from otumat.publish.reply import Receipt
    from otumat.settings import Credentials, Index, Settings
    from otumat.spec.metadata import Metadata

DONE, STOPPED = 0, 130
DONE_WORDS = {"created": "Created", "updated": "Updated", "verified": "Verified", "accepted": "Sent"}
MENU = """\
There are no credentials for {url}. Choose:
  1. log in and submit the package information
  2. register as a new packager
  3. send a password reminder
  0. quit"""


def register(options: argparse.Namespace, settings: Settings, console: Console) -> int:
    """Read the metadata, find out who asks (who may have to become somebody first), send it, tell the answer."""
    index = settings.find_index(options.index)
    if options.remind:
        return _remind(options.remind, index, console)
    logins.check_place(options)
    metadata = _metadata(options, console)
    if options.new_user:
        by = become_user(options, settings, index, console, transport())
    else:
        chosen = _choose(options, settings, index, console)
        if isinstance(chosen, int):
            return chosen
        by = chosen
    if metadata is None:
        _tell_account(by, index, console)
    else:
        console.note(f"{'Verifying at' if options.verify else 'Submitting to'} {index.url} {who(by)}...")
        receipt = registering.submit(metadata, to=index, by=by, over=transport(), verify=options.verify)
        _tell_receipt(receipt, index, metadata, console)
    _offer_to_keep(by, options, settings, index, console)
    return DONE


def _metadata(options: argparse.Namespace, console: Console) -> Metadata | None:
    """What is to be submitted, read and shown; None for a new user who has no project here yet."""
    try:
        data = project.read_metadata(Path(options.path or "."), isolated=not options.no_isolation, tell=console.note)
    except OtumatError as exc:
        if options.new_user and not options.path and exc.code == "project.none":
            return None
        raise
    metadata, problems = core_metadata.from_bytes(data)
    if any(problem.severity == "error" for problem in problems):
        raise Invalid(problems, message=f"The metadata of {options.path or '.'} cannot be read.")
    console.tell_problems(problems)
    if not console.as_json:
        _show_metadata(metadata, console)
    return metadata


def _choose(options: argparse.Namespace, settings: Settings, index: Index, console: Console) -> Credentials | int:
    """The credentials to submit with, or the exit code if that is not what the person wants."""
    if found := credentials.find(options, settings, index, console):
        return found
    if options.username or settings.find_username(index) or not console.is_interactive:
        return credentials.ask(options, settings, index, console)
    console.note(MENU.format(url=index.url))
    while True:
        match console.ask("Your choice [1]: ").lower():
            case "" | "1":
                return credentials.ask(options, settings, index, console)
            case "2":
                return become_user(options, settings, index, console, transport())
            case "3":
                if name := console.ask("Login or address of mail: "):
                    return _remind(name, index, console)
            case "0" | "q":
                console.note("Nothing was sent.")
                return STOPPED
            case other:
                console.note(f"{printable(other)!r} is no choice; type 1, 2, 3 or 0.")


def _remind(name_or_email: str, index: Index, console: Console) -> int:
    remind(name_or_email, index, console, transport())
    if console.as_json:
        console.show_json({"ok": True, "action": "reminded", "index": index.url})
    return DONE


def _offer_to_keep(
    by: Credentials, options: argparse.Namespace, settings: Settings, index: Index, console: Console
) -> None:
    """The draft: at exit, the user is asked whether to keep user name and password for the next time."""
    if not options.save and by.source != credentials.AT_TERMINAL:
        return
    place = logins.choose_place(options, console, f"Keep the login of {printable(by.username)} in {{place}}?")
    if place:
        logins.keep(by, index, settings, place)
        console.note(f"Kept in {logins.WORDS[place]}; 'otumat logout' forgets it.")


def _tell_account(by: Credentials, index: Index, console: Console) -> None:
    if console.as_json:
        console.show_json({"ok": True, "action": "registered", "name": by.username, "index": index.url})
    else:
        console.show(f"{console.style('Registered', GREEN)}: {printable(by.username)} at {index.url}.")
    console.note("There is no project in this folder, so nothing was submitted.")


def _show_metadata(metadata: Metadata, console: Console) -> None:
    """The fields in the form's own words, one line a value; a long description by its size."""
    pairs = core_metadata.to_form(metadata)
    rows = [(name, [value for _, value in group]) for name, group in groupby(pairs, key=lambda pair: pair[0])]
    console.show_table((name, [_shortened(name, value) for value in values]) for name, values in rows)


def _shortened(name: str, value: str) -> str:
    if name == "description":
        lines = len(value.splitlines())
        return f"{lines} line{'s' if lines != 1 else ''}, {size_text(len(value.encode()))}"
    first, _, more = value.partition("\n")
    return f"{first} ..." if more.strip() else first


def _tell_receipt(receipt: Receipt, index: Index, metadata: Metadata, console: Console) -> None:
    release = f"{receipt.name or metadata.name} {receipt.version or metadata.version}"
    if console.as_json:
        answer = {
            "ok": True,
            "action": receipt.action,
            "name": receipt.name or metadata.name,
            "version": receipt.version or metadata.version,
            "url": receipt.url,
        }
        console.show_json({**answer, "index": index.url, "problems": [each.as_dict() for each in receipt.problems]})
        return
    console.tell_problems(receipt.problems)
    done = DONE_WORDS.get(receipt.action, "Sent")
    end = "holds; nothing was kept." if receipt.action == "verified" else f"at {index.url}."
    console.show(f"{console.style(done, GREEN)}: {printable(release)} {end}")
    if receipt.url:
        console.show(printable(receipt.url))
