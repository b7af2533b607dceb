"""Weeks of uses, told straight to the store."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import pytest

from otumat.spec.event import Where
from otumat_index.accounts.credentials import of_user
from otumat_index.accounts.models import User
from otumat_index.publish.models import Project
from otumat_index.usage.published.actions import set_publishing
from otumat_index.usage.stores.orm import STORE
from otumat_index.usage.stores.protocol import Accepted, Key

TODAY = datetime(2026, 5, 31, 12, tzinfo=UTC)
WEEK = date(2026, 5, 11)
"""The last week (its Monday) that is told of on that day."""
HERE = Where("1.0", "3.12", "linux", "x86_64")
NUMBERS = itertools.count(1)


def tell(project: int, install: int, day: date, where: Where = HERE) -> None:
    """Let an install be used on a day."""
    number = next(NUMBERS)
    counts = {Key(day, "import", "", where.release): 1}
    STORE.accept(Accepted(install, project, f"{number:032x}", 0, "0" * 64, day, b"", counts, days={day: where}))


@pytest.fixture
def used(project: Project) -> Callable[..., range]:
    """Let so many new installs be used in a week; returns their numbers."""

    def make(count: int, *, week: date = WEEK, where: Where = HERE) -> range:
        start = next(NUMBERS) * 100_000
        for install in range(start, start + count):
            tell(project.pk, install, week + timedelta(install % 7), where)
        return range(start, start + count)

    return make


@pytest.fixture
def again(project: Project) -> Callable[..., None]:
    """Let an install be used on a day, whatever it told before."""

    def make(install: int, day: date, where: Where = HERE) -> None:
        tell(project.pk, install, day, where)

    return make


@pytest.fixture
def published(project: Project, alice: User) -> Callable[[], None]:
    """Let Alice publish how her project is used."""

    def make() -> None:
        set_publishing(project, is_on=True, by=of_user(alice, "session"), at=TODAY)

    return make
