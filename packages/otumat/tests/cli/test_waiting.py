from __future__ import annotations

import pytest

from otumat.cli.waiting import wait_for_confirmation
from otumat.publish.account import Confirmation

NO, YES = Confirmation(False), Confirmation(True)


class Clock:
    """A time that passes only while somebody sleeps."""

    def __init__(self) -> None:
        self.now = 100.0

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def wait(answers: list[Confirmation], limit_s: float = 600) -> tuple[bool, list[float], list[int]]:
    """The outcome, the moments of asking, and what was told."""
    clock = Clock()
    told: list[int] = []
    asked: list[float] = []

    def ask() -> Confirmation:
        asked.append(clock.now - 100)
        return answers.pop(0)

    came = wait_for_confirmation(ask, limit_s=limit_s, tell=told.append, sleep=clock.sleep, clock=lambda: clock.now)
    return came, asked, told


def test_the_wait_ends_when_the_confirmation_is_given() -> None:
    assert wait([NO, YES, YES])[:2] == (True, [2, 5])


def test_asking_becomes_rarer_down_to_every_ten_seconds() -> None:
    _, asked, _ = wait([NO] * 8 + [YES])
    pauses = [after - before for before, after in zip([0, *asked], asked, strict=False)]
    assert pauses == [2, 3, 4.5, 6.75, 10, 10, 10, 10, 10]


def test_the_index_may_ask_for_a_longer_pause() -> None:
    assert wait([Confirmation(False, 60), NO, YES])[1] == [2, 62, 66.5]


def test_the_limit_ends_the_wait() -> None:
    assert wait([NO] * 99, limit_s=12)[:2] == (False, [2, 5, 9.5])


def test_a_pause_that_the_index_asks_for_is_not_cut_short_by_the_limit() -> None:
    came, asked, told = wait([Confirmation(False, 3600)], limit_s=30)
    assert (came, asked, told[-1]) == (False, [2], 29)


@pytest.mark.parametrize("limit_s", [0, -1])
def test_without_any_time_nothing_is_asked(limit_s: float) -> None:
    assert wait([], limit_s) == (False, [], [])


def test_every_second_is_told() -> None:
    assert wait([NO, YES])[2] == [0, 1, 2, 3, 4]
