"""Password rules beyond Django's, and a short memory of passwords just checked."""

from __future__ import annotations

import hashlib
import secrets
import threading
import time
from typing import Any

from django.contrib.auth.password_validation import CommonPasswordValidator, UserAttributeSimilarityValidator
from django.core.exceptions import ValidationError

COMPARED_MAX_CHARS = 1000
"""Beyond this a password is refused anyway; comparing it would only cost time."""


ADVICE = "Four or five words that nobody would expect together are easy to keep and hard to guess."


class Bounded:
    """Long enough not to be guessed, and bounded, so that no one can buy our CPU time with a megabyte of password."""

    def __init__(self, least: int = 10, most: int = 1000) -> None:
        self.least, self.most = least, most

    def validate(self, password: str, user: object = None) -> None:
        if len(password) < self.least:
            message = f"This password has {len(password)} characters; at least {self.least} are needed. {ADVICE}"
            raise ValidationError(message, code="password_too_short")
        if len(password) > self.most:
            raise ValidationError(f"This password is longer than {self.most} characters.", code="password_too_long")

    def get_help_text(self) -> str:
        return f"{self.least} characters or more. {ADVICE}"


class NotLikeTheAccount(UserAttributeSimilarityValidator):
    """Not the login name or the address over again."""

    def validate(self, password: str, user: Any = None) -> None:
        if len(password) <= COMPARED_MAX_CHARS:
            super().validate(password, user)

    def get_help_text(self) -> str:
        return ""


class NotCommon(CommonPasswordValidator):
    """Not among the 20,000 that turn up most in breaches, also not with another case or digits and signs at its end."""

    def validate(self, password: str, user: Any = None) -> None:
        plain = password[:COMPARED_MAX_CHARS].lower().strip()
        if plain in self.passwords or plain.rstrip("0123456789!?.,;-_*#$+ ") in self.passwords:
            message = f"This password, or one much like it, is known from breaches: it would be tried first. {ADVICE}"
            raise ValidationError(message, code="password_too_common")

    def get_help_text(self) -> str:
        return ""


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
