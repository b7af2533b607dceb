"""Private keys in PEM: from a file, or from the environment where there is no disk to keep one on."""

from __future__ import annotations

import binascii
import os
import warnings

from otumat.errors import Invalid, NotFound, Problem
from otumat.spec.keys import ED25519, LEAST_BITS, LEAST_LEGACY_BITS, P256, RSA, PublicKey
from otumat.trust.legacy import WeakKeyWarning

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

MAX_KEY_BYTES = 64 * 1024
KEY_VARIABLE, PASSPHRASE_VARIABLE = "OTUMAT_SIGNING_KEY", "OTUMAT_SIGNING_PASSPHRASE"
_HINT = "Make a key with: otumat keygen"


class PrivateKey:
    """A signer whose key is in this process. It is never shown: not by repr, not in an error."""

    __slots__ = ("_key", "public")

    def __init__(self, key: Any) -> None:
        from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

        self._key = key
        spki = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        self.public = PublicKey.from_der(spki)

    @property
    def can_sign_legacy(self) -> bool:
        return self.public.kind == RSA

    def sign(self, message: bytes) -> bytes:
        """Plain Ed25519, ECDSA with SHA-256, or RSA-PSS."""
        if self.public.kind == ED25519:
            return bytes(self._key.sign(message))
        if self.public.kind == P256:
            from cryptography.hazmat.primitives.asymmetric.ec import ECDSA
            from cryptography.hazmat.primitives.hashes import SHA256

            return bytes(self._key.sign(message, ECDSA(SHA256())))
        if self.public.bits < LEAST_BITS:
            raise _invalid("key.weak", f"The RSA key has {self.public.bits} bits; {LEAST_BITS} are needed.", _HINT)
        return self._sign_pss(message)

    def sign_legacy(self, message: bytes) -> str:
        """The content of `{module}.sig`; a key from 1024 to 2047 bits, which old hosts may still ship, is warned of."""
        if self.public.kind != RSA:
            told = f"Signatures of the 0.3 kind are made with RSA keys; this one is of the kind {self.public.kind}."
            raise _invalid("key.kind", told, _HINT)
        if self.public.bits < LEAST_LEGACY_BITS:
            raise _invalid("key.weak", f"The RSA key has {self.public.bits} bits; {LEAST_BITS} are needed.", _HINT)
        if self.public.bits < LEAST_BITS:
            told = f"The RSA key has {self.public.bits} bits; {LEAST_BITS} are needed today. {_HINT}"
            warnings.warn(told, WeakKeyWarning, stacklevel=3)
        return binascii.b2a_base64(self._sign_pss(message)).decode()

    def _sign_pss(self, message: bytes) -> bytes:
        from cryptography.hazmat.primitives.asymmetric.padding import MGF1, PSS
        from cryptography.hazmat.primitives.hashes import SHA256

        # The longest salt: old verifiers (cryptography up to 41) take no other.
        padding = PSS(mgf=MGF1(SHA256()), salt_length=PSS.MAX_LENGTH)
        return bytes(self._key.sign(message, padding, SHA256()))


def read_file(path: str | os.PathLike[str], *, passphrase: Callable[[], str] | None = None) -> PrivateKey:
    """
    Read a PEM file.

    Args:
        passphrase: Asked when the key has one; without it such a key is refused.

    Errors:
        FileNotFoundError: there is no such file. Invalid: it holds no key that signs. NotFound: `extra.missing`.
    """
    with open(path, "rb") as file:
        pem = file.read(MAX_KEY_BYTES + 1)
    return read_pem(pem, shown=repr(os.fspath(path)), passphrase=passphrase)


def read_pem(pem: bytes, *, shown: str, passphrase: Callable[[], str] | None = None) -> PrivateKey:
    """The same from bytes; `shown` is what messages call them."""
    load, wrong_kinds = _loader()
    if b"PUBLIC KEY" in pem and b"PRIVATE" not in pem:
        raise _invalid("key.public", f"{shown} holds a public key; signing takes the private one.")
    secret: bytes | None = None
    if b"ENCRYPTED" in pem:
        if passphrase is None:
            raise _invalid("key.passphrase", f"{shown} has a passphrase, and nobody can be asked for it here.",
                           f"Set {PASSPHRASE_VARIABLE}, or run otumat sign at a terminal.")  # fmt: skip
        secret = passphrase().encode()
    try:
        key = load(pem, secret)
    except wrong_kinds:
        # Without the cause: its text may quote the file.
        if secret is not None:
            raise _invalid("key.unreadable", f"{shown} does not open with this passphrase.", "Try it again.") from None
        raise _invalid("key.unreadable", f"{shown} holds no private key that can be read.", _HINT) from None
    return _checked(key, shown)


def _checked(key: Any, shown: str) -> PrivateKey:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

    is_p256 = isinstance(key, EllipticCurvePrivateKey) and key.curve.name == "secp256r1"
    if not is_p256 and not isinstance(key, RSAPrivateKey | Ed25519PrivateKey):
        told = f"{shown} holds a key of a kind that is not taken; Ed25519, RSA, and ECDSA on P-256 are."
        raise _invalid("key.kind", told, _HINT)
    return PrivateKey(key)


def _loader() -> tuple[Callable[[bytes, bytes | None], Any], tuple[type[Exception], ...]]:
    try:
        from cryptography.exceptions import UnsupportedAlgorithm
        from cryptography.hazmat.primitives.serialization import load_pem_private_key
    except ImportError as exc:
        raise NotFound(
            "Signing with a key file needs the package cryptography, which is not installed.",
            code="extra.missing",
            hint="Install it with: pip install 'otumat[trust]', or sign with ssh-agent: --key agent:",
        ) from exc
    return load_pem_private_key, (ValueError, TypeError, UnsupportedAlgorithm)


def _invalid(code: str, message: str, hint: str = "") -> Invalid:
    return Invalid([Problem(code, "key", message, hint=hint)], message=message, hint=hint)
