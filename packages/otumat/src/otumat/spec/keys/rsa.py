"""
RSA signatures, checked: PSS as our signatures are made, and PKCS #1 v1.5 as ssh-agent makes them. Verification only.

Nothing here is secret, so plain integers do: `pow` with a public exponent takes 0.15 ms for 2048 bits.
"""

from __future__ import annotations

import hashlib

# RFC 8017, 9.2, note 1: DER of DigestInfo up to the digest.
_DIGEST_INFO = {
    "sha256": bytes.fromhex("3031300d060960864801650304020105000420"),
    "sha512": bytes.fromhex("3051300d060960864801650304020305000440"),
}
_SHA256_BYTES = 32


def verify_pss(n: int, e: int, signature: bytes, message: bytes, *, least_salt: int = 0) -> bool:
    """
    Check RSASSA-PSS with SHA-256, MGF1 with SHA-256, and a salt of any length from `least_salt` on.

    Any, because the recipe with openssl makes salts of the digest's length or of the greatest, by release.

    Source: RFC 8017, 8.1.2 and 9.1.2.
    """
    encoded = _recovered(n, e, signature, bits=n.bit_length() - 1)
    digest = hashlib.sha256(message).digest()
    if encoded is None or len(encoded) < 2 * _SHA256_BYTES + 2 or encoded[-1] != 0xBC:
        return False
    masked, seed = encoded[: -_SHA256_BYTES - 1], encoded[-_SHA256_BYTES - 1 : -1]
    unused = 8 * len(encoded) - (n.bit_length() - 1)
    if masked[0] >> (8 - unused):
        return False
    block = int.from_bytes(masked, "big") ^ int.from_bytes(_mgf1(seed, len(masked)), "big")
    block &= (1 << (8 * len(masked) - unused)) - 1
    padded = block.to_bytes(len(masked), "big")
    mark = padded.lstrip(b"\0")
    if not mark.startswith(b"\1") or len(mark) - 1 < least_salt:
        return False
    return hashlib.sha256(bytes(8) + digest + mark[1:]).digest() == seed


def verify_pkcs1(n: int, e: int, signature: bytes, message: bytes, *, algorithm: str) -> bool:
    """
    Check RSASSA-PKCS1-v1_5 by making the one padded text there may be, and comparing all of it.

    Source: RFC 8017, 8.2.2; comparing instead of parsing leaves no room for what Bleichenbacher forged in 2006.
    """
    encoded = _recovered(n, e, signature, bits=n.bit_length())
    tail = b"\0" + _DIGEST_INFO[algorithm] + hashlib.new(algorithm, message).digest()
    size = (n.bit_length() + 7) // 8
    return encoded == b"\0\1" + b"\xff" * (size - len(tail) - 2) + tail


def _recovered(n: int, e: int, signature: bytes, *, bits: int) -> bytes | None:
    """The padded text of `bits` bits, None when the signature is not one number below n, written in full."""
    if len(signature) != (n.bit_length() + 7) // 8:
        return None
    number = int.from_bytes(signature, "big")
    if number >= n:
        return None
    opened = pow(number, e, n)
    size = (bits + 7) // 8
    return opened.to_bytes(size, "big") if opened.bit_length() <= 8 * size else None


def _mgf1(seed: bytes, size: int) -> bytes:
    rounds = -(-size // _SHA256_BYTES)
    blocks = (hashlib.sha256(seed + number.to_bytes(4, "big")).digest() for number in range(rounds))
    return b"".join(blocks)[:size]
