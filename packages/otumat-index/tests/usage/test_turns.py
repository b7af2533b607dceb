"""Threads of one process take turns at reading and storing batches: they share one interpreter."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from django.db import connections

from otumat.spec.event import Batch, read_batch
from otumat_index.usage.actions import events
from otumat_index.usage.stores import routing
from otumat_index.usage.stores.turns import ALONE, turn

pytestmark = pytest.mark.django_db(databases="__all__")


def test_who_has_the_turn_at_sqlite_is_alone_in_its_process_until_it_ends_or_fails() -> None:
    waits = connections[routing.alias()].vendor == "sqlite"  # a server takes many batches at once
    with suppress(ZeroDivisionError), turn(routing.alias()):
        assert ALONE.locked() is waits
        raise ZeroDivisionError
    assert not ALONE.locked()


def test_a_batch_is_read_alone_and_one_that_is_none_lets_the_next_one_in(
    copy: Any, counted: Any, today: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    was_alone: list[bool] = []

    def read(body: bytes) -> Batch:
        was_alone.append(ALONE.locked())
        return read_batch(body)

    monkeypatch.setattr(events, "read_batch", read)
    one = copy()
    assert one.send({"batch": "a" * 32}).status_code == 400
    assert one.send(one.batch([today, "import", {}, 1])).status_code == 200
    assert (was_alone, counted(), ALONE.locked()) == ([True, True], {"import": 1}, False)
