"""A public key: three kinds, one name each, one question: does this signature hold?"""

from __future__ import annotations

import binascii
import hashlib
import sys

from otumat.spec.keys import der, ed25519, p256, rsa, sshsig
from otumat.spec.keys.der import BadDer
from otumat.spec.keys.pem import BadPem, read_block, written_block

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

RSA, ED25519, P256 = "rsa", "ed25519", "ecdsa-p256"
_RSA_ALGORITHM = bytes.fromhex("06092a864886f70d0101010500")  # RFC 3279: rsaEncryption, NULL
_ED25519_ALGORITHM = bytes.fromhex("06032b6570")  # RFC 8410: id-Ed25519, no parameters
_P256_ALGORITHM = bytes.fromhex("06072a8648ce3d020106082a8648ce3d030107")  # RFC 5480: id-ecPublicKey, secp256r1
_UNCOMPRESSED = b"\4"
_SSH_P256 = (b"ecdsa-sha2-nistp256", b"nistp256")  # RFC 5656, 3.1
_MOST_BITS = 16_384  # one check of a larger one takes a second and more
_REMEMBERED = 256


_SSH_KINDS = "ssh-ed25519, ssh-rsa and ecdsa-sha2-nistp256"


class BadKey(ValueError):
    """The bytes are no public key that we take; the text says why, and never quotes them."""


class PublicKey:
    """
    A key that checks signatures.

    Attributes:
        kind: `rsa`, `ed25519` or `ecdsa-p256`. It alone decides which signatures are looked at; no message names any.
        id: SHA-256 of the key's DER (SubjectPublicKeyInfo) in hexadecimal: one key, one name.
        spki: That DER.
        n, e: Of an RSA key; 0 otherwise.
        raw: The 32 bytes of an Ed25519 key, the 64 of the point of a P-256 key; empty otherwise.
    """

    __slots__ = ("_loaded", "e", "id", "kind", "n", "raw", "spki")

    def __init__(self, kind: str, spki: bytes, *, n: int = 0, e: int = 0, raw: bytes = b"") -> None:
        self.kind, self.spki, self.n, self.e, self.raw = kind, spki, n, e, raw
        self.id = hashlib.sha256(spki).hexdigest()
        self._loaded: Any = None

    @classmethod
    def from_pem(cls, data: bytes) -> PublicKey:
        """
        Read the one PEM block `PUBLIC KEY` that the file is.

        Errors:
            BadKey: anything else: a private key, a certificate, two blocks, text around it, a byte order mark.
        """
        if (known := _FROM_PEM.get(data)) is not None:
            return known
        try:
            key = cls.from_der(read_block(data, b"PUBLIC KEY"))
        except BadPem as exc:
            raise BadKey(str(exc)) from None
        if len(_FROM_PEM) < _REMEMBERED:
            _FROM_PEM[data] = key
        return key

    @classmethod
    def from_der(cls, spki: bytes) -> PublicKey:
        """Read a SubjectPublicKeyInfo; its DER must be the one there is for this key."""
        try:
            key = _read_spki(spki)
        except BadDer as exc:
            raise BadKey(f"it is no public key: {exc}") from None
        if key.spki != spki:
            raise BadKey("its DER is not the one there is for this key")
        return key

    @classmethod
    def from_openssh(cls, line: str) -> PublicKey:
        """Read a line of a `.pub` file of OpenSSH: `ssh-ed25519 AAAA… comment`, or one of the other kinds."""
        words = line.split()
        try:
            return cls.from_ssh_blob(binascii.a2b_base64(words[1], strict_mode=True))
        except (IndexError, ValueError) as exc:
            raise BadKey(f"it is no public key of OpenSSH of the kinds {_SSH_KINDS}") from exc

    @classmethod
    def from_ssh_blob(cls, blob: bytes) -> PublicKey:
        """Read the wire form that ssh-agent tells keys in (RFC 4253, 6.6; RFC 8709)."""
        parts = sshsig.fields(blob)
        if len(parts) == 2 and parts[0] == b"ssh-ed25519":
            return ed25519_key(parts[1])
        if len(parts) == 3 and parts[0] == b"ssh-rsa":
            key = rsa_key(int.from_bytes(parts[2], "big"), int.from_bytes(parts[1], "big"))
            if key.ssh_blob == blob:
                return key
        if len(parts) == 3 and tuple(parts[:2]) == _SSH_P256 and parts[2][:1] == _UNCOMPRESSED:
            return p256_key(parts[2][1:])
        raise BadKey(f"it is no key of the kinds {_SSH_KINDS}")

    @property
    def bits(self) -> int:
        """The size of the modulus, or of the curve."""
        return self.n.bit_length() if self.kind == RSA else 256

    @property
    def pem(self) -> bytes:
        return written_block(self.spki, "PUBLIC KEY")

    @property
    def ssh_blob(self) -> bytes:
        """The key as it stands inside a signature made by ssh-agent."""
        if self.kind == ED25519:
            return sshsig.packed(b"ssh-ed25519", self.raw)
        if self.kind == P256:
            return sshsig.packed(*_SSH_P256, _UNCOMPRESSED + self.raw)
        return sshsig.packed(b"ssh-rsa", sshsig.mpint(self.e), sshsig.mpint(self.n))

    def verifies(self, signature: bytes, message: bytes) -> bool:
        """
        Whether this key signed the message: plain Ed25519, ECDSA with SHA-256, RSA-PSS with a salt of 32 bytes or more;
        or SSHSIG.

        The key's kind and the signature's form choose among them, never anything that the message says.
        """
        if not self._is_plain(signature):
            return sshsig.verifies(self, signature, message)
        return self._verifies_plain(signature, message, least_salt=32)

    def verifies_legacy(self, signature: bytes, message: bytes) -> bool:
        """Whether this RSA key signed the message as otumat 0.3 or openssl does: PSS with a salt of any length."""
        return self.kind == RSA and self._verifies_plain(signature, message, least_salt=0)

    def verifies_raw(self, signature: bytes, message: bytes, *, algorithm: str) -> bool:
        """Whether this key made what stands inside an SSHSIG; of RSA, PKCS #1 v1.5 with sha256 or sha512."""
        if self.kind != RSA:
            return self._verifies_plain(signature, message, least_salt=0)
        return rsa.verify_pkcs1(self.n, self.e, signature, message, algorithm=algorithm)

    def _is_plain(self, signature: bytes) -> bool:
        if self.kind == P256:
            return p256.read_signature(signature) is not None
        return len(signature) == (64 if self.kind == ED25519 else (self.n.bit_length() + 7) // 8)

    def _verifies_plain(self, signature: bytes, message: bytes, *, least_salt: int) -> bool:
        library = sys.modules.get("cryptography.hazmat.primitives.asymmetric.padding")
        if self.kind == ED25519:
            if not ed25519.is_sound(self.raw, signature):
                return False
            return self._by_library(signature, message) if library else ed25519.verify(self.raw, signature, message)
        if self.kind == P256:
            if p256.read_signature(signature) is None:
                return False
            return self._by_library(signature, message) if library else p256.verify(self.raw, signature, message)
        # Its PSS cannot be told the least salt, so it answers only where every salt will do.
        if library and least_salt == 0:
            return self._by_library(signature, message)
        return rsa.verify_pss(self.n, self.e, signature, message, least_salt=least_salt)

    def _by_library(self, signature: bytes, message: bytes) -> bool:
        from otumat.spec.keys import by_cryptography

        if self._loaded is None:
            self._loaded = by_cryptography.load(self.spki)
        return by_cryptography.verifies(self._loaded, signature, message)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, PublicKey) and self.spki == other.spki

    def __hash__(self) -> int:
        return hash(self.spki)

    def __repr__(self) -> str:
        return f"PublicKey({self.kind} {self.bits} bits, {self.id[:16]}…)"


_FROM_PEM: dict[bytes, PublicKey] = {}


def rsa_key(n: int, e: int) -> PublicKey:
    """The key with this modulus and exponent; whether it is any good is `strength.key_problems`' to say."""
    if not 512 <= n.bit_length() <= _MOST_BITS or n % 2 == 0:
        raise BadKey(f"its modulus of {n.bit_length()} bits is none that RSA works with")
    if e < 3 or e % 2 == 0 or e.bit_length() > 64:
        raise BadKey(f"its exponent {e if e < 100 else '(a huge or even number)'} is none that RSA works with")
    numbers = der.written(der.SEQUENCE, der.written_unsigned(n) + der.written_unsigned(e))
    return PublicKey(RSA, _spki(_RSA_ALGORITHM, numbers), n=n, e=e)


def ed25519_key(raw: bytes) -> PublicKey:
    """The key with these 32 bytes."""
    if not ed25519.is_point(raw):
        raise BadKey("its 32 bytes are no point of the curve that Ed25519 may use")
    return PublicKey(ED25519, _spki(_ED25519_ALGORITHM, raw), raw=raw)


def p256_key(raw: bytes) -> PublicKey:
    """The key with the point that these 64 bytes are."""
    if not p256.is_point(raw):
        raise BadKey("its bytes are no point of the curve P-256")
    return PublicKey(P256, _spki(_P256_ALGORITHM, _UNCOMPRESSED + raw), raw=raw)


def _spki(algorithm: bytes, bits: bytes) -> bytes:
    return der.written(der.SEQUENCE, der.written(der.SEQUENCE, algorithm) + der.written(der.BIT_STRING, b"\0" + bits))


def _read_spki(spki: bytes) -> PublicKey:
    body = der.read_whole(spki, der.SEQUENCE)
    algorithm, at = der.read(body, der.SEQUENCE)
    bits, end = der.read(body, der.BIT_STRING, at)
    if end != len(body) or not bits.startswith(b"\0"):
        raise BadDer("its parts do not fit together")
    if algorithm == _ED25519_ALGORITHM:
        return ed25519_key(bits[1:])
    if algorithm == _P256_ALGORITHM and bits[1:2] == _UNCOMPRESSED:
        return p256_key(bits[2:])
    if algorithm != _RSA_ALGORITHM:
        raise BadKey("it is of a kind that is not taken; Ed25519, RSA, and ECDSA on P-256 are")
    numbers = der.read_whole(bits[1:], der.SEQUENCE)
    n, at = der.read_unsigned(numbers)
    e, end = der.read_unsigned(numbers, at)
    if end != len(numbers):
        raise BadDer("there are bytes behind its numbers")
    return rsa_key(n, e)
