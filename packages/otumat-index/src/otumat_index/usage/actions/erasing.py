"""
Erasing an install: in the catalogue at once and whole, in the store right after, and certified.

What the catalogue's transaction leaves behind is a row of `Erasure`: a number, and the receipt, sealed with the key of
the request. So whoever asked can ask again when the answer was lost, and nobody else ever learns what was erased.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from otumat_index.accounts import oauth
from otumat_index.journal import actions as journal
from otumat_index.journal.actor import Actor
from otumat_index.usage import receipts, scrubbing
from otumat_index.usage.models import Enrolment, Erasure, Install
from otumat_index.usage.sealing import seal, unseal
from otumat_index.usage.stores.orm import STORE

COPY = Actor(credential="install")
ASKED_AGAIN_FOR = timedelta(days=7)
"""How long a lost receipt can be asked for again."""


def erase_install(install: Install, *, key: str = "", at: datetime) -> dict[str, Any]:
    """
    Erase everything that belongs to an install; counts keep no trace of whom they came from.

    The store follows the catalogue's commit; killed in between, a task does it.

    Args:
        key: Of the request, from 128 bits of randomness on; "" for none: then a lost receipt is lost.

    Returns:
        The signed receipt; asked for again with that key, it says the same, or that dead copies are gone by now.

    Raises:
        Unauthenticated: It was erased before, by another request.
    """
    said = receipts.said(install.name, install.project.normalized, at=at)
    with transaction.atomic():
        if not Install.objects.select_for_update().filter(pk=install.pk).exists():
            again = erased_before(install.name, key=key)
            if again is None:
                raise oauth.unknown_token()
            return again
        erasure = Erasure.objects.create(
            install=install.pk,
            asked_at=at,
            batches=len(STORE.batches(install.pk)),
            claim=claim(said["install"], key) if key else None,
            sealed=seal(sealing_key(key), json.dumps(said).encode()) if key else b"",
        )
        Install.objects.filter(pk=install.pk).delete()
        Enrolment.objects.filter(family=install.family_id).delete()
        oauth.forget(install.family_id)
        journal.write("install.erase", install.project.normalized, by=COPY, at=at)
    carry_out(erasure)
    scrub_away()
    return receipts.signed(said, Erasure.objects.get(pk=erasure.pk))


def erased_before(install: str, *, key: str) -> dict[str, Any] | None:
    """The receipt of an erasure that was asked for with this key; None: there was none."""
    erasure = Erasure.objects.filter(claim=claim(install, key)).first() if key else None
    if erasure is None:
        return None
    if not erasure.is_done:
        carry_out(erasure)
    return receipts.signed(json.loads(unseal(sealing_key(key), bytes(erasure.sealed))), erasure)


def claim(install: str, key: str) -> str:
    return hashlib.sha256(f"otumat erasure {key} {install}".encode()).hexdigest()


def sealing_key(key: str) -> bytes:
    return hmac.digest(key.encode(), b"otumat erasure receipt", hashlib.sha256)


def carry_out(erasure: Erasure) -> None:
    """The store's part; safe to run twice."""
    removed = STORE.erase(erasure.install)
    erasure.is_done, erasure.batches = True, removed or erasure.batches
    erasure.save(update_fields=["is_done", "batches"])


def scrub_away() -> None:
    """Let go of dead copies of what was erased, and note for which erasures that is done."""
    waiting = Erasure.objects.filter(is_done=True, scrubbed=False)
    asked = dict(waiting.values_list("pk", "asked_at"))
    done = scrubbing.scrub(min(asked.values())) if asked else None
    if done is not None:
        covered = waiting.filter(pk__in=list(asked), asked_at__lte=done.until)
        covered.update(scrubbed=True, is_out_of_log=done.with_log)


def finish_erasures(*, at: datetime) -> None:
    """Whatever a crash, or somebody who was reading, kept from being erased; and receipts that were long told."""
    for erasure in Erasure.objects.filter(is_done=False):
        carry_out(erasure)
    scrub_away()
    Erasure.objects.filter(is_done=True, scrubbed=True, asked_at__lt=at - ASKED_AGAIN_FOR).delete()
