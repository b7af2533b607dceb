"""What all tests rest on."""

from __future__ import annotations

import pytest

from harness.server import free_port
from harness.waiting import DAY_S, stay_in_one_day


def test_no_port_is_told_twice_nor_to_two_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    found = []
    for worker in ("gw0", "gw1"):
        monkeypatch.setenv("PYTEST_XDIST_WORKER", worker)
        found += [free_port() for _ in range(200)]
    assert len(set(found)) == len(found)


@pytest.mark.parametrize(
    ("left_s", "begins_at_s"),
    [
        (DAY_S, 0),
        (DAY_S / 2, DAY_S / 2),
        (30, DAY_S - 30),
        (29.99, DAY_S),
        (0.5, DAY_S),
    ],
)
def test_no_test_begins_so_late_that_its_day_ends_meanwhile(left_s: float, begins_at_s: float) -> None:
    clock = [20_000 * DAY_S - left_s]

    def sleep(for_s: float) -> None:
        clock[0] += for_s * 0.99  # a sleep may end a little early

    stay_in_one_day(30, now=lambda: clock[0], sleep=sleep)
    assert clock[0] - 19_999 * DAY_S == pytest.approx(begins_at_s, abs=1)
    assert begins_at_s < DAY_S or clock[0] >= 20_000 * DAY_S
