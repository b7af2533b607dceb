"""New keys: good ones, written so that nobody else can read them, and never over anything."""

from __future__ import annotations

import os

from otumat.errors import Conflict, NotFound
from otumat.spec.keys import ED25519, PublicKey
from otumat.trust.files import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

RSA_BITS = 3072  # as much as is asked for beyond 2030


def make_key(path: str, *, kind: str = ED25519, passphrase: str = "") -> PublicKey:
    """
    Make a key pair: the private key at `path`, mode 0600, and the public one beside it at `path` + `.pub`.

    Args:
        kind: `ed25519`, or `rsa` (3072 bits) for hosts that check signatures of the 0.3 kind.
        passphrase: Empty for a key without one.

    Errors:
        Conflict: `key.exists`, there is something at one of the two places. NotFound: `extra.missing`.
    """
    public_path = f"{path}.pub"
    for each in (path, public_path):
        if os.path.lexists(each):
            raise _exists(each)
    pem, public = _made(kind, passphrase)
    try:
        replace(path, [pem], mode=0o600, new=True)
        replace(public_path, [public.pem], mode=0o644, new=True)
    except FileExistsError as exc:
        raise _exists(str(exc.filename2 or exc.filename)) from None
    return public


def _made(kind: str, passphrase: str) -> tuple[bytes, PublicKey]:
    try:
        from cryptography.hazmat.primitives import serialization
        from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
    except ImportError as exc:
        raise NotFound(
            "Making keys needs the package cryptography, which is not installed.",
            code="extra.missing",
            hint="Install it with: pip install 'otumat[trust]'",
        ) from exc
    key: Any = (
        ed25519.Ed25519PrivateKey.generate()
        if kind == ED25519
        else rsa.generate_private_key(public_exponent=65537, key_size=RSA_BITS)
    )
    guard: Any = (
        serialization.BestAvailableEncryption(passphrase.encode()) if passphrase else serialization.NoEncryption()
    )
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, guard)
    spki = key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return pem, PublicKey.from_der(spki)


def _exists(path: str) -> Conflict:
    return Conflict(f"There is something at {path!r} already.", code="key.exists", hint="Choose another place.")
