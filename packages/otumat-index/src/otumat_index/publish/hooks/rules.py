"""Pure decisions about webhooks."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from otumat.errors import Problem

ACTIONS = (
    "release.create",
    "release.update",
    "release.yank",
    "release.unyank",
    "file.publish",
    "file.remove",
    "file.yank",
    "file.unyank",
    "project.status",
    "project.visibility",
    "role.assign",
    "role.remove",
    "key.add",
    "key.rotate",
    "key.revoke",
)
"""Changes a webhook may hear of."""
TEST = "webhook.test"
URL_MAX_CHARS = 2000
PAUSES = (
    timedelta(minutes=1),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=12),
)
"""After each failed try; after the last of them the delivery has failed."""
TOLD = ("version", "reason", "status", "role", "is_private", "sha256")
"""Words of a journal row that a webhook is told; whatever else it holds stays here."""


def secret(key: bytes, salt: str) -> str:
    """
    A webhook's secret, from the index's secret key.

    Derived, so that neither the database nor its backup holds it; a new secret key makes every webhook a new secret.
    """
    return "otumat-hook-" + hmac.new(key, f"webhook {salt}".encode(), hashlib.sha256).hexdigest()


def signature(secret: str, timestamp: str, body: bytes) -> str:
    """What `X-Otumat-Signature` says: HMAC-SHA256 over the timestamp, a dot, and the body."""
    return "sha256=" + hmac.new(secret.encode(), timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()


def body(delivery: str, entry: Mapping[str, Any], *, project: str, url: str) -> bytes:
    """
    The JSON that is POSTed; the same bytes at every try.

    Args:
        entry: `serial`, `at`, `action`, `actor`, `subject` and `data` of the journal row.
    """
    told = {word: entry["data"][word] for word in TOLD if word in entry["data"]}
    shown = {
        "id": delivery,
        "serial": entry["serial"],
        "at": entry["at"].isoformat(),
        "action": entry["action"],
        "project": project,
        "version": told.pop("version", None),
        "subject": entry["subject"],
        "actor": entry["actor"],
        **told,
        "url": url,
    }
    return json.dumps(shown, ensure_ascii=False, separators=(",", ":")).encode()


def check_url(url: str, *, allows_http: bool) -> list[Problem]:
    """What is wrong with a webhook's address, before it is ever looked up."""

    def problem(message: str, hint: str = "") -> list[Problem]:
        return [Problem("webhook.url", "url", message, value=url, hint=hint)]

    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return problem("That is no URL.", "Give an address such as https://ci.example.org/hook.")
    if not url.isascii() or not url.isprintable() or " " in url or "\\" in url or len(url) > URL_MAX_CHARS:
        return problem(f"A webhook's address is ASCII without spaces, and has at most {URL_MAX_CHARS} characters.")
    if parts.scheme not in ("https", "http") or not host or port == 0:
        return problem("That is no address to POST to.", "Give an address such as https://ci.example.org/hook.")
    if parts.scheme == "http" and not allows_http:
        return problem("Only https is called: what a webhook is told is not for others.", "Use https.")
    if parts.username is not None or parts.password is not None or parts.fragment:
        return problem(
            "Neither a login nor a #fragment belongs into a webhook's address.", "Check the signature instead."
        )
    return []


def check_actions(actions: Sequence[str] | None) -> list[Problem]:
    """Which of the changes asked for there are none of."""
    hint = f"Choose from {', '.join(ACTIONS)}; leave it out for all."
    if actions is not None and not actions:
        return [Problem("webhook.action", "actions", "A webhook without any action hears nothing.", hint=hint)]
    return [
        Problem("webhook.action", "actions", f"{action!r} is nothing a webhook hears of.", value=action, hint=hint)
        for action in dict.fromkeys(actions or ())
        if action not in ACTIONS
    ]


def next_try(tries: int, at: datetime) -> datetime | None:
    """When to try again after so many failed tries; None when that was the last."""
    return at + PAUSES[tries - 1] if tries <= len(PAUSES) else None
