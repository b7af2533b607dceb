"""What was counted in shared maps arrives once, and its maps go."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from harness.using import ADD, agent, map_files, send
from otumat.spec.consent import LOCAL, ON
from otumat.usage import answers, changing, counters, due, maps, outbox, state, tallies
from otumat.usage.sender import Round
from otumat.usage.spool import give_back

if TYPE_CHECKING:
    from collections.abc import Callable

    from otumat.testing.usage import UsageHost

    Run = Callable[..., subprocess.CompletedProcess[str]]

pytestmark = pytest.mark.usefixtures("forgotten")


def test_what_was_counted_arrives_once_while_counting_goes_on(enrolled: str, host: UsageHost) -> None:
    counting = agent()
    counter = counting.counter("fetch")
    counter.add(10)
    counting.log("fetch")
    assert send(enrolled) == Round(batches=1, uses=11)
    assert send(enrolled) == Round()
    counter.add(5)
    assert state.counts(enrolled) == {"fetch": 5}
    send(enrolled)
    assert host.counts == {"fetch": 16}
    assert state.counts(enrolled) == {}


@pytest.mark.parametrize("fault", ["lose", "reset", (500, {}, b"")])
def test_U12_a_lost_answer_is_asked_for_again_and_counted_once(enrolled: str, host: UsageHost, fault: object) -> None:
    counter = agent().counter("fetch")
    counter.add(10)
    host.faults["/api/usage-event"] = [fault]  # type: ignore[list-item]
    assert send(enrolled).trouble
    counter.add(5)
    assert send(enrolled).trouble == ""
    assert host.counts == {"fetch": 15}


def test_U12_a_crash_between_freezing_and_noting_counts_nothing_twice(enrolled: str, host: UsageHost) -> None:
    agent().counter("fetch").add(10)
    outbox.freeze(enrolled, answers.read(enrolled), "install-1")
    os.unlink(os.path.join(enrolled, "cursors.json"))
    agent().counter("fetch").add(5)
    send(enrolled)
    assert host.counts == {"fetch": 15}


def test_a_map_is_deleted_once_all_of_it_was_sent_and_its_process_is_gone(
    enrolled: str, host: UsageHost, run_program: Run
) -> None:
    due.set_due(enrolled, time.time() + 3600)
    run_program(ADD, "10")
    assert len(map_files(enrolled)) == 1
    send(enrolled)
    send(enrolled)
    assert map_files(enrolled) == []
    mine = agent().counter("fetch")
    mine.add()
    send(enrolled)
    send(enrolled)
    assert len(map_files(enrolled)) == 1
    assert host.counts == {"fetch": 11}


def test_counts_beyond_what_a_row_may_say_are_several_rows(enrolled: str, host: UsageHost) -> None:
    counter = agent().counter("fetch")
    for _ in range(3):
        counter.add(10**9)
    assert send(enrolled).trouble == ""
    assert host.counts == {"fetch": 3 * 10**9}


def test_a_host_of_0_3_gets_a_row_for_each_use_at_a_time_of_its_own(enrolled: str) -> None:
    import json

    agent().counter("fetch").add(2500)
    waiting = outbox.freeze(enrolled, answers.read(enrolled), "install-1", dialect="0.3")
    times = [row[0] for frozen in waiting for row in json.loads(frozen.body)["rows"]]
    assert len(times) == len(set(times)) == 2500


def test_U3_a_map_that_is_begun_while_a_round_tidies_up_loses_nothing(
    enrolled: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process has made the file, and waits for its turn to hold it: whoever deletes it then holds it meanwhile."""
    holding = maps.hold

    def hold(fd: int) -> bool:
        monkeypatch.setattr(maps, "hold", holding)
        tallies.delete_done(enrolled, {}, {})
        return False

    monkeypatch.setattr(maps, "hold", hold)
    counter = agent().counter("fetch")
    counter.add(3)
    counter.add(4)
    assert state.counts(enrolled) == {"fetch": 7}


def test_U12_a_map_that_goes_while_they_are_looked_through_has_no_other_told_twice(
    enrolled: str, host: UsageHost
) -> None:
    """A name without a file is what a listing has of one that another process deletes right then."""
    agent().counter("fetch").add(10)
    os.symlink("nowhere", os.path.join(maps.maps_folder(enrolled), "on-gone.map"))
    for _ in range(3):
        send(enrolled)
    assert host.counts == {"fetch": 10}
    changing.withdraw(enrolled, source="test")
    assert map_files(enrolled) == ["on-gone.map"]


def test_U5_what_a_round_tells_meanwhile_is_not_evicted_as_lost_too(
    enrolled: str, host: UsageHost, run_program: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    due.set_due(enrolled, time.time() + 3600)
    run_program(ADD, "10")
    asking = outbox.told_of

    def told_of(folder: str) -> dict[str, int]:
        monkeypatch.setattr(outbox, "told_of", asking)
        told = asking(folder)
        send(folder)
        return told

    monkeypatch.setattr(outbox, "told_of", told_of)
    assert tallies.evict(enrolled)
    send(enrolled)
    lost = sum(each.get("room", {}).get("fetch", 0) for each in host.lost)
    assert host.counts.get("fetch", 0) + lost == 10


def test_a_map_that_is_taken_over_while_the_answer_changes_counts_for_no_other_answer(
    enrolled: str, host: UsageHost, say: Callable[..., None], run_program: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    due.set_due(enrolled, time.time() + 3600)
    run_program(ADD, "10")
    mapping = maps._mapped

    def mapped_late(fd: int, when_forked: Callable[[], None]) -> maps.Map:
        monkeypatch.setattr(maps, "_mapped", mapping)
        say(LOCAL)
        say(ON, url=host.url)
        return mapping(fd, when_forked)

    monkeypatch.setattr(maps, "_mapped", mapped_late)
    agent().counter("fetch").add(3)
    assert [each.record.times for each in tallies.tallies(enrolled, ON)] == [3]
    assert state.counts(enrolled) == {"fetch": 13}


def test_a_daemon_that_closed_every_descriptor_counts_in_no_map_that_was_deleted(
    enrolled: str, host: UsageHost
) -> None:
    """Where a mapping does not keep the lock, as on Linux it does, nobody sees that the map is counted in."""
    counter = agent().counter("fetch")
    counter.add(10)
    (own,) = counters._open.values()
    give_back(own._fd)
    send(enrolled)
    assert map_files(enrolled) == []
    counter.add(5)
    send(enrolled)
    assert host.counts == {"fetch": 15}


def test_a_map_that_is_counted_in_right_before_it_is_deleted_stays(
    enrolled: str, host: UsageHost, run_program: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    due.set_due(enrolled, time.time() + 3600)
    run_program(ADD, "10")
    ending = tallies._end

    def end(fd: int) -> None:
        monkeypatch.setattr(tallies, "_end", ending)
        os.pwrite(fd, (11).to_bytes(8, sys.byteorder), maps.BEGIN)
        ending(fd)

    monkeypatch.setattr(tallies, "_end", end)
    send(enrolled)
    assert len(map_files(enrolled)) == 1
    send(enrolled)
    assert (host.counts, map_files(enrolled)) == ({"fetch": 11}, [])
