"""`otumat usage on`, `local`, `off` and `erase`."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

from otumat.cli.console import printable
from otumat.cli.usage.telling import done, folder_of, in_state_folder
from otumat.errors import Conflict, NotFound, OtumatError, Unreachable
from otumat.spec.consent import LOCAL, ON
from otumat.spec.manifest import is_host
from otumat.usage import answers, batches, changing, denials, due, held, manifests, service, state, tombstones
from otumat.usage.asking import terms
from otumat.usage.enrol import enrol
from otumat.usage.hosts import usage_transport
from otumat.usage.releases import installed_release
from otumat.usage.tokens import path_of
from otumat.usage.tokens import read as read_credential

if TYPE_CHECKING:
    import argparse

    from otumat.cli.console import Console
    from otumat.settings import Settings
    from otumat.usage.answers import Answer
    from otumat.usage.manifests import Found

SOURCE = "otumat usage"


@in_state_folder
def turn_on(options: argparse.Namespace, settings: Settings, console: Console) -> int:
    """Store the yes, and enrol."""
    folder, found = folder_of(options.package), manifests.find(options.package)
    host = (options.host or (found.manifest.host if found.manifest else "") or answers.read(folder).host).rstrip("/")
    _check_may_turn_on(options.package, found, host)
    account = found.manifest.account if found.manifest else "required"
    text = "\n  ".join([f"{options.package} may tell {host} how it is used.", *terms(found)])
    console.note(printable(text, keep_lines=True))
    before = answers.read(folder)
    changing.turn(folder, ON, package=options.package, found=found, source=SOURCE, host=host, account=account)
    if options.host and found.manifest and found.manifest.host not in ("", host):
        changing.decline_host(folder, found, found.manifest.host)  # the user has chosen: no question about it
    if _must_enrol(folder):
        tombstones.bury(folder)  # one that has ended; what proves it is kept
    tombstones.tell(folder, over=usage_transport())
    if before.level != ON or before.host != host:
        due.begin(folder)
    if before.level != ON or before.host != host or options.way or _must_enrol(folder):
        _enrol_unless_denied(options, folder, console, before)
    if options.service:
        service.install_service(options.package)
    done(options.package, console)
    if not console.as_json and _holds(options.package)[0] == ON and not service.installed(options.package):
        console.note(f"To have it sent at log-in, too: otumat usage service {options.package}")
    return 0


@in_state_folder
def turn_local(options: argparse.Namespace, settings: Settings, console: Console) -> int:
    """Count, but only here."""
    folder, found = folder_of(options.package), manifests.find(options.package)
    _check_not_broken(found)
    changing.turn(folder, LOCAL, package=options.package, found=found, source=SOURCE)
    _tell_hosts(folder, console)
    return done(options.package, console)


@in_state_folder
def turn_off(options: argparse.Namespace, settings: Settings, console: Console) -> int:
    """The no that wins over everything."""
    names = state.packages() if options.all else [options.package]
    if not names or not all(names):
        raise NotFound("Which package?", code="usage.package", hint="Name it, or give --all.")
    for name in names:
        changing.withdraw(folder_of(name), source=SOURCE)
        service.remove_service(name)
        _tell_hosts(folder_of(name), console)
    return done(names[0], console) if len(names) == 1 else 0


@in_state_folder
def erase(options: argparse.Namespace, settings: Settings, console: Console) -> int:
    """Deleted there, with a receipt, then here. Without an answer from there nothing is changed."""
    folder = folder_of(options.package)
    known = read_credential(path_of(folder))
    if known is not None and known.copy and not options.image:
        hint = f"'otumat usage off {options.package}' stops this copy. 'erase --image' erases what all of them told."
        raise Conflict(
            "This is a copy of an image: what its copies told is one at the host.", code="usage.copy", hint=hint
        )
    receipts, troubles = _erase_there(options.package, folder)
    changing.withdraw(folder, source=SOURCE)
    service.remove_service(options.package)
    _tell_hosts(folder, console)
    for each in batches.sent(folder):
        held.remove(each.path)
    if console.as_json:
        newest, *more = receipts or [{}]
        told = {"receipt": newest, "more_receipts": more, "is_erased_there": bool(receipts), "troubles": troubles}
        console.show_json({"package": options.package, **told})
        return 0
    there = " and at the host, which signed this receipt:" if receipts else "."
    console.note(f"Erased here{there if receipts or troubles else '; no host has anything of it.'}")
    for receipt in receipts:
        console.show(json.dumps(receipt, indent=2))
    for trouble in troubles:
        console.note(printable(trouble))
    return 0


def _erase_there(package: str, folder: str) -> tuple[list[dict[str, Any]], list[str]]:
    """Erase every install that can be proved, newest first: the receipts, and why what could not be erased."""
    receipts, troubles = [], []
    current = path_of(folder)
    files = [*tombstones.left(folder), *tombstones.buried(folder), *([current] if os.path.exists(current) else [])]
    for file in reversed(files):
        try:
            receipts.append(tombstones.erase(file, over=usage_transport()))
        except Conflict as exc:
            troubles.append(f"{exc.message} {exc.hint}")
        except Unreachable as exc:
            exc.hint = f"Try again. 'otumat usage off {package}' stops everything at once."
            raise
    return [receipt for receipt in receipts if "receipt" in receipt], troubles


def _check_may_turn_on(package: str, found: Found, host: str) -> None:
    _check_not_broken(found)
    if not is_host(host):
        is_there = found.manifest is not None or installed_release(package)
        nameless = f"{package} names no host." if is_there else f"There is no {package} here that names a host."
        raise NotFound(
            f"{host} is no address for uses." if host else nameless,
            code="usage.host",
            hint="Give one with --host https://…",
        )


def _check_not_broken(found: Found) -> None:
    if found.broken:
        raise Conflict("The package's usage manifest cannot be read.", code="usage.manifest", hint="Tell its authors.")


def _must_enrol(folder: str) -> bool:
    credential = read_credential(path_of(folder))
    return credential is None or bool(credential.ended)


def _holds(package: str) -> tuple[str, str]:
    """The level that a yes comes to here and now, and who decided."""
    return denials.effective(package, ON)


def _enrol_unless_denied(options: argparse.Namespace, folder: str, console: Console, before: Answer) -> None:
    """Any deny wins over the yes: it is stored, and nothing is made at the host meanwhile."""
    level, source = _holds(options.package)
    if level != ON:
        host = answers.read(folder).host
        console.note(
            f"{host} is told nothing while {source} says {level}. After that: otumat usage on {options.package}"
        )
        return
    _enrol(options, folder, console, before)
    if due.read(folder).get("trouble"):
        due.begin(folder)  # it was that there was nobody to send as


def _enrol(options: argparse.Namespace, folder: str, console: Console, before: Answer) -> None:
    """Get a credential. A yes that is not finished elsewhere is none; one that found no network is kept."""
    package = options.package
    try:
        enrol(
            folder,
            way=options.way,
            release=installed_release(package),
            config={},
            tell=lambda text: console.note(printable(text)),
            timeout_s=options.timeout,
            over=usage_transport(),
        )
    except KeyboardInterrupt:
        _put_back(folder, before)
        raise
    except OtumatError as exc:
        if exc.code == "enrol.denied":
            changing.withdraw(folder, source="the page in the browser")
            exc.hint = f"{package} is off: nothing is told."
        elif exc.code == "enrol.timeout":
            _put_back(folder, before)
            exc.hint = f"{package} is {answers.read(folder).level}, as before."
        elif isinstance(exc, Unreachable):
            exc.hint = f"{exc.hint} Your yes is kept: {_what_follows(package, answers.read(folder))}".lstrip()
        raise


def _put_back(folder: str, before: Answer) -> None:
    if before.level != ON:
        changing.put_back(folder, before)


def _what_follows(package: str, answer: Answer) -> str:
    if answer.account == "required":
        return f"nothing leaves until you go on with it, by 'otumat usage on {package}'."
    return f"it is tried again by itself. To undo it: otumat usage off {package}"


def _tell_hosts(folder: str, console: Console) -> None:
    unreached = tombstones.tell(folder, over=usage_transport(silence_s=3, total_s=10))
    for host in unreached:
        console.note(f"{host} cannot be reached; the next 'otumat usage' command or round tells it that this is over.")
