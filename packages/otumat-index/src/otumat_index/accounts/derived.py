"""
What follows from an install's secret: its name, the digests of its tokens, the marks of its copies, the key of what it
sent. Pure.

None of these is kept without the secret being there, too, so that overwriting 32 bytes in one place makes all of them
unrecognisable: docs/decisions/0016-erasure.md.
"""

from __future__ import annotations

import base64
import hashlib
import hmac

SECRET_BYTES = 32


def install_name(secret: bytes) -> str:
    """
    The id by which a copy knows itself: 32 characters of base64url.

    >>> len(install_name(bytes(32)))
    32
    """
    return base64.urlsafe_b64encode(made(secret, b"name")[:24]).decode()


def token_digest(secret: bytes, text: str) -> str:
    """What is kept of a token, in hex: worth nothing to who has the token alone, or the secret alone."""
    return made(secret, b"token " + text.encode("utf-8", "replace")).hex()


def copy_mark(secret: bytes, copy: str) -> str:
    """What is kept of the name that a copy of an image gave itself, in hex."""
    return made(secret, b"copy " + copy.encode())[:16].hex()


def body_key(secret: bytes) -> bytes:
    """The key of the bodies of its batches (AES-256)."""
    return made(secret, b"bodies")


def made(secret: bytes, purpose: bytes) -> bytes:
    return hmac.digest(secret, b"otumat install 1: " + purpose, hashlib.sha256)
