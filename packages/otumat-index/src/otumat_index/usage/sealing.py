"""
Bodies of batches at rest: encrypted under a key of their install, so that they are gone when its secret is.

AES-256-GCM; a sealed body is one byte of version, a nonce of 12 bytes, and the ciphertext with its tag.
"""

from __future__ import annotations

import secrets

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

VERSION, NONCE_BYTES = b"\x01", 12


def seal(key: bytes, body: bytes) -> bytes:
    """
    Encrypt; the same body twice gives two results.

    >>> unseal(bytes(32), seal(bytes(32), b"told"))
    b'told'
    """
    nonce = secrets.token_bytes(NONCE_BYTES)
    return VERSION + nonce + AESGCM(key).encrypt(nonce, body, None)


def unseal(key: bytes, sealed: bytes) -> bytes:
    """
    Decrypt.

    Raises:
        cryptography.exceptions.InvalidTag: It was sealed with another key, or changed.
    """
    nonce, rest = sealed[1 : 1 + NONCE_BYTES], sealed[1 + NONCE_BYTES :]
    return AESGCM(key).decrypt(nonce, rest, None)
