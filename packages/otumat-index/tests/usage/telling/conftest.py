"""Weeks of uses, told straight to the store, and the mail that comes of them."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import pytest
from django.core import mail

from otumat.spec.event import Where
from otumat_index.jobs.mailer import Mailer
from otumat_index.publish.models import Project
from otumat_index.usage.stores.orm import STORE
from otumat_index.usage.stores.protocol import Accepted, Key
from otumat_index.usage.telling.actions import tell_all

TUESDAY = datetime(2026, 5, 19, 12, tzinfo=UTC)
NUMBERS = itertools.count(1)


@pytest.fixture
def used(project: Project) -> Callable[..., None]:
    """Let so many installs be used on a day, and lose something perhaps."""

    def make(count: int, day: date, *, release: str = "1.0", lost: int = 0) -> None:
        for install in range(1, count + 1):
            number = next(NUMBERS)
            counts = {Key(day, "fetch", "", release): 2}
            losses = {("room", "fetch"): lost} if lost and install == 1 else {}
            days = {day: Where(release, "3.12", "linux", "x86_64")}
            name = f"{number:032x}"
            batch = Accepted(install, project.pk, name, 0, "0" * 64, day, b"", counts, days=days, losses=losses)
            STORE.accept(batch)

    return make


@pytest.fixture
def sent(transactional_db: None) -> Callable[..., list[Any]]:
    """Tell what is due at a time: the messages that left."""

    def deliver(at: datetime = TUESDAY) -> list[Any]:
        mail.outbox.clear()
        tell_all(at=at)
        Mailer().send_due(at=at)
        return list(mail.outbox)

    return deliver
