"""`otumat keys add|rotate|revoke --project`: the keys that an index lists for projects of one's own."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

from otumat.cli import keyring, trusting
from otumat.cli.connection import connect, transport
from otumat.cli.console import YELLOW, printable
from otumat.errors import NotFound
from otumat.publish import keys
from otumat.spec.key_list import composed_addition, read_change
from otumat.spec.names import normalize
from otumat.spec.statement import strict_json
from otumat.spec.vouching.keyring import KeyRecord
from otumat.trust.fetching import checked_list, fetch_list, moment
from otumat.trust.signing.found import find_signer

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from otumat.cli.console import Console
    from otumat.publish.api import Api
    from otumat.settings import Settings
    from otumat.spec.key_list import KeyList
    from otumat.trust.signing import Signer


def add(options: argparse.Namespace, settings: Settings, console: Console) -> int:
    """Let a key sign for projects; signed by an old key where one is named."""
    keyring.check_apart(options, "expires", "policy")
    record = KeyRecord(keyring.read_public(options.file), role=options.role, note=options.note)
    signers = _signers(options.sign_with, console)
    api = connect(options, settings, console)
    told = []
    for name in options.at:
        listed = _listed(api, name)
        told.append(_add(api, name, record, signers, replaces="", listed=listed))
        if listed.records and not signers:
            _unproven(console)
    return _done(options, console, f"{record.public.id} may sign for {{}} now.", told)


def rotate(options: argparse.Namespace, settings: Settings, console: Console) -> int:
    """Put a key in the place of another, which signs that."""
    public = keyring.read_public(options.file)
    signers = [] if options.unproven else _signers(options.sign_with or trusting.default_addresses(settings), console)
    if options.unproven and not options.old:
        raise NotFound("Which key does it take the place of?", code="key.missing", hint="Name it with --old ID.")
    api = connect(options, settings, console)
    told = []
    for name in options.at:
        listed = _listed(api, name)
        old = _old(listed, options.old or signers[0].public.id)
        record = KeyRecord(public, role=options.role or old.role, note=options.note or old.note)
        told.append(_add(api, name, record, signers, replaces=old.public.id, listed=listed))
    if options.unproven:
        _unproven(console)
    return _done(options, console, f"{public.id} has taken the place of the old key of {{}}.", told)


def revoke(options: argparse.Namespace, settings: Settings, console: Console) -> int:
    """End a key of projects."""
    keyring.check_apart(options, "policy")
    api = connect(options, settings, console)
    told = [
        keys.revoke(api, name, options.id, kind=options.reason, reason=options.words, since=options.since)
        for name in options.at
    ]
    return _done(options, console, f"The key {options.id} of {{}} is ended ({options.reason}).", told)


def _add(
    api: Api, name: str, record: KeyRecord, signers: Sequence[Signer], *, replaces: str, listed: KeyList
) -> dict[str, object]:
    if not signers:
        pem = record.public.pem.decode()
        return keys.add(api, name, pem, role=record.role, note=record.note, replaces=replaces)
    for signer in signers:
        _old(listed, signer.public.id)
    payload = composed_addition(
        listed.project,
        number=len(listed.changes) + 1,
        previous=listed.head,
        at=moment(time.time()),
        key=record,
        replaces=replaces,
    )
    change = read_change({"payload": strict_json.base64_of(payload)})
    signatures = [
        {"keyid": each.public.id, "sig": strict_json.base64_of(each.sign(change.message))} for each in signers
    ]
    return keys.add_proven(api, name, {**change.to_dict(), "signatures": signatures})


def _listed(api: Api, name: str) -> KeyList:
    """The keys as the index has them now; what a policy remembers of it plays no part, for nothing is trusted by it."""
    data = fetch_list(name, on=api.index, by=api.by if api.index.is_private_line else None, over=transport())
    return checked_list(data, name, asked=api.index.url, pin=None, at=time.time())


def _old(listed: KeyList, wanted: str) -> KeyRecord:
    """The key that is meant, which must still count."""
    found = [each for key_id, each in listed.records.items() if key_id.startswith(wanted) and not each.revoked_at]
    if len(found) != 1:
        hint = f"See them with: otumat keys fetch {listed.project}"
        raise NotFound(f"{listed.project} has no one key {wanted[:16]!r} that counts.", code="key.unlisted", hint=hint)
    return found[0]


def _signers(addresses: Sequence[str], console: Console) -> list[Signer]:
    ask = console.ask_secret if console.is_interactive else None
    passphrase = (lambda name: ask(f"Passphrase of {name}: ")) if ask else None
    return [find_signer(each, environ=os.environ, passphrase=passphrase) for each in dict.fromkeys(addresses)]


def _unproven(console: Console) -> None:
    told = "No key before it signed that it comes: those who pinned the project's keys are asked whether they trust it."
    console.note(console.style(told, YELLOW, on_stderr=True))


def _done(options: argparse.Namespace, console: Console, text: str, told: list[dict[str, object]]) -> int:
    if console.as_json:
        named = zip(options.at, told, strict=True)
        console.show_json({"ok": True, "keys": [{"project": normalize(name), **each} for name, each in named]})
    else:
        console.show(printable(text.format(", ".join(options.at))))
    return 0
