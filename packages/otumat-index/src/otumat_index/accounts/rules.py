"""Pure decisions about accounts: no database, no clock, no randomness."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
import zlib

from otumat.errors import Problem
from otumat.spec import names

TOKEN_PREFIX = "otumat-"
LOGIN_MAX_CHARS = 254
"""A mail address is no longer, a user name is shorter."""
SCOPE_MAX_PROJECTS = 1000
ACTIONS = ("submit", "upload", "yank", "read", "manage")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


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
    # RFC 7617 forbids control characters in both; a NUL would be an error inside the database.
    return (user, password) if colon and not _CONTROL.search(text) else None


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
        for action in dict.fromkeys(actions or [])
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
    if projects is not None and len(projects) > SCOPE_MAX_PROJECTS:
        message = f"{len(projects)} projects are named; a token is limited to at most {SCOPE_MAX_PROJECTS}."
        problems.append(Problem("token.project", "projects", message, hint="Make several tokens."))
    problems += [
        Problem("token.project", "projects", f"{name[:80]!r} is no name of a project.", value=name)
        for name in projects or []
        if names.check_name(name)
    ]
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


BROWSERS = (("Edg", "Edge"), ("OPR/", "Opera"), ("Firefox/", "Firefox"), ("Chrome/", "Chrome"), ("Safari/", "Safari"))
SYSTEMS = (
    ("Windows", "Windows"),
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Mac OS", "macOS"),
    ("Linux", "Linux"),
)


def browser(user_agent: str) -> str:
    """What a person calls the program that sent this header, such as `Firefox on Linux`; as it may lie, never more."""
    name = next((name for mark, name in BROWSERS if mark in user_agent), "A browser")
    system = next((name for mark, name in SYSTEMS if mark in user_agent), "")
    return f"{name} on {system}" if system else name
