"""Password rules beyond Django's, and a short memory of passwords just checked."""

from __future__ import annotations

import hashlib
import secrets
import threading
import time

from django.core.exceptions import ValidationError


class MaximumLength:
    """Bounded, so that no one can buy our CPU time with a megabyte of password."""

    def __init__(self, max_length: int = 1000) -> None:
        self.max_length = max_length

    def validate(self, password: str, user: object = None) -> None:
        if len(password) > self.max_length:
            raise ValidationError(
                f"This password is longer than {self.max_length} characters.", code="password_too_long"
            )

    def get_help_text(self) -> str:
        return f"At most {self.max_length} characters."


class RecentlyChecked:
    """
    Remembers for a minute that a password matched a stored hash.

    An argon2 check costs about 0.1 s of CPU and uploaders send Basic auth with every file. Only a keyed digest is kept,
    and the entry names the stored hash: a changed password misses at once.
    """

    def __init__(self, *, kept_s: float = 60, most: int = 1000) -> None:
        self.kept_s, self.most = kept_s, most
        self.key = secrets.token_bytes(32)
        self.entries: dict[bytes, float] = {}
        self.lock = threading.Lock()

    def digest(self, username: str, password: str, stored: str) -> bytes:
        text = "\0".join((username, stored, password)).encode("utf-8", "replace")
        return hashlib.blake2b(text, key=self.key, digest_size=32).digest()

    def knows(self, username: str, password: str, stored: str) -> bool:
        """Whether exactly this matched within the last minute."""
        return self.entries.get(self.digest(username, password, stored), 0) > time.monotonic()

    def remember(self, username: str, password: str, stored: str) -> None:
        """Note a match."""
        with self.lock:
            if len(self.entries) >= self.most:
                self.entries.clear()
            self.entries[self.digest(username, password, stored)] = time.monotonic() + self.kept_s
