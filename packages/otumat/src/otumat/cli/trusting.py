"""`otumat keygen` and `otumat sign`."""

from __future__ import annotations

import os
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from otumat.cli.console import DIM, GREEN, YELLOW, printable
from otumat.errors import Invalid, NotFound, OtumatError, Problem
from otumat.spec.keys import ED25519, RSA
from otumat.trust.policy import default_path
from otumat.trust.signing import making, private
from otumat.trust.signing.found import find_signer

if TYPE_CHECKING:
    import argparse

    from otumat.cli.console import Console
    from otumat.settings import Settings
    from otumat.trust.signing import Signer
    from otumat.trust.wheel import Outcome

ADDRESS_VARIABLE = "OTUMAT_SIGNING_ADDRESS"
WHERE_TO_KEEP_IT = """\
Keep {path} where only you can read it, and a copy of it away from this machine: whoever has it signs in your name, and
without it nobody can. It belongs into no repository, no image and no log."""


def keygen(options: argparse.Namespace, settings: Settings, console: Console) -> int:
    """Make a key pair and say what to do with it."""
    path = os.path.expanduser(options.path) or default_key(settings)
    passphrase = _new_passphrase(options, console)
    os.makedirs(os.path.dirname(os.path.abspath(path)), mode=0o700, exist_ok=True)
    public = making.make_key(path, kind=RSA if options.rsa else ED25519, passphrase=passphrase)
    if console.as_json:
        console.show_json({"ok": True, "id": public.id, "kind": public.kind, "private": path, "public": f"{path}.pub"})
        return 0
    rows = [("private key", [path]), ("public key", [f"{path}.pub"]), ("id", [public.id])]
    console.show_table(rows)
    console.note(WHERE_TO_KEEP_IT.format(path=printable(path)))
    if _is_in_repository(path):
        warning = console.style("This folder is a repository:", YELLOW, on_stderr=True)
        console.note(f"{warning} move the private key out of it before anything is committed.")
    console.note("The .pub file is for others. Those who check: otumat keys add FILE.pub --for NAME")
    console.note("The index, of a project of yours: otumat keys add FILE.pub --project NAME")
    return 0


def sign(options: argparse.Namespace, settings: Settings, console: Console) -> int:
    """Sign all wheels that are named, or none of them."""
    from otumat.trust.wheel import sign_wheels

    addresses = options.key or default_addresses(settings)
    ask = console.ask_secret if console.is_interactive else None
    passphrase = (lambda name: ask(f"Passphrase of {name}: ")) if ask else None
    signers: list[Signer] = [
        find_signer(address, environ=os.environ, passphrase=passphrase) for address in dict.fromkeys(addresses)
    ]
    public = _read(options.public) if options.public else b""
    outcomes = sign_wheels(options.files, signers, public=public, sequence=options.sequence, check=options.check)
    _tell(outcomes, console)
    return int(options.check and any(outcome.action == "unsigned" for outcome in outcomes))


def default_key(settings: Settings) -> str:
    """Where `otumat keygen` puts a key that is given no place: beside the policy."""
    return os.path.join(os.path.dirname(default_path({}, str(settings.home or Path.home()))), "signing-key.pem")


def default_addresses(settings: Settings) -> list[str]:
    """
    The key that is meant where none is named.

    Errors:
        NotFound: `key.missing`, there is none.
    """
    if address := os.environ.get(ADDRESS_VARIABLE):
        return [address]
    if os.environ.get(private.KEY_VARIABLE):
        return ["env:"]
    if os.path.exists(default := default_key(settings)):
        return [default]
    hint = "Name one with --key, or make one with: otumat keygen"
    raise NotFound("There is no key to sign with.", code="key.missing", hint=hint)


def _new_passphrase(options: argparse.Namespace, console: Console) -> str:
    if options.no_passphrase:
        return ""
    if options.passphrase_stdin:
        return _not_empty(console.read_secret())
    if not console.is_interactive:
        hint = "Give it with --passphrase-stdin, or say --no-passphrase."
        raise OtumatError(
            "A passphrase must be asked for, and there is nobody to ask.", code="credentials.missing", hint=hint
        )
    first = _not_empty(console.ask_secret("New passphrase: "))
    if console.ask_secret("The same again: ") != first:
        raise Invalid([Problem("passphrase.differs", "passphrase", "The two differ.")], message="Nothing was made.")
    return first


def _not_empty(passphrase: str) -> str:
    if not passphrase:
        told = "An empty passphrase is none; say --no-passphrase if that is meant."
        raise Invalid([Problem("passphrase.empty", "passphrase", told)], message="Nothing was made.")
    return passphrase


def _tell(outcomes: list[Outcome], console: Console) -> None:
    from otumat.trust.wheel import NO_RSA_KEY

    if console.as_json:
        told = [{key: value for key, value in asdict(each).items() if key != "plan"} for each in outcomes]
        console.show_json({"ok": True, "wheels": told})
        return
    for each in outcomes:
        style = {"signed": GREEN, "unsigned": YELLOW}.get(each.action, DIM)
        keys = ", ".join(f"{key[:16]}…" for key in each.keys)
        console.show(f"  {printable(os.path.basename(each.path))}  {console.style(each.action, style)}  {keys}")
        for package, reason in each.legacy.items():
            if reason and reason != NO_RSA_KEY:  # nobody signs for hosts of 0.3 without one, nor wonders
                console.note(f"    no signature of the 0.3 kind for {printable(package)}: {printable(reason)}.")


def _read(path: str) -> bytes:
    try:
        return Path(path).expanduser().read_bytes()
    except OSError as exc:
        raise NotFound(f"{path!r} cannot be read: {exc.strerror or exc}.", code="path.missing") from exc


def _is_in_repository(path: str) -> bool:
    folder = Path(path).resolve().parent
    return any((each / ".git").exists() for each in (folder, *folder.parents))
