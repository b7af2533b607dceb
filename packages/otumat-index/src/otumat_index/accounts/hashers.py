"""Passwords of the draft's day: unsalted SHA-1, kept inside argon2 until their owner next logs in (D27)."""

from __future__ import annotations

import hashlib
import re

import argon2
from django.contrib.auth.hashers import Argon2PasswordHasher

SHA1 = re.compile(r"[0-9a-f]{40}\Z")


class OldSHA1(Argon2PasswordHasher):
    """
    The argon2id of an unsalted SHA-1.

    An imported hash is wrapped at once, so a stolen database never holds a bare SHA-1. As this is not the preferred
    hasher, Django replaces it with plain argon2id at the first login.
    """

    algorithm = "old_sha1"

    def encode(self, password: str, salt: str) -> str:
        return self.wrap(sha1(password), salt)

    def wrap(self, digest: str, salt: str) -> str:
        """What is kept of a SHA-1, given as 40 hex digits."""
        if not SHA1.match(digest):
            raise ValueError("A SHA-1 is 40 lower-case hex digits.")
        return super().encode(digest, salt)

    def verify(self, password: str, encoded: str) -> bool:
        _, rest = encoded.split("$", 1)
        try:
            return argon2.PasswordHasher().verify(f"${rest}", sha1(password))
        except argon2.exceptions.VerificationError:
            return False


def sha1(password: str) -> str:
    """The draft's hash; only ever compared, never kept."""
    return hashlib.sha1(password.encode(), usedforsecurity=False).hexdigest()
