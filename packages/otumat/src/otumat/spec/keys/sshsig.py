"""
Signatures made by ssh-agent or `ssh-keygen -Y sign`, in the form SSHSIG, under the namespace `otumat`.

The form wraps what is signed, so that nothing an agent signs for a login can stand as a signature of a file.

Source: PROTOCOL.sshsig of OpenSSH.
"""

from __future__ import annotations

import hashlib

from otumat.spec.keys import p256

TYPE_CHECKING = False
if TYPE_CHECKING:
    from otumat.spec.keys.public import PublicKey

MAGIC, NAMESPACE = b"SSHSIG", b"otumat"
_VERSION = b"\0\0\0\1"
_DIGESTS = ("sha256", "sha512")
_ALGORITHMS = {
    ("rsa", b"rsa-sha2-256"): "sha256",
    ("rsa", b"rsa-sha2-512"): "sha512",
    ("ed25519", b"ssh-ed25519"): "ed25519",
    ("ecdsa-p256", b"ecdsa-sha2-nistp256"): "sha256",
}
_MOST_FIELDS = 16


def packed(*parts: bytes) -> bytes:
    """The parts, each behind its length in four bytes (RFC 4251, "string")."""
    return b"".join(len(part).to_bytes(4, "big") + part for part in parts)


def mpint(number: int) -> bytes:
    """A positive number as RFC 4251 writes it, without the length."""
    return number.to_bytes(number.bit_length() // 8 + 1, "big")


def fields(data: bytes) -> list[bytes]:
    """The strings that the bytes are made of; empty when they are not."""
    found: list[bytes] = []
    at = 0
    while at < len(data) and len(found) < _MOST_FIELDS:
        end = at + 4 + int.from_bytes(data[at : at + 4], "big")
        if at + 4 > len(data) or end > len(data):
            return []
        found.append(data[at + 4 : end])
        at = end
    return found if at == len(data) else []


def wrapped(message: bytes, digest: str = "sha512") -> bytes:
    """What the agent is asked to sign for this message."""
    return MAGIC + packed(NAMESPACE, b"", digest.encode(), hashlib.new(digest, message).digest())


def written(public_blob: bytes, signature: bytes, digest: str = "sha512") -> bytes:
    """The signature that the agent made over `wrapped(message)`, in its form."""
    return MAGIC + _VERSION + packed(public_blob, NAMESPACE, b"", digest.encode(), signature)


def verifies(key: PublicKey, signature: bytes, message: bytes) -> bool:
    """Whether the bytes are such a signature over the message, by this key and in our namespace."""
    head = MAGIC + _VERSION
    parts = fields(signature[len(head) :]) if signature.startswith(head) else []
    if len(parts) != 5:
        return False
    blob, namespace, reserved, digest, inner = parts
    name = digest.decode("ascii", "replace")
    if blob != key.ssh_blob or namespace != NAMESPACE or reserved or name not in _DIGESTS:
        return False
    made = fields(inner)
    if len(made) != 2:
        return False
    algorithm = _ALGORITHMS.get((key.kind, made[0]), "")
    plain = made[1] if key.kind != "ecdsa-p256" else _der_of(made[1])
    return bool(algorithm) and key.verifies_raw(plain, wrapped(message, name), algorithm=algorithm)


def _der_of(numbers: bytes) -> bytes:
    """The two numbers of an ECDSA signature, each as RFC 5656 (3.1.2) has it, in the form they have elsewhere."""
    parts = fields(numbers)
    r, s = (int.from_bytes(part, "big") for part in parts) if len(parts) == 2 else (0, 0)
    return p256.written_signature(r, s) if packed(mpint(r), mpint(s)) == numbers else b""
