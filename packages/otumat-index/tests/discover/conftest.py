"""A project with files, a lane where asked for, and what is private."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from otumat_index.accounts.credentials import of_user
from otumat_index.accounts.models import User
from otumat_index.discover import search
from otumat_index.discover.search.engine.here import Here
from otumat_index.publish import actions, files, queries
from otumat_index.web import hints
from otumat_index.web.lane import Store


@pytest.fixture(autouse=True)
def _own_folder(settings: Any, tmp_path: Path) -> Iterator[None]:
    settings.CONFIG = dataclasses.replace(settings.CONFIG, data=tmp_path)
    files.open_store.cache_clear()
    yield
    hints.open_store.cache_clear()


class Whole(Client):
    """Reads files to their end, as every server does, so that they are closed."""

    def request(self, **request: Any) -> Any:
        response: Any = super().request(**request)
        if response.streaming:
            response.streaming_content = [b"".join(response.streaming_content)]
        return response


@pytest.fixture
def client() -> Client:
    return Whole()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """The lane's store, as `serve` would have made it."""
    hints.open_store.cache_clear()
    made = Store(tmp_path / "cache" / "lane.sqlite3")
    yield made
    made.close()


@pytest.fixture
def hide(now: Any) -> Callable[[str, User], None]:
    """Make a project private."""

    def act(name: str, user: User) -> None:
        by = of_user(user, "session")
        actions.set_visibility(queries.project(name, by=by), is_private=True, by=by, at=now)

    return act


@pytest.fixture
def engine(db: None) -> Iterator[None]:
    """Search answered by the engine, in this process, from the catalogue as it is at each question."""
    with search.answered_by(Here()):
        yield
