"""`otumat usage status`, `show`, `sent` and `export`."""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING, Any

from otumat.cli.console import printable
from otumat.cli.usage.telling import folder_of, in_state_folder, several, show_state, ways_on
from otumat.errors import NotFound
from otumat.spec.consent import ON
from otumat.usage import answers, batches, due, manifests, outbox, state, tombstones
from otumat.usage.asking import described_whole
from otumat.usage.files import locked
from otumat.usage.hosts import usage_transport
from otumat.usage.releases import is_here
from otumat.usage.sender import body_headers
from otumat.usage.tokens import json_of, path_of
from otumat.usage.tokens import read as read_credential

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from otumat.cli.console import Console
    from otumat.settings import Settings


@in_state_folder
def status(options: argparse.Namespace, settings: Settings, console: Console) -> int:
    """Every package, or one."""
    names = [options.package] if options.package else state.packages()
    told = [state.describe(name) for name in names]
    if console.as_json:
        console.show_json({"packages": told})
        return 0
    if not told:
        console.note("No package has asked here, and nothing is recorded.")
    for each in told:
        show_state(each, console)
    return 0


@in_state_folder
def show(options: argparse.Namespace, settings: Settings, console: Console) -> int:
    """What would leave, and nothing else on standard output."""
    folder = folder_of(options.package)
    answer, credential = answers.read(folder), read_credential(path_of(folder))
    if answer.level != ON or credential is None:
        return _show_not_enrolled(options.package, folder, console)
    with locked(os.path.join(folder, "sender.lock"), wait_s=60):
        waiting = outbox.freeze(folder, answer, credential.install, dialect=credential.dialect, copy=credential.copy)
    if console.as_json:
        batches = [
            {"url": credential.endpoints["event"], "headers": body_headers(each), **_batch(each)} for each in waiting
        ]
        console.show_json({"package": options.package, "batches": batches})
        return 0
    if not waiting:
        console.note(f"Nothing waits to be sent. What was sent: otumat usage sent {options.package}")
        return 0
    at, requests = due.read(folder).get("due", ""), several(len(waiting), "request")
    console.note(
        f"{credential.ended} {ways_on(options.package)}"
        if credential.ended
        else f"{requests} would go to {credential.endpoints['event']}{at and ', at ' + at}, compressed, with the "
        f"install's token. To stop it: otumat usage off {options.package}"
    )
    for each in waiting:
        _show_body(each.body, credential.dialect, console)
    return 0


@in_state_folder
def sent(options: argparse.Namespace, settings: Settings, console: Console) -> int:
    """What left."""
    found = batches.sent(folder_of(options.package))
    if console.as_json:
        told = [{**_batch(each), "sent": each.note["sent"], "answer": each.note["answer"]} for each in found]
        console.show_json({"package": options.package, "batches": told})
        return 0
    if not found:
        console.note("Nothing was sent, or it is not kept any more.")
    else:
        console.note(f"Taken by the host; the last {batches.SENT_MAX} requests are kept here:")
    for each in found:
        console.note(f"{each.note['sent']}  sha256 {each.sha256}")
        _show_body(each.body, each.note.get("dialect", ""), console)
    return 0


@in_state_folder
def export(options: argparse.Namespace, settings: Settings, console: Console) -> int:
    """Everything that is kept, here and there."""
    folder = folder_of(options.package)
    there: dict[str, Any] = {}
    known = read_credential(path_of(folder))
    if known is not None and known.dialect == "1.0" and not known.copy:
        there = json_of(tombstones.ask(path_of(folder), "GET", over=usage_transport()))
    here = {
        "state": state.describe(options.package),
        "held": [{"at": at, "event": event} for at, event in state.logged(folder)],
        "waiting": [_batch(each) for each in batches.waiting(folder)],
        "sent": [_batch(each) for each in batches.sent(folder)],
    }
    console.show_json({"package": options.package, "here": here, "at_the_host": there})
    return 0


def _show_not_enrolled(package: str, folder: str, console: Console) -> int:
    told = state.describe(package)
    body = outbox.preview(folder, answers.read(folder)) if told["level"] == ON else b""
    found = manifests.find(package)
    if not (os.path.exists(folder) or found.manifest or is_here(package)):
        hint = "Ask where it is installed. What is known here: otumat usage status"
        raise NotFound(f"There is no {package} here, and nothing of it.", code="usage.none", hint=hint)
    if console.as_json:
        console.show_json({"package": package, "level": told["level"], "batches": [], "preview": body.decode()})
        return 0
    if body:
        first = f" It enrols with the first counts, at {told['next_round']}." if told["next_round"] else ""
        if answers.read(folder).account == "required":
            first = f" To go on with that: otumat usage on {package}."
        told_so_far = f"{package} is on, and nothing has left yet: this machine is not enrolled."
        console.note(f"{told_so_far}{first} The counts would say:")
        _show_body(body, "1.0", console)
        return 0
    console.note(f"Nothing leaves: {package} is {told['level']}.")
    if told["held"]:
        console.note(f"Held on this machine: {', '.join(f'{name} {times}' for name, times in told['held'].items())}")
    if found.manifest is not None:
        console.note("With 'on' it would be counts per day of:")
        for line in described_whole(found.manifest.events):
            console.note(printable(line))
    return 0


def _batch(frozen: batches.Frozen) -> dict[str, Any]:
    return {"batch": frozen.batch, "sha256": frozen.sha256, "body": frozen.body.decode()}


def _show_body(body: bytes, dialect: str, console: Console) -> None:
    """The exact bytes, so that they can be counted and hashed; at a terminal also what they say."""
    if sys.stdout.isatty():
        for line in _rows(body) if dialect == "1.0" else ():
            console.note(printable(line))
        console.note("byte for byte:")
        body += b"\n"
    sys.stdout.flush()
    sys.stdout.buffer.write(body)
    sys.stdout.buffer.flush()


def _rows(body: bytes) -> Iterator[str]:
    for group in json.loads(body)["uses"]:
        where = [group["release"], group["python"] and f"Python {group['python']}", group["system"], group["machine"]]
        yield f"  {', '.join(filter(None, [*where, group['ci'] and 'in CI']))}"
        for day, name, properties, times in group["rows"]:
            words = [name, *(f"{key}={value}" for key, value in properties.items())]
            yield f"    {day}  {' '.join(words)}: {times}"
