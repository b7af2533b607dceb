"""What an erasure certifies, signed with a key derived from the index's secret key; and telling ours from others."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.conf import settings
from django.utils import timezone

from otumat.spec import receipt as spec
from otumat_index.usage.models import Erasure, ReceiptKey

TEXT_MAX = spec.TEXT_MAX


def said(install: str, project: str, *, at: datetime) -> dict[str, Any]:
    """What is certified of an erasure before it is carried out."""
    return {
        "host": settings.CONFIG.public_url.rstrip("/"),
        "install": install,
        "project": project,
        "erased": stamp(at),
        "backups_until": (at + timedelta(days=settings.CONFIG.usage_backup_days)).date().isoformat(),
    }


def signed(said: Mapping[str, Any], erasure: Erasure) -> dict[str, Any]:
    """
    A receipt as docs/protocol/usage.md has it.

    Returns:
        The receipt, the public key (base64 of its 32 bytes), and the Ed25519 signature over `spec.signed_bytes`.
    """
    receipt = {**said, "batches": erasure.batches, "copies_until": copies_until(said, erasure)}
    key = signing_key()
    public = base64.b64encode(key.public_key().public_bytes_raw()).decode()
    ReceiptKey.objects.get_or_create(public=public, defaults={"since": timezone.now()})
    signature = base64.b64encode(key.sign(spec.signed_bytes(receipt))).decode()
    return {"ok": True, "receipt": receipt, "key": public, "signature": signature}


def copies_until(said: Mapping[str, Any], erasure: Erasure) -> str:
    """When dead copies were seen to be gone (`scrubbing.py`); before, and where that cannot be seen, as for backups."""
    if erasure.scrubbed and erasure.is_out_of_log:
        return str(said["erased"])
    return f"{said['backups_until']}T23:59:59Z"


def stamp(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def signing_key() -> Ed25519PrivateKey:
    """The same on every worker; another secret key is another signer, and what it signed is still known as ours."""
    seed = hmac.digest(settings.SECRET_KEY.encode(), b"otumat usage receipts 1", hashlib.sha256)
    return Ed25519PrivateKey.from_private_bytes(seed)


def keys() -> list[str]:
    """Public keys of receipts that this index signed, newest first."""
    return list(ReceiptKey.objects.order_by("-pk").values_list("public", flat=True))


def verified(text: str) -> dict[str, Any]:
    """
    What a receipt certifies, if this index signed it.

    Raises:
        Invalid: It is no receipt. Untrusted: It is not ours, or was changed.
    """
    found = spec.read(text)
    spec.check(found, keys=keys())
    return found.said
