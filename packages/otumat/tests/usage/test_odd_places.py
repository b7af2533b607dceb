"""U11: zips, sub-interpreters, several Pythons at once, files of somebody else, a disk that is full. All are silent."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import otumat
from harness.waiting import PATIENCE_S
from otumat.spec.consent import LOCAL
from otumat.usage import changing, due, held, manifests, maps, state
from otumat.usage.hosts import usage_transport
from otumat.usage.sender import send_round
from otumat.usage.spool import SPOOL_MAX_BYTES

if TYPE_CHECKING:
    from collections.abc import Callable

    from otumat.testing.usage import UsageHost

    Run = Callable[..., subprocess.CompletedProcess[str]]

PACKAGE = "hostpkg"
USE = """
import sys
from otumat.usage import UsageAgent
agent = UsageAgent(package_name="hostpkg")
counter = agent.counter("fetch")
for _ in range(100):
    agent.log("fetch")
    counter.add()
"""
IN_THREADS = """
import threading
from otumat.usage import UsageAgent
agent = UsageAgent(package_name="hostpkg")
counter = agent.counter("add")

def work():
    for _ in range(2000):
        agent.log("fetch")
        counter.add()

threads = [threading.Thread(target=work) for _ in range(16)]
for thread in threads: thread.start()
for thread in threads: thread.join()
"""
IN_SUB_INTERPRETER = """
import sys
try:
    import _interpreters as interpreters
except ImportError:
    import _xxsubinterpreters as interpreters
one = interpreters.create()
failed = (interpreters.exec if hasattr(interpreters, "exec") else interpreters.run_string)(one, sys.argv[1])
assert failed is None, failed
interpreters.destroy(one)
"""
NOBODY = 12345

only_root = pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can give files away")


@pytest.fixture
def zipped(package: Path, tmp_path: Path) -> Path:
    """Otumat and the host package, in one zip and nowhere else."""
    target = tmp_path / "all.zip"
    source = Path(otumat.__file__).parent
    with zipfile.ZipFile(target, "w") as archive:
        for path in [*source.rglob("*.py"), *package.iterdir()]:
            if path.is_file():
                archive.write(path, path.relative_to(source.parent if path.is_relative_to(source) else package.parent))
    return target


def test_U11_a_package_in_a_zip_counts_what_its_manifest_declares(
    folder: str, package: Path, zipped: Path, run_program: Run
) -> None:
    changing.turn(folder, LOCAL, package=PACKAGE, found=manifests.find(PACKAGE), source="test")
    code = "import hostpkg\n" + USE + "agent.log('undeclared')\nprint(hostpkg.__file__)"
    done = run_program(code, PYTHONPATH=str(zipped))
    assert (done.stderr, "all.zip" in done.stdout) == ("", True)
    assert state.counts(folder) == {"fetch": 200}


def test_U11_otumat_in_a_zip_finds_the_manifest_there_and_sends(
    enrolled: str, host: UsageHost, zipped: Path, run_program: Run
) -> None:
    done = run_program("import hostpkg\n" + USE, PYTHONPATH=str(zipped))
    assert (done.stderr, done.returncode) == ("", 0)
    found = "from otumat.usage import manifests; import hostpkg; print(manifests.find('hostpkg').manifest.project)"
    assert run_program(found, PYTHONPATH=str(zipped)).stdout == "hostpkg\n"
    deadline = time.monotonic() + PATIENCE_S
    while not host.counts and time.monotonic() < deadline:  # by a process of its own, out of the zip
        time.sleep(0.05)
    assert host.counts["fetch"] > 0


def test_U11_sub_interpreters_lose_nothing(local: str, run_program: Run, pythons: list[str]) -> None:
    for number, python in enumerate(pythons, 1):
        done = run_program(
            "import warnings; warnings.simplefilter('ignore')\n" + IN_SUB_INTERPRETER, USE, python=python
        )
        assert (done.stderr, done.returncode) == ("", 0), python
        assert state.counts(local) == {"fetch": 200 * number}, python


def test_U11_several_pythons_at_once_lose_nothing(local: str, pythons: list[str]) -> None:
    environ = {**os.environ, "PYTHONPATH": str(Path(otumat.__file__).parents[1]), "PYTHONDONTWRITEBYTECODE": "1"}
    started = [subprocess.Popen([python, "-c", USE * 5], env=environ) for python in [*pythons, *pythons]]
    assert [process.wait(PATIENCE_S) for process in started] == [0] * len(started)
    assert state.counts(local) == {"fetch": 2 * 5 * 200 * len(pythons)}
    assert {record.where.python for record in held.held(local)} >= {"3.%d" % sys.version_info[1]}  # noqa: UP031


def test_U11_threads_without_a_global_lock_lose_nothing(local: str, run_program: Run, free_threaded: str) -> None:
    """More than the spool holds, so that they seal and make room at once, too."""
    done = run_program(IN_THREADS, python=free_threaded, PYTHON_GIL="0")
    assert (done.stderr, done.returncode) == ("", 0)
    lost = held.lost(local)["room"]
    counted = {name: times + lost.get(name, 0) for name, times in state.counts(local).items()}
    assert counted == {"fetch": 32_000, "add": 32_000}


@only_root
@pytest.mark.parametrize(("theirs", "counted"), [("files", 200 + 200), ("folders", 200)])
def test_U11_files_of_somebody_else_are_let_be(local: str, run_program: Run, theirs: str, counted: int) -> None:
    """As after a `sudo` of long ago: the answer is ours, what lies beside it is not."""
    run_program(USE)
    with tempfile.TemporaryDirectory() as place:  # pytest's own folders are closed to others
        home = shutil.copytree(os.environ["HOME"], f"{place}/home")
        folder = f"{home}/.local/state/otumat/{PACKAGE}"
        for path in [Path(place), *Path(place).rglob("*")]:
            inside = path.parent if theirs == "files" else path
            is_theirs = inside.name in ("spool", "counts")
            os.chown(path, 0 if is_theirs else NOBODY, -1)
        code = "import os\n" + USE  # at home, so that everything is imported that the other may not read
        code += f"os.environ['HOME'] = {home!r}; os.setuid({NOBODY})\n" + USE + "print('fine')"
        done = run_program(code)
        assert (done.stdout, done.stderr, done.returncode) == ("fine\n", "", 0)
        assert state.counts(folder) == {"fetch": counted}


@only_root
def test_U11_a_disk_that_is_full_is_silent_and_nothing_that_was_written_is_lost(
    local: str, tmp_path: Path, run_program: Run
) -> None:
    """A file system of 64 KiB, for real."""
    small = tmp_path / "small"
    small.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", small], check=False)
    if mounted.returncode:
        return  # where root may not mount, as in containers; a limit on files is in test_spool.py
    try:
        os.symlink(small, os.path.join(local, "spool"))
        os.symlink(small, maps.maps_folder(local))
        code = USE * 20 + "print('fine')"
        done = run_program(code)
        assert (done.stdout, done.stderr, done.returncode) == ("fine\n", "", 0)
        assert 500 < state.counts(local)["fetch"] < 4000
    finally:
        subprocess.run(["umount", small], check=True)


def test_U11_a_clock_that_jumps_back_loses_no_count(local: str, run_program: Run) -> None:
    code = (
        "import time; real = time.time_ns; now = [real()]; time.time_ns = lambda: now[0]\n"
        + USE
        + "now[0] -= 10**18\nagent.log('fetch'); counter.add()\n"
        + "now[0] += 3 * 10**18\nagent.log('fetch'); counter.add()\n"
    )
    done = run_program(code)
    assert (done.stdout, done.stderr) == ("", "")
    assert state.counts(local) == {"fetch": 204}


def test_U5_the_cap_holds_under_a_dead_host_and_the_next_one_hears_what_was_lost(
    enrolled: str, host: UsageHost, run_program: Run
) -> None:
    """A smaller number of uses than in `bench usage`, which has 10,000,000."""
    due.set_due(enrolled, time.time() + 3600)
    code = "from otumat.usage import UsageAgent\nlog = UsageAgent(package_name='hostpkg').log\n"
    code += "for number in range(30_000): log('rare' if number % 10 == 0 else 'often')"
    run_program(code)
    assert _bytes_in(os.path.join(enrolled, "spool")) <= SPOOL_MAX_BYTES
    assert send_round(enrolled, PACKAGE, over=usage_transport()).trouble == ""
    lost: dict[str, int] = {}
    for each in host.lost:
        for name, times in each.get("room", {}).items():
            lost[name] = lost.get(name, 0) + times
    assert {name: host.counts[name] + lost[name] for name in host.counts} == {"often": 27_000, "rare": 3_000}


def test_U5_eight_processes_that_make_room_at_once_account_for_every_use_and_keep_to_the_cap(local: str) -> None:
    code = "from otumat.usage import UsageAgent\nlog = UsageAgent(package_name='hostpkg').log\n"
    code += "for number in range(12_000): log('often')"
    environ = {**os.environ, "PYTHONPATH": str(Path(otumat.__file__).parents[1])}
    running = [subprocess.Popen([sys.executable, "-c", code], env=environ) for _ in range(8)]
    highest = 0
    while any(process.poll() is None for process in running):
        highest = max(highest, _bytes_in(os.path.join(local, "spool")))
    assert [process.wait() for process in running] == [0] * 8
    assert state.counts(local)["often"] + held.lost(local)["room"]["often"] == 96_000
    assert SPOOL_MAX_BYTES * 3 // 4 < highest <= SPOOL_MAX_BYTES


def test_U5_what_is_evicted_while_rounds_go_on_is_sent_or_told_as_lost_and_never_both(
    enrolled: str, host: UsageHost
) -> None:
    due.set_due(enrolled, time.time() + 3600)
    code = "from otumat.usage import UsageAgent\nlog = UsageAgent(package_name='hostpkg').log\n"
    code += "for number in range(16_000): log('often')"
    environ = {**os.environ, "PYTHONPATH": str(Path(otumat.__file__).parents[1])}
    running = [subprocess.Popen([sys.executable, "-c", code], env=environ) for _ in range(3)]
    while any(process.poll() is None for process in running):
        send_round(enrolled, PACKAGE, over=usage_transport())
    send_round(enrolled, PACKAGE, over=usage_transport())
    lost = sum(each.get("room", {}).get("often", 0) for each in host.lost)
    assert (host.counts["often"] + lost, held.segments(enrolled)) == (48_000, [])


def _bytes_in(folder: str) -> int:
    """What a folder held at one moment, or less: what is still there after all of it was looked at."""
    before, after = _sizes(folder), _sizes(folder)
    return sum(size for each, size in before.items() if each in after)


def _sizes(folder: str) -> dict[tuple[str, int], int]:
    sizes = {}
    for path in held.listed(folder):
        try:
            found = os.stat(path)
        except FileNotFoundError:
            continue  # evicted while we look
        sizes[held.name_of(path), found.st_ino] = found.st_size
    return sizes


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_child_that_was_forked_meanwhile_keeps_no_lock(tmp_path: Path, run_program: Run) -> None:
    """Else whoever works on in the child would be in the way of the next round, and of the user's no."""
    code = (
        "import os, sys\nfrom otumat.usage.files import locked\nends, end = os.pipe()\n"
        "with locked(sys.argv[1], wait_s=0):\n"
        "    if not os.fork():\n        os.close(end); os.read(ends, 1); os._exit(0)\n"
        "with locked(sys.argv[1], wait_s=0): print('mine')\n"
        "os.close(end); os.wait()"
    )
    done = run_program(code, str(tmp_path / "lock"))
    assert (done.stdout, done.stderr) == ("mine\n", "")
