"""A small index to look at."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from otumat_index.accounts.credentials import of_user
from otumat_index.accounts.models import User
from otumat_index.discover.pages import home, numbers
from otumat_index.publish import actions
from otumat_index.publish.models import Project


@pytest.fixture(autouse=True)
def _numbers_of_this_test() -> None:
    numbers.numbers.forget()
    home.everything.forget()


Register = Callable[..., Project]


@pytest.fixture
def register(alice: User, now: datetime) -> Register:
    """Alice registers a release: `register("roundup", "1.0", summary="…", classifiers=[…])`."""
    moment = [now]

    def make(name: str, version: str = "1.0", *, is_private: bool = False, **fields: Any) -> Project:
        moment[0] += timedelta(minutes=1)
        by = of_user(alice, "session")
        pairs = [("name", name), ("version", version)]
        pairs += [
            (key, each) for key, value in fields.items() for each in ([value] if isinstance(value, str) else value)
        ]
        actions.submit_release(pairs, by=by, at=moment[0])
        project = Project.objects.get(name=name)
        if is_private:
            actions.set_visibility(project, is_private=True, by=by, at=moment[0])
        return project

    return make
