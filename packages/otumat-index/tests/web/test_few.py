"""Few long answers at once."""

from __future__ import annotations

import threading

import pytest

from otumat_index.web.errors import TooMany
from otumat_index.web.few import Few


def test_who_gets_no_place_in_time_is_told_to_come_again() -> None:
    few = Few(1, wait_s=0, told="Too many.")
    with few, pytest.raises(TooMany, match="Too many"), few:
        pass
    with few:
        pass


def test_no_more_wait_than_there_are_places() -> None:
    few = Few(1, wait_s=60, told="Too many.")
    served = threading.Event()

    def wait() -> None:
        with few:
            served.set()

    with few:
        waiting = threading.Thread(target=wait)
        waiting.start()
        while few.chairs._value:  # until the other thread waits
            pass
        with pytest.raises(TooMany), few:
            pass
        assert not served.is_set()
    waiting.join()
    assert served.is_set()
