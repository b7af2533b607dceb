"""What an erasure certifies, signed with a key that is derived from the index's secret key."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.conf import settings


def receipt(*, install: str, project: str, batches: int, at: datetime) -> dict[str, Any]:
    """
    A receipt as docs/protocol/usage.md has it.

    Returns:
        The receipt, the public key (base64 of its 32 bytes), and the Ed25519 signature over the receipt as JSON with
        sorted keys and no blanks.
    """
    said = {
        "install": install,
        "project": project,
        "erased": at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "batches": batches,
        "backups_until": (at + timedelta(days=settings.CONFIG.usage_backup_days)).date().isoformat(),
    }
    key = signing_key()
    public = key.public_key().public_bytes_raw()
    return {"ok": True, "receipt": said, "key": base64.b64encode(public).decode(), "signature": signed(said, key)}


def signed(said: Mapping[str, Any], key: Ed25519PrivateKey) -> str:
    return base64.b64encode(key.sign(json.dumps(said, sort_keys=True, separators=(",", ":")).encode())).decode()


def signing_key() -> Ed25519PrivateKey:
    """The same on every worker; another secret key is another signer."""
    seed = hmac.digest(settings.SECRET_KEY.encode(), b"otumat usage receipts 1", hashlib.sha256)
    return Ed25519PrivateKey.from_private_bytes(seed)
