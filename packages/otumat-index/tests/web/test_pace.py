"""How often somebody may come, counted without a clock of its own."""

from __future__ import annotations

from otumat_index.web import pace
from otumat_index.web.pace import Pace


def test_all_at_once_then_as_it_comes_back() -> None:
    hourly = Pace(at_once=60, per_s=1 / 60)
    assert [hourly.wait_s("alice", at_s=0) for _ in range(60)] == [0] * 60
    assert hourly.wait_s("alice", at_s=0) == 60
    assert hourly.wait_s("bob", at_s=0) == 0
    assert hourly.wait_s("alice", at_s=59) == 1
    assert hourly.wait_s("alice", at_s=60) == 0
    assert hourly.wait_s("alice", at_s=60) == 60
    assert [hourly.wait_s("alice", at_s=90_000) for _ in range(61)] == [0] * 60 + [60]


def test_what_is_refused_is_not_counted() -> None:
    single = Pace(at_once=1, per_s=1)
    assert [single.wait_s("alice", at_s=at_s) for at_s in (0, 0.25, 0.5, 1)] == [0, 0.75, 0.5, 0]


def test_memory_is_bounded_and_keeps_who_came_most() -> None:
    narrow = Pace(at_once=2, per_s=0.001)
    for _ in range(2):
        narrow.wait_s("busy", at_s=0)
    for number in range(pace.KEYS_MAX + 10):
        narrow.wait_s(f"somebody {number}", at_s=0)
    assert len(narrow._empty_at) <= pace.KEYS_MAX
    assert narrow.wait_s("busy", at_s=0) > 0
