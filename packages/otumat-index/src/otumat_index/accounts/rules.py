"""Pure decisions about accounts: no database, no clock, no randomness."""

from __future__ import annotations

import base64
import binascii
import hashlib
import zlib

from otumat.errors import Problem

TOKEN_PREFIX = "otumat-"
ACTIONS = ("submit", "upload", "yank", "read", "manage")


def make_token(random_bytes: bytes) -> str:
    """
    The text of a token from 32 random bytes.

    A fixed prefix and a trailing CRC-32 let secret scanners recognise a leaked one without asking us.
    """
    body = base64.urlsafe_b64encode(random_bytes).decode().rstrip("=")
    return f"{TOKEN_PREFIX}{body}{zlib.crc32(body.encode()):08x}"


def looks_like_token(text: str) -> bool:
    """Whether text has a token's prefix and checksum."""
    if not text.startswith(TOKEN_PREFIX) or len(text) < len(TOKEN_PREFIX) + 20:
        return False
    body, check = text[len(TOKEN_PREFIX) : -8], text[-8:]
    return f"{zlib.crc32(body.encode('utf-8', 'replace')):08x}" == check


def digest(secret: str) -> str:
    """What is kept of a token or one-time link: its SHA-256 in hex."""
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()


def parse_basic(header: str) -> tuple[str, str] | None:
    """User and password of an `Authorization: Basic` header (RFC 7617), None when it is none or malformed."""
    scheme, _, encoded = header.strip().partition(" ")
    if scheme.lower() != "basic" or len(encoded) > 10_000:
        return None
    try:
        text = base64.b64decode(encoded.strip(), validate=True).decode("utf-8")
    except (binascii.Error, ValueError):
        return None
    user, colon, password = text.partition(":")
    return (user, password) if colon else None


def check_scope(actions: list[str] | None, projects: list[str] | None) -> list[Problem]:
    """Everything wrong with the limits asked for a new token."""
    problems = [
        Problem(
            "token.action",
            "actions",
            f"{action!r} is no action.",
            value=action,
            hint=f"Choose from {', '.join(ACTIONS)}.",
        )
        for action in actions or []
        if action not in ACTIONS
    ]
    if actions == []:
        problems.append(
            Problem(
                "token.action",
                "actions",
                "A token without any action can do nothing.",
                hint="Leave it out for all actions.",
            )
        )
    if projects == []:
        problems.append(
            Problem(
                "token.project",
                "projects",
                "A token without any project can do nothing.",
                hint="Leave it out for all projects.",
            )
        )
    return problems
