"""U5: what had to go is told once, wherever whoever makes room for others is killed."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from otumat.spec.consent import LOCAL
from otumat.usage import answers, due, evicting, held, notes, outbox, tallies
from otumat.usage.hosts import usage_transport
from otumat.usage.sender import send_round
from otumat.usage.spool import RS

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable

    from otumat.testing.usage import UsageHost

    Run = Callable[..., subprocess.CompletedProcess[str]]

RECORD = RS + b"often\t\t1\t\t3.11\tlinux\tx86_64\t\n"
EVICT = """
import os, sys
from otumat.usage import evicting, held, notes
def dying(where, name, *, after):
    then = getattr(where, name)
    def called(*arguments, **more):
        if after:
            then(*arguments, **more)
        os.kill(os.getpid(), 9)
    setattr(where, name, called)
held.LOST_MAX_BYTES = int(sys.argv[2])
"""
MOMENTS = {
    "renamed": "dying(os, 'chmod', after=False)",
    "noted": "dying(held, '_note_lost', after=True)",
    "before it is folded": "dying(notes, 'folded', after=False)",
    "before the sums are there": "dying(os, 'replace', after=False)",
    "the sums are there": "dying(os, 'replace', after=True)",
    "before it is deleted": "dying(held, 'remove', after=False)",
    "deleted": "dying(held, 'remove', after=True)",
}


@pytest.mark.parametrize(
    ("ending", "moment"),
    [
        *(pytest.param("sealed", code, id=name) for name, code in MOMENTS.items()),
        pytest.param("open", MOMENTS["noted"], id="noted, of one that was left open"),
    ],
)
def test_U5_a_segment_that_is_evicted_is_lost_once(
    local: str, run_program: Run, monkeypatch: pytest.MonkeyPatch, ending: str, moment: str
) -> None:
    """Its notes are folded each time, which must not hide whose they are."""
    path = Path(local, "spool", f"{LOCAL}-elsewhere.{ending}")
    path.parent.mkdir()
    path.write_bytes(RECORD * 1000)
    killed = run_program(EVICT + moment + "\nevicting.evict(sys.argv[1], lambda: False, machine='')", local, "0")
    assert killed.returncode == -9
    monkeypatch.setattr(evicting, "_EVICTING_S", -1)  # as if that was a while ago
    monkeypatch.setattr(held, "LOST_MAX_BYTES", 0)
    evicting.evict(local, lambda: held.segments(local) == [], machine="")
    assert (held.listed(str(path.parent)), held.lost(local)) == ([], {"room": {"often": 1000}})
    held.count_lost(local, held.ROOM, {"often": 1})
    (noted,) = Path(local).glob("lost-*")
    assert noted.read_bytes() == b"room\toften\t1001\n"


def test_U5_what_somebody_wrote_before_the_eviction_was_taken_up_is_told_too() -> None:
    first, again = (notes.lines({"room": {"often": times}}, "on-1.sealed") for times in (10, 11))
    other = notes.lines({"room": {"often": 5}}, "on-2.sealed")
    assert notes.sums(first + other + again) == {"room": {"often": 16}}
    folded = notes.folded(first + other, there=["on-1.sealed"])
    assert notes.sums(folded + again) == {"room": {"often": 16}}


def test_U5_segments_that_a_machine_left_open_one_after_the_other_are_different_ones(local: str) -> None:
    """They have the same name until they are evicted."""
    path = Path(local, "spool", f"{LOCAL}-elsewhere.open")
    path.parent.mkdir()
    for times in (1000, 10):
        path.write_bytes(RECORD * times)
        evicting.evict(local, lambda: held.segments(local) == [], machine="")
    assert held.lost(local) == {"room": {"often": 1010}}


def test_U5_counts_that_a_killed_round_had_frozen_are_not_told_as_lost_too(
    enrolled: str, host: UsageHost, run_program: Run
) -> None:
    """Killed before it noted that; another process makes room for its map."""
    due.set_due(enrolled, time.time() + 3600)  # no process of its own: the test sends
    count = "from otumat.usage import UsageAgent\nUsageAgent(package_name='hostpkg').counter('fetch').add(10)"
    assert run_program(count).returncode == 0
    outbox.freeze(enrolled, answers.read(enrolled), "install-1")
    os.unlink(os.path.join(enrolled, "cursors.json"))
    assert tallies.evict(enrolled)
    send_round(enrolled, "hostpkg", over=usage_transport())
    assert (host.counts, held.lost(enrolled)) == ({"fetch": 10}, {})
