"""One worker's table, without a server."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from otumat_index.web.lane.store import Store
from otumat_index.web.lane.table import TURN, Table


def test_a_worker_gives_way_after_some_answers_in_a_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ways: list[None] = []
    Store(tmp_path / "lane.sqlite3").close()
    table = Table(tmp_path / "lane.sqlite3")
    monkeypatch.setattr(os, "sched_yield", lambda: ways.append(None))
    given = []
    for _ in range(2 * TURN):
        table.give_way()
        given.append(len(ways))
    assert given == [0] * (TURN - 1) + [1] * TURN + [2]
