"""
Which signer an address means:

    keys/plugin.pem, ~/keys/plugin.pem    a PEM file
    agent:, agent:COMMENT, agent:ID       a key of ssh-agent
    env:, env:NAME                        PEM in the environment variable OTUMAT_SIGNING_KEY, or NAME
    pkcs11:token=…;object=…               a key in a PKCS #11 token (`hsm.py`)
    SCHEME:…                              whatever is installed for the scheme

Other keys that lie elsewhere are reached through a package that declares, in the group `otumat.signers`, an entry point
named by its scheme: a callable that takes the whole address and returns a signer (`otumat.trust.signing`).
"""

from __future__ import annotations

import os

from otumat.errors import Invalid, NotFound, Problem
from otumat.trust.signing import agent, private

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from otumat.trust.signing import Signer

GROUP = "otumat.signers"


def find_signer(address: str, *, environ: Mapping[str, str], passphrase: Callable[[str], str] | None = None) -> Signer:
    """
    The signer behind an address.

    Args:
        passphrase: Asked, with a name for the key, when it has one that OTUMAT_SIGNING_PASSPHRASE does not hold.

    Errors:
        NotFound: there is none. Invalid: what is there signs nothing.
    """
    scheme, colon, rest = address.partition(":")
    ask = _asking(address, environ, passphrase)
    if colon and scheme == "agent":
        return agent.pick(agent.agent_keys(environ), rest)
    if colon and scheme == "env":
        name = rest or private.KEY_VARIABLE
        if not environ.get(name):
            raise NotFound(f"The environment variable {name} is not set.", code="key.missing")
        return private.read_pem(environ[name].encode(), shown=name, passphrase=ask)
    if colon and scheme == "pkcs11":
        from otumat.trust.signing import hsm

        return hsm.find(address, environ=environ, pin=ask)
    if colon and len(scheme) > 1 and not os.path.lexists(address):  # one letter is a drive
        return _by_plugin(scheme, address)
    try:
        return private.read_file(os.path.expanduser(address), passphrase=ask)
    except FileNotFoundError:
        hint = "Make one with: otumat keygen"
        raise NotFound(f"There is no key file {address!r}.", code="key.missing", hint=hint) from None
    except OSError as exc:
        raise NotFound(f"The key file {address!r} cannot be read: {exc.strerror}.", code="key.missing") from exc


def _asking(
    address: str, environ: Mapping[str, str], passphrase: Callable[[str], str] | None
) -> Callable[[], str] | None:
    if held := environ.get(private.PASSPHRASE_VARIABLE):
        return lambda: held
    return (lambda: passphrase(address)) if passphrase else None


def _by_plugin(scheme: str, address: str) -> Signer:
    from importlib.metadata import entry_points

    found = list(entry_points(group=GROUP, name=scheme))
    if len(found) != 1:
        told = (
            f"Nothing that is installed signs with {scheme!r} addresses."
            if not found
            else f"Several packages claim {scheme!r}."
        )
        hint = f"Install a package with an entry point {scheme!r} in the group {GROUP!r}, or give a file or agent:."
        raise NotFound(told, code="key.scheme", hint=hint)
    signer: Signer = found[0].load()(address)
    if not hasattr(signer, "public") or not hasattr(signer, "sign"):
        told = f"What {found[0].value} returns is no signer."
        raise Invalid([Problem("key.plugin", "key", told)], message=told)
    return signer
