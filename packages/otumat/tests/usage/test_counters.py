"""Counters in a shared map: U2 and U3 for hot paths. Host programs run for real."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING

import pytest

import otumat
from harness.using import ADD, PACKAGE, agent, map_files, mapped
from otumat.spec.consent import LOCAL, ON
from otumat.usage import UsageAgent, changing, counters, held, maps, state, tallies
from otumat.usage.maps import MAP_BYTES, MAPS_MAX

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Run = Callable[..., subprocess.CompletedProcess[str]]

pytestmark = pytest.mark.usefixtures("forgotten")
ENDINGS = {
    "kill -9": "os.kill(os.getpid(), 9)",
    "os._exit": "os._exit(0)",
    "SIGTERM": "os.kill(os.getpid(), 15)",
    "abort": "os.abort()",
    "exception": "1 / 0",
}


def test_what_is_added_is_held_and_shown(local: str) -> None:
    counter = agent().counter("fetch")
    counter.add()
    counter.add(41)
    assert state.counts(local) == {"fetch": 42}
    logs = agent().show_logs()
    assert logs is not None
    assert [name for _, name in logs] == ["fetch × 42"]
    assert (mapped(local), held.held(local)) == (42, [])


@pytest.mark.parametrize("ending", ENDINGS.values(), ids=ENDINGS)
def test_U3_nothing_is_lost_however_a_process_ends(local: str, run_program: Run, ending: str) -> None:
    run_program(ADD + ending, "1000")
    assert mapped(local) == 1000


def test_U3_a_forked_child_counts_in_a_map_of_its_own(local: str, run_program: Run) -> None:
    code = ADD + (
        "child = os.fork()\nfor _ in range(5000): counter.add()\nif not child: os._exit(0)\nos.waitpid(child, 0)"
    )
    assert run_program(code, "100").returncode == 0
    assert mapped(local) == 10_100
    assert len(map_files(local)) == 2


def test_U3_eight_processes_at_once_lose_nothing(local: str) -> None:
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    running = [subprocess.Popen([sys.executable, "-c", ADD, "20000"], env=environ) for _ in range(8)]
    assert [process.wait(60) for process in running] == [0] * 8
    assert state.counts(local) == {"fetch": 160_000}


def test_U3_threads_lose_nothing(local: str) -> None:
    counting = agent()
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)

    def work() -> None:
        counter = counting.counter("fetch")
        for _ in range(20_000):
            counter.add()

    try:
        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(before)
    # Without a global lock, more is written down while the map is being opened than the spool has room for.
    assert state.counts(local)["fetch"] + held.lost(local).get("room", {}).get("fetch", 0) == 80_000


def test_a_signal_handler_that_counts_neither_waits_for_itself_nor_loses_anything(local: str, run_program: Run) -> None:
    code = (
        "import signal\n" + ADD + "counter.add(); seen = []\n"
        "def handle(*_):\n"
        "    seen.append(1); counter.add()\n"
        "signal.signal(signal.SIGALRM, handle)\n"
        "signal.setitimer(signal.ITIMER_REAL, 0.0005, 0.0005)\n"
        "for _ in range(200_000): counter.add()\n"
        "signal.setitimer(signal.ITIMER_REAL, 0)\n"
        "print(len(seen))"
    )
    done = run_program(code, "0")
    assert done.stderr == ""
    assert state.counts(local) == {"fetch": 200_001 + int(done.stdout)}


def test_the_next_process_goes_on_with_the_map_of_one_that_has_ended(local: str, run_program: Run) -> None:
    for _ in range(5):
        run_program(ADD, "10")
    assert len(map_files(local)) == 1
    assert mapped(local) == 50


def test_counting_is_bounded_and_goes_on_as_records(local: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """As if MAPS_MAX processes counted already."""
    place = maps.maps_folder(local)
    os.makedirs(place)
    taken = []
    for number in range(MAPS_MAX):
        taken.append(maps._make(os.path.join(place, f"local-other-{number}.map")))
    agent().counter("fetch").add(7)
    assert len(map_files(local)) == MAPS_MAX
    assert [(each.name, each.times) for each in held.held(local)] == [("fetch", 7)]
    assert state.counts(local) == {"fetch": 7}
    os.close(taken[0])
    assert tallies.evict(local)
    agent().counter("fetch").add(7)
    assert mapped(local) == 7


def test_U5_full_maps_make_room_and_what_had_to_go_is_counted(local: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Eight years of days without a host: each day's count is a label of its own."""
    now = [time.time_ns()]
    monkeypatch.setattr(counters, "time_ns", lambda: now[0])
    counter, other = agent().counter("fetch"), agent().counter("import")
    for _ in range(3000):
        counter.add(3)
        other.add()
        now[0] += 24 * 60 * 60 * 10**9
    assert len(map_files(local)) <= MAPS_MAX
    assert sum(os.stat(os.path.join(maps.maps_folder(local), name)).st_size for name in map_files(local)) <= (
        MAPS_MAX * MAP_BYTES
    )
    lost = held.lost(local)["room"]
    kept = state.counts(local)
    assert {name: kept[name] + lost[name] for name in kept} == {"fetch": 9000, "import": 3000}
    assert kept["fetch"] > lost["fetch"]


def test_where_a_map_could_kill_its_program_there_is_none(local: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """As if this were a network file system, or one that copies on write."""
    monkeypatch.setattr(maps, "_WRITES_IN_PLACE", frozenset())
    agent().counter("fetch").add(5)
    assert map_files(local) == []
    assert state.counts(local) == {"fetch": 5}


def test_this_machines_own_file_systems_are_known() -> None:
    assert maps.writes_in_place("/dev/shm") or sys.platform != "linux"
    assert not maps.writes_in_place("/proc/self")


def test_U11_without_room_on_the_disk_it_is_silent(local: str, run_program: Run) -> None:
    code = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (4000, 4000))\n" + ADD + "print('fine')"
    done = run_program(code, "30")
    assert (done.stdout, done.stderr, done.returncode) == ("fine\n", "", 0)
    assert map_files(local) == []
    assert state.counts(local) == {"fetch": 30}


@pytest.mark.parametrize("times", [0, -1, 10**9 + 1, True, "1", None, 1.5])
def test_what_is_no_number_of_uses_is_ignored(local: str, times: object) -> None:
    counter = agent().counter("fetch")
    counter.add(times)  # type: ignore[arg-type]
    counter.add()
    assert state.counts(local) == {"fetch": 1}


def test_U6_without_consent_nothing_is_touched(home: Path, folder: str) -> None:
    counter = agent_of_nobody().counter("fetch")
    for _ in range(100):
        counter.add()
    assert not os.path.exists(folder)


def agent_of_nobody() -> UsageAgent:
    return UsageAgent(package_name=PACKAGE, enrolment="manual")


def test_U10_only_what_was_accepted_is_counted(package: Path, folder: str) -> None:
    from otumat.usage import manifests

    __import__(PACKAGE)
    changing.turn(folder, LOCAL, package=PACKAGE, found=manifests.find(PACKAGE), source="test")
    counting = agent()
    counting.counter("fetch", backend="mysql").add(2)
    counting.counter("fetch", backend="/home/alice").add(3)
    counting.counter("delete").add(4)
    found = [(each.record.properties, each.record.times) for each in tallies.tallies(folder)]
    assert sorted(found) == [((("backend", "mysql"),), 2), ((("backend", "other"),), 3)]


@pytest.mark.parametrize(("name", "value"), [("DO_NOT_TRACK", "1"), ("OTUMAT_USAGE", "off")])
def test_U7_a_variable_denies_at_the_next_add(
    local: str, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    counter = agent().counter("fetch")
    counter.add()
    monkeypatch.setenv(name, value)
    counter.add()
    monkeypatch.delenv(name)
    counter.add()
    assert mapped(local) == 2


def test_U7_a_dependants_list_denies_at_the_next_add(local: str, monkeypatch: pytest.MonkeyPatch) -> None:
    counter = agent().counter("fetch")
    counter.add()
    monkeypatch.setattr(otumat, "DISABLE_USAGE_TRACKING_PACKAGES", ["HostPkg"])
    counter.add()
    otumat.DISABLE_USAGE_TRACKING_PACKAGES[:] = ["another"]
    counter.add()
    assert mapped(local) == 2


def test_a_withdrawal_is_noticed_at_the_next_add(local: str) -> None:
    counter = agent().counter("fetch")
    counter.add()
    changing.withdraw(local, source="test")
    counter.add()
    assert (map_files(local), state.counts(local)) == ([], {})


def test_a_yes_after_a_no_begins_anew(local: str, say: Callable[..., None]) -> None:
    agent().counter("fetch").add(5)
    changing.withdraw(local, source="test")
    say(LOCAL)
    agent().counter("fetch").add(2)
    assert state.counts(local) == {"fetch": 2}


def test_from_on_to_local_what_was_counted_stays_here(local: str, say: Callable[..., None]) -> None:
    say(ON, url="https://index.example.org")
    counter = agent().counter("fetch")
    counter.add(2)
    say(LOCAL)
    counter.add(3)
    assert tallies.tallies(local, ON) == []
    assert state.counts(local) == {"fetch": 5}


def test_a_host_that_closes_every_descriptor_loses_none_of_its_own_files(local: str, run_program: Run) -> None:
    """Daemons do; our numbers then belong to files of theirs, which they write at their very end."""
    code = ADD + (
        "os.closerange(3, 100)\n"
        "mine = [open(f'{sys.argv[2]}/{n}', 'w') for n in range(20)]\n"
        "for file in mine: print('theirs', file=file)\n"
        "for _ in range(50): counter.add()\n"
    )
    place = os.path.join(os.path.dirname(local), "mine")
    os.makedirs(place)
    done = run_program(
        code.replace("import os", "import warnings; warnings.simplefilter('ignore')\nimport os"), "10", place
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert {os.stat(os.path.join(place, name)).st_size for name in os.listdir(place)} == {len("theirs\n")}
    assert mapped(local) == 60


@pytest.mark.parametrize("data", [b"", b"otumatC1", b"x" * MAP_BYTES, b"otumatC1" + b"\xff" * (MAP_BYTES - 8)])
def test_a_file_that_is_no_map_is_nothing(local: str, data: bytes) -> None:
    place = maps.maps_folder(local)
    os.makedirs(place)
    with open(os.path.join(place, "local-0.map"), "wb") as file:
        file.write(data)
    assert tallies.tallies(local) == []
    agent().counter("fetch").add()
    assert state.counts(local) == {"fetch": 1}
