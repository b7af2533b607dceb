"""What usage does by itself: batches lose their bodies in time, and an erasure that was cut short is finished."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.utils import timezone

from otumat_index.jobs import follower
from otumat_index.usage import actions
from otumat_index.usage.stores.orm import STORE


@follower.every(60)
def finish_erasures() -> None:
    actions.finish_erasures(at=timezone.now())


@follower.every(3600)
def expire_batches() -> None:
    STORE.expire(timezone.now().date() - timedelta(days=settings.CONFIG.usage_raw_days))
