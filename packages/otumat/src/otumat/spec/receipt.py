"""
What an erasure certifies: the bytes that are signed, and telling a good receipt from others. Pure.

Source: docs/protocol/usage.md, "What erasure does".
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from otumat.errors import Invalid, Problem, Untrusted
from otumat.spec.keys import BadKey
from otumat.spec.keys.public import ed25519_key

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

TEXT_MAX = 10_000
FIELDS = ("host", "install", "project", "erased", "backups_until", "copies_until")


@dataclass(frozen=True)
class Receipt:
    """
    A receipt as its holder keeps it.

    Attributes:
        said: What it certifies.
        key: Base64 of the 32 bytes of the Ed25519 key that signed it.
    """

    said: dict[str, Any]
    key: str
    signature: bytes


def signed_bytes(said: Mapping[str, Any]) -> bytes:
    """
    What a signature is over: JSON with sorted keys and no blanks.

    >>> signed_bytes({"project": "datajoint", "batches": 7})
    b'{"batches":7,"project":"datajoint"}'
    """
    return json.dumps(said, sort_keys=True, separators=(",", ":")).encode()


def read(text: str) -> Receipt:
    """
    Read a receipt; whether it is good is another question.

    Errors:
        Invalid: it is none.
    """
    try:
        told = json.loads(text if len(text) <= TEXT_MAX else "")
        told = told if "signature" in told else told["receipt"]  # as `otumat usage erase --json` has it
        said, key = dict(told["receipt"]), told["key"]
        signature = base64.b64decode(told["signature"], validate=True)
        is_whole = isinstance(key, str) and all(isinstance(said.get(name), str) for name in FIELDS)
    except (ValueError, TypeError, KeyError, RecursionError):
        is_whole = False
    if not is_whole:
        hint = "A receipt is all of it, from the first brace to the last."
        raise Invalid([Problem("receipt.form", "receipt", "This is no receipt.", hint=hint)])
    return Receipt(said, key, signature)


def check(receipt: Receipt, *, keys: Collection[str]) -> None:
    """
    Raise unless one of a host's keys signed the receipt as it stands.

    Errors:
        Untrusted: `receipt.key`, `receipt.changed`.
    """
    if receipt.key not in keys:
        message = f"This receipt is not signed by this host; it names {receipt.said['host'][:200]}."
        raise Untrusted(message, code="receipt.key", hint="Ask that host, if you know it.")
    try:
        is_good = ed25519_key(base64.b64decode(receipt.key)).verifies(receipt.signature, signed_bytes(receipt.said))
    except (ValueError, BadKey):
        is_good = False
    if not is_good:
        raise Untrusted(
            "This receipt was changed after it was signed.", code="receipt.changed", hint="Do not rely on it."
        )
