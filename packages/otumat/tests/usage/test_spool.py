"""U3: nothing that was acknowledged is lost, however a process ends. Host programs run for real."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from harness.waiting import PATIENCE_S
from otumat.usage import UsageAgent, answers, changing, held, outbox, spool
from otumat.usage.spool import RS, SEGMENT_BYTES, SPOOL_MAX_BYTES, Writer, machine, prefix, suffix

if TYPE_CHECKING:
    from collections.abc import Callable

    Run = Callable[..., subprocess.CompletedProcess[str]]

LOG = """
import os, sys
from otumat.usage import UsageAgent
agent = UsageAgent(package_name="hostpkg")
for _ in range(int(sys.argv[1])):
    agent.log(event_type="fetch")
"""

ENDINGS = {
    "kill -9": "os.kill(os.getpid(), 9)",
    "os._exit": "os._exit(0)",
    "SIGTERM": "os.kill(os.getpid(), 15)",
    "abort": "os.abort()",
    "exception": "1 / 0",
    "exit": "sys.exit(3)",
}


def times(folder: str) -> int:
    return len(held.held(folder))


@pytest.mark.parametrize("ending", ENDINGS.values(), ids=ENDINGS)
def test_U3_nothing_is_lost_however_a_process_ends(local: str, run_program: Run, ending: str) -> None:
    run_program(LOG + ending, "1000")
    assert times(local) == 1000


def test_U3_nothing_is_lost_in_a_forked_child(local: str, run_program: Run) -> None:
    code = LOG + (
        "child = os.fork()\n"
        "for _ in range(500): agent.log(event_type='after')\n"
        "if not child: os._exit(0)\n"
        "os.waitpid(child, 0)"
    )
    assert run_program(code, "100").returncode == 0
    assert times(local) == 1100


def test_U3_nothing_is_lost_in_a_spawned_child(local: str, run_program: Run, tmp_path: object) -> None:
    code = (
        "import multiprocessing, sys\n"
        "from otumat.usage import UsageAgent\n"
        "if __name__ == '__main__':\n"
        "    with multiprocessing.get_context('spawn').Pool(2) as pool:\n"
        "        agent = UsageAgent(package_name='hostpkg')\n"
        "        pool.map(eval, [sys.argv[1]] * 20)\n"
    )
    done = run_program(code, "__import__('otumat.usage').usage.UsageAgent(package_name='hostpkg').log('s')")
    assert done.returncode == 0, done.stderr
    assert times(local) == 20


def test_U3_K24_eight_processes_at_once_lose_nothing_and_fail_nothing(local: str) -> None:
    line = [sys.executable, "-c", LOG, "1000"]
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    running = [subprocess.Popen(line, env=environ) for _ in range(8)]
    assert [process.wait(PATIENCE_S) for process in running] == [0] * 8
    assert times(local) == 8000


def test_U3_threads_lose_nothing(local: str) -> None:
    agent = UsageAgent(package_name="hostpkg")

    def work() -> None:
        for _ in range(500):
            agent.log(event_type="fetch")

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert times(local) == 4000


def test_threads_that_write_while_segments_change_lose_nothing(local: str) -> None:
    agent = UsageAgent(package_name="hostpkg")
    done = threading.Event()

    def work() -> None:
        for _ in range(2000):
            agent.log(event_type="fetch")

    def seal() -> None:
        while not done.is_set():
            held.seal_all(local, "local")

    sealing = threading.Thread(target=seal)
    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in (sealing, *threads):
        thread.start()
    for thread in threads:
        thread.join()
    done.set()
    sealing.join()
    assert times(local) == 6000


def test_U5_K34_the_cap_holds_and_what_had_to_go_is_counted(local: str) -> None:
    agent, written = UsageAgent(package_name="hostpkg"), 30_000
    for number in range(written):
        agent.log(event_type="often" if number % 10 else "rare")
    sizes = sum(os.stat(path).st_size for path in held.segments(local))
    assert sizes <= SPOOL_MAX_BYTES
    kept, lost = held.held(local), held.lost(local)["room"]
    assert len(kept) + sum(lost.values()) == written
    assert lost["often"] + sum(record.name == "often" for record in kept) == written * 9 // 10


def test_U5_what_is_renamed_while_room_is_looked_for_counts_as_long_as_it_is_there(
    local: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when another process is about to evict it: until that is done there is no room for more."""
    spool = Path(local) / "spool"
    UsageAgent(package_name="hostpkg").log(event_type="first")
    held.seal_all(local, "local")
    for number in range(15):
        (spool / f"local-{machine()}-{number}.sealed").write_bytes(b"\0" * SEGMENT_BYTES)
    looked, looking = [], os.stat

    def stat(path: str, **options: object) -> os.stat_result:
        if str(path).endswith(".sealed") and path not in looked:
            looked.append(path)
            os.rename(path, path + held.EVICTED)
        return looking(path, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(os, "stat", stat)
    UsageAgent(package_name="hostpkg").log(event_type="second")
    monkeypatch.undo()
    assert held.lost(local) == {"room": {"second": 1}}


def test_U5_notes_of_what_was_lost_stay_small(local: str) -> None:
    for _ in range(3000):
        held.count_lost(local, "room", {"fetch": 2, "import": 1})
    assert sum(path.stat().st_size for path in Path(local).glob("lost-*")) < 64 * 1024
    assert held.lost(local) == {"room": {"fetch": 6000, "import": 3000}}


def test_U5_notes_are_never_counted_twice_or_missed_while_they_are_folded(local: str) -> None:
    """Here after each note."""
    code = "import sys\nfrom otumat.usage import held\nheld.LOST_MAX_BYTES = 0\n"
    code += "for _ in range(2000): held.count_lost(sys.argv[1], 'room', {'fetch': 1})"
    noting = [subprocess.Popen([sys.executable, "-c", code, local]) for _ in range(3)]
    seen = [0]
    while any(process.poll() is None for process in noting):
        seen.append(held.lost(local).get("room", {}).get("fetch", 0))
    assert seen == sorted(seen)
    assert held.lost(local) == {"room": {"fetch": 6000}}
    held.wipe(local)
    assert [path.name for path in Path(local).glob("*-*")] == []


def test_U5_what_was_lost_is_noted_elsewhere_while_somebody_who_folds_has_no_turn(local: str) -> None:
    """A process that was stopped in that moment, or a machine that is busy."""
    fcntl = pytest.importorskip("fcntl")
    held.count_lost(local, "room", {"fetch": 1})
    (shared,) = Path(local).glob("lost-*")
    with shared.open("rb") as stopped:
        fcntl.flock(stopped, fcntl.LOCK_EX)
        held.count_lost(local, "room", {"fetch": 2})
    held.count_lost(local, "room", {"fetch": 4})
    assert held.lost(local) == {"room": {"fetch": 7}}
    held.wipe(local)
    assert list(Path(local).glob("lost-*")) == []


def test_U5_notes_stay_as_they_are_when_a_disk_has_no_room_for_all_of_their_sums(
    local: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    held.count_lost(local, "room", {"fetch": 2, "import": 1})
    writing, sizes = os.write, []

    def write(fd: int, data: bytes) -> int:
        sizes.append(len(data))
        return writing(fd, data if len(sizes) == 1 else data[:5])  # the note; then its sums

    monkeypatch.setattr(held, "LOST_MAX_BYTES", 0)
    monkeypatch.setattr(os, "write", write)
    held.count_lost(local, "room", {"fetch": 1})
    assert len(sizes) == 2
    assert held.lost(local) == {"room": {"fetch": 3, "import": 1}}


def test_a_record_that_was_cut_short_spoils_no_other(local: str) -> None:
    writer = Writer(local, "local")
    line = prefix("fetch", {}) + b"1" + suffix("", in_ci=False)
    writer.write(line)
    os.write(writer.fd, line[:9])
    writer.write(line)
    assert [record.name for record in held.held(local)] == ["fetch", "fetch"]


def test_a_segment_that_somebody_holds_is_never_deleted(local: str) -> None:
    writer = Writer(local, "on")
    writer.write(RS + b"x\n")
    (path,) = held.seal_all(local)
    assert not held.delete_if_done(path, 3)
    writer.close()
    assert held.delete_if_done(path, 3)
    assert held.segments(local) == []


def test_U3_a_segment_that_is_begun_while_a_round_tidies_up_is_not_deleted(
    enrolled: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process has made it, and waits for its turn to hold it; who looks then sees an empty one that nobody holds."""
    agent = UsageAgent(package_name="hostpkg")
    asked, removing, logged = held.lost, held.remove, 1

    def lost(folder: str) -> dict[str, dict[str, int]]:
        Writer(folder, "on").close()
        return asked(folder)

    def remove(path: str) -> bool:
        nonlocal logged
        if path.endswith(".open"):
            agent.log(event_type="fetch")
            logged += 1
        return removing(path)

    monkeypatch.setattr(held, "lost", lost)
    monkeypatch.setattr(held, "remove", remove)
    outbox.freeze(enrolled, answers.read(enrolled), "install-1")
    agent.log(event_type="fetch")
    assert len(held.held(enrolled)) == logged


def test_U3_a_segment_that_is_sealed_and_begun_anew_meanwhile_may_not_be_writable_yet(
    local: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who is not root is refused then."""
    holding = spool._hold

    def hold(path: str) -> int:
        monkeypatch.setattr(spool, "_hold", holding)
        held.seal_all(local, "local")
        raise PermissionError(path)

    monkeypatch.setattr(spool, "_hold", hold)
    UsageAgent(package_name="hostpkg").log(event_type="fetch")
    assert [record.name for record in held.held(local)] == ["fetch"]


def test_U5_a_segment_that_was_filled_and_sealed_meanwhile_stays_sealed(
    local: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    changing_mode = os.chmod

    def chmod(path: int | str, mode: int, **options: object) -> None:
        if mode == 0o600:
            monkeypatch.setattr(os, "chmod", changing_mode)
            held.seal_all(local, "local")
        changing_mode(path, mode, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(os, "chmod", chmod)
    monkeypatch.setattr(os, "supports_fd", {*os.supports_fd, chmod})
    UsageAgent(package_name="hostpkg").log(event_type="fetch")
    modes = [os.stat(path).st_mode & 0o777 for path in held.segments(local) if path.endswith(".sealed")]
    assert modes == [0o400]


def test_what_is_lost_after_a_withdrawal_is_noted_nowhere(local: str) -> None:
    """As when somebody looked for room while the user withdrew."""
    changing.withdraw(local, source="test")
    held.count_lost(local, "room", {"fetch": 1})
    assert list(Path(local).glob("lost-*")) == []


def test_a_host_that_closes_every_descriptor_loses_none_of_its_own_files(local: str, run_program: Run) -> None:
    """Daemons do; our number then belongs to a file of theirs."""
    code = LOG + (
        "os.closerange(3, 100)\n"
        "mine = [open(f'{sys.argv[2]}/{n}', 'w') for n in range(20)]\n"
        "for _ in range(50): agent.log(event_type='after')\n"
        "for file in mine: file.close()\n"
    )
    place = os.path.join(os.path.dirname(local), "mine")
    os.makedirs(place)
    done = run_program(code, "10", place)
    assert (done.returncode, done.stderr) == (0, "")
    assert {os.stat(os.path.join(place, name)).st_size for name in os.listdir(place)} == {0}
    assert times(local) == 60


@pytest.mark.skipif(not hasattr(signal, "SIGXFSZ"), reason="no file size limit here")
def test_U11_a_full_disk_is_silent(local: str, run_program: Run) -> None:
    code = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (4000, 4000))\n" + LOG + "print('fine')"
    done = run_program(code, "1000")
    assert (done.stdout, done.stderr, done.returncode) == ("fine\n", "", 0)
    assert 50 < times(local) < 100


@pytest.mark.parametrize("what", ["no HOME", "HOME is a file", "HOME cannot be written"])
def test_U11_a_home_that_is_none_is_silent(run_program: Run, tmp_path: object, what: str) -> None:
    file = f"{tmp_path}/file"
    with open(file, "w"):
        pass
    home = {"no HOME": "", "HOME is a file": file, "HOME cannot be written": "/proc"}[what]
    done = run_program(LOG + "print(agent.show_logs())", "10", HOME=home)
    assert (done.stdout, done.stderr, done.returncode) == ("None\n", "", 0)


def test_U11_a_state_folder_that_became_a_file_is_silent(local: str, run_program: Run) -> None:
    with open(os.path.join(local, "spool"), "w"):
        pass
    done = run_program(LOG, "10")
    assert (done.stdout, done.stderr, done.returncode) == ("", "", 0)


def test_U11_a_clock_that_is_put_back_loses_nothing(local: str, run_program: Run) -> None:
    code = LOG.replace(
        "import os, sys", "import os, sys, time; real = time.time_ns; now = [real()]; time.time_ns = lambda: now[0]"
    )
    code += "now[0] -= 10**18\nagent.log(event_type='past')\nnow[0] += 4 * 10**18\nagent.log(event_type='future')\n"
    done = run_program(code, "3")
    assert done.stderr == ""
    assert times(local) == 5


def test_U11_half_an_answer_is_no_consent(local: str, run_program: Run) -> None:
    with open(os.path.join(local, "consent"), "r+") as file:
        file.truncate(40)
    done = run_program(LOG + "print(agent.show_logs())", "10")
    assert (done.stdout, done.stderr) == ("None\n", "")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can give files away")
def test_U11_another_users_answer_is_not_ours(local: str, run_program: Run) -> None:
    os.chown(os.path.join(local, "consent"), 12345, 12345)
    done = run_program(LOG + "print(agent.show_logs())", "10")
    assert (done.stdout, done.stderr) == ("None\n", "")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can give files away")
def test_U11_root_leaves_nothing_in_somebody_elses_home(home: object, run_program: Run) -> None:
    os.chown(str(home), 12345, 12345)
    run_program(LOG, "10", CI="1", OTUMAT_USAGE="on")
    assert os.listdir(str(home)) == []


@pytest.mark.parametrize("level", ["off", "local"])
def test_a_round_that_gathers_meanwhile_keeps_nothing_from_who_says_no(
    enrolled: str, say: Callable[..., None], level: str
) -> None:
    Writer(enrolled, "on").write(prefix("fetch", {}) + b"1" + suffix("", in_ci=False))
    (path,) = held.seal_all(enrolled)
    held.gather(path)
    say(level)
    held.let_go(enrolled)
    names = [os.path.basename(path) for path in held.segments(enrolled)]
    assert [name[:5] for name in names] == {"off": [], "local": ["local"]}[level]
    assert not [name for name in names if not name.endswith(".sealed")]
