"""The same arithmetic by `cryptography`, for programs that have loaded it; never loaded on our account."""

from __future__ import annotations

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, PSS
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key

_PADDING = PSS(mgf=MGF1(SHA256()), salt_length=PSS.AUTO)
_DIGEST = SHA256()

Key = RSAPublicKey | Ed25519PublicKey | EllipticCurvePublicKey


def load(spki: bytes) -> Key:
    """The key as the library holds it; worth keeping, for loading costs more than checking."""
    key = load_der_public_key(spki)
    if not isinstance(key, Key):
        raise TypeError("a key of a kind that is not taken came here")
    return key


def verifies(key: Key, signature: bytes, message: bytes) -> bool:
    try:
        if isinstance(key, RSAPublicKey):
            key.verify(signature, message, _PADDING, _DIGEST)
        elif isinstance(key, EllipticCurvePublicKey):
            key.verify(signature, message, ECDSA(_DIGEST))
        else:
            key.verify(signature, message)
    except InvalidSignature:
        return False
    return True
