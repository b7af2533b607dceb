"""`otumat watch` as a process of its own: both command lines of 0.3, and what its watcher did wrong."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import otumat
from otumat.errors import NotFound
from otumat.watch import Script, WatchAgent
from otumat.watch.changes import Changes

SRC = str(Path(otumat.__file__).parents[1])
WAIT_S = 240
NOTE = """#!/bin/sh
echo "called with $*" >> calls
while read -r path; do echo "${path##*/}" >> changed; done < "$OTUMAT_WATCH_LIST"
"""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a file to watch, where everything happens."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "watched").write_text("1")
    return tmp_path


def script(place: Path, text: str, name: str = "run.sh", mode: int = 0o755) -> Path:
    path = place / name
    path.write_text(text)
    path.chmod(mode)
    return path


@contextmanager
def watching(place: Path, *words: str) -> Iterator[subprocess.Popen[str]]:
    """The command at work; what it says is in `said`."""
    line = [sys.executable, "-m", "otumat", "watch", "--quiet", "0.1", *words]
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join([SRC, *sys.path])}
    with (place / "said").open("w") as said:
        process = subprocess.Popen(line, cwd=place, stdout=said, stderr=subprocess.STDOUT, text=True, env=environ)
        try:
            until(lambda: "Watching" in (place / "said").read_text() or process.poll() is not None)
            yield process
        finally:
            process.kill()
            process.wait()


def until(holds: Callable[[], object]) -> None:
    deadline = time.monotonic() + WAIT_S
    while not holds():
        assert time.monotonic() < deadline, "it does not come to be"
        time.sleep(0.02)


def grow(path: Path) -> None:
    """Change a file at one stroke: to write it anew is two changes, and whoever is slow may see both."""
    with path.open("a") as file:
        file.write("x")


def text(path: Path) -> str:
    return path.read_text() if path.exists() else ""


def lines(path: Path) -> list[str]:
    return text(path).splitlines()


def test_a_change_runs_the_script(place: Path) -> None:
    script(place, NOTE)
    with watching(place, "-f", "watched", "-s", "./run.sh"):
        grow(place / "watched")
        until(lambda: lines(place / "changed") == ["watched"])
    assert lines(place / "calls") == ["called with "]


@pytest.mark.parametrize("words", [["-a", "0", "x"], ["-i", "1", "0", "x"], ["0", "x"]])
def test_both_command_lines_of_0_3_hand_lines_on_to_the_next_run(place: Path, words: list[str]) -> None:
    script(place, f'{NOTE}echo $(($1 + 1))\necho "$2 and more"\n')
    with watching(place, "-f", "watched", "-s", "./run.sh", *words):
        for number in range(3):
            grow(place / "watched")
            until(lambda n=number: len(lines(place / "calls")) == n + 1)  # type: ignore[misc]
        until(lambda: "x and more and more and more" in text(place / "said"))
    assert lines(place / "calls") == [
        "called with 0 x",
        "called with 1 x and more",
        "called with 2 x and more and more",
    ]


def test_the_command_line_of_0_3_1_may_have_its_arguments_in_between(place: Path) -> None:
    script(place, NOTE)
    with watching(place, "-f", "watched", "-i", "1", "-s", "run.sh", "0"):
        (place / "watched").write_text("22")
        until(lambda: lines(place / "calls") == ["called with 0"])


def test_an_atomic_save_is_a_change(place: Path) -> None:
    script(place, NOTE)
    with watching(place, "-f", "watched", "-s", "run.sh"):
        (place / "aside").write_text("1")
        os.replace(place / "aside", place / "watched")
        until(lambda: lines(place / "changed") == ["watched"])


def test_a_file_that_goes_and_comes_again_is_a_change(place: Path) -> None:
    script(place, NOTE)
    with watching(place, "-f", "watched", "-s", "run.sh") as process:
        (place / "watched").unlink()
        time.sleep(0.3)
        (place / "watched").write_text("1")
        until(lambda: lines(place / "changed") == ["watched"])
        assert process.poll() is None


def test_a_file_that_does_not_exist_yet_is_waited_for(place: Path) -> None:
    script(place, NOTE)
    with watching(place, "-f", "later", "-s", "run.sh"):
        (place / "later").write_text("1")
        until(lambda: lines(place / "changed") == ["later"])


def test_a_child_that_the_script_leaves_behind_does_not_hold_it_up(place: Path) -> None:
    script(place, f"{NOTE}sleep 30 &\necho $! >> children\n")
    try:
        with watching(place, "-f", "watched", "-s", "run.sh"):
            for number in range(2):
                grow(place / "watched")
                until(lambda n=number: len(lines(place / "calls")) == n + 1)  # type: ignore[misc]
    finally:
        for child in lines(place / "children"):
            os.kill(int(child), signal.SIGKILL)


def test_a_script_that_fails_is_told_and_keeps_its_state(place: Path) -> None:
    script(place, f"{NOTE}echo lost\n[ -e fine ] || exit 3\n")
    with watching(place, "-f", "watched", "-s", "run.sh", "kept"):
        (place / "watched").write_text("22")
        until(lambda: "failed with exit code 3" in text(place / "said"))
        (place / "fine").touch()
        (place / "watched").write_text("333")
        until(lambda: len(lines(place / "calls")) == 2)
    assert lines(place / "calls") == ["called with kept"] * 2


def test_a_script_that_goes_away_is_told_and_ends_nothing(place: Path) -> None:
    path = script(place, NOTE)
    with watching(place, "-f", "watched", "-s", "run.sh"):
        path.unlink()
        (place / "watched").write_text("22")
        until(lambda: "cannot be run" in text(place / "said"))
        script(place, NOTE)
        (place / "watched").write_text("333")
        until(lambda: lines(place / "calls") == ["called with "])


def test_idle_costs_nothing(place: Path) -> None:
    script(place, NOTE)
    with watching(place, "-f", "watched", "-s", "run.sh") as process:
        before = cpu_ticks(process.pid)
        time.sleep(2)
        assert cpu_ticks(process.pid) - before <= 5  # hundredths of a second; 0.3.0 took 36 of each 100


def cpu_ticks(pid: int) -> int:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


def test_many_files_at_once_are_each_told_once(place: Path) -> None:
    (place / "inbox" / "deep").mkdir(parents=True)
    script(place, NOTE)
    names = [f"file-{number}" for number in range(200)]
    with watching(place, "-f", "inbox", "-s", "run.sh"):
        for number, name in enumerate(names):
            (place / "inbox" / ("deep" if number % 2 else "") / name).touch()  # at one stroke
        until(lambda: len(lines(place / "changed")) >= len(names))
        (place / "inbox" / "last").touch()
        until(lambda: "last" in lines(place / "changed"))
    assert sorted(lines(place / "changed")) == sorted([*names, "last"])


def test_a_file_that_is_being_written_is_not_told_before_its_end(place: Path) -> None:
    (place / "inbox").mkdir()
    script(place, NOTE)
    with watching(place, "-f", "inbox", "-s", "run.sh", "--quiet", "3"), (place / "inbox" / "slow").open("w") as slow:
        (place / "inbox" / "quick").write_text("x")
        while "quick" not in lines(place / "changed"):
            slow.write("x")
            slow.flush()
            time.sleep(0.05)
            assert "slow" not in lines(place / "changed")
        until(lambda: "slow" in lines(place / "changed"))
    assert sorted(lines(place / "changed")) == ["quick", "slow"]


def test_after_a_restart_what_is_there_is_told_if_asked_for(place: Path) -> None:
    (place / "inbox").mkdir()
    script(place, NOTE)
    (place / "inbox" / "before").write_text("x")
    with watching(place, "-f", "inbox", "-s", "run.sh"):
        (place / "inbox" / "first").write_text("x")
        until(lambda: lines(place / "changed") == ["first"])
    (place / "inbox" / "meanwhile").write_text("x")
    with watching(place, "-f", "inbox", "-s", "run.sh", "--initialize"):
        until(lambda: len(lines(place / "changed")) >= 4)
    assert lines(place / "changed") == ["first", "before", "first", "meanwhile"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_told_to_end_it_ends_well_at_once(place: Path, number: signal.Signals) -> None:
    script(place, NOTE)
    with watching(place, "-f", "watched", "-s", "run.sh", "-i", "600") as process:
        process.send_signal(number)
        assert process.wait(WAIT_S) == 0
    assert lines(place / "said")[-1] == "Stopped."


def test_told_to_end_it_lets_the_script_end_and_told_twice_it_does_not(place: Path) -> None:
    script(place, "#!/bin/sh\ntouch began\nwhile [ ! -e go ]; do sleep 0.05; done\ntouch ended\n")
    for is_hasty in (False, True):
        with watching(place, "-f", "watched", "-s", "run.sh") as process:
            (place / "watched").write_text(f"now {is_hasty}")
            until(lambda: (place / "began").exists())
            process.terminate()
            while is_hasty and process.poll() is None:  # two signals that come too soon are one
                time.sleep(0.2)
                process.terminate()
            if not is_hasty:
                (place / "go").touch()
            assert process.wait(WAIT_S) == 0
        assert (place / "ended").exists() is not is_hasty
        for name in ("began", "go", "ended"):
            (place / name).unlink(missing_ok=True)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["-f", "watched", "-s", "nothing-of-that-name"], "There is no program nothing-of-that-name"),
        (["-f", "watched", "-s", "closed"], "chmod +x closed"),
        (["-f", "no/such/folder", "-s", "true"], "There is no folder"),
        (["-f", "watched", "-s", "true", "-i", "0"], "looking more often"),
        (["-s", "true"], "-f"),
    ],
)
def test_what_cannot_be_watched_is_said(place: Path, words: list[str], says: str) -> None:
    script(place, NOTE, "closed", mode=0o644)
    with watching(place, *words) as process:
        assert process.wait(WAIT_S) == 2
    assert says in text(place / "said")
    assert "Traceback" not in text(place / "said")


def test_a_shell_script_needs_no_execute_bit_and_a_program_no_path(place: Path) -> None:
    script(place, NOTE, mode=0o644)
    with watching(place, "-f", "watched", "-s", "run.sh"):
        (place / "watched").write_text("22")
        until(lambda: lines(place / "calls") == ["called with "])
    assert Script.named("touch").command[0].endswith("/touch")


def test_without_the_extra_it_says_which(place: Path) -> None:
    script(place, NOTE)
    (place / "watchdog.py").write_text("raise ModuleNotFoundError('no', name='watchdog')\n")
    line = [sys.executable, "-m", "otumat", "watch", "-f", "watched", "-s", "run.sh"]
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join([str(place), SRC])}
    done = subprocess.run(line, capture_output=True, text=True, check=False, timeout=WAIT_S, env=environ)
    assert done.returncode == 2
    assert "pip install 'otumat[watch]'" in done.stderr


@pytest.mark.parametrize("given", [("run.sh", ["0"]), (5, "run.sh", ["0"])])
def test_the_agent_takes_the_arguments_of_either_version(place: Path, given: tuple[object, ...]) -> None:
    script(place, NOTE)
    assert WatchAgent("watched", *given).watcher.state == ["0"]
    assert WatchAgent(watch_file="watched", watch_script="run.sh", watch_args=["0"]).watcher.state == ["0"]
    with pytest.raises(TypeError):
        WatchAgent("watched")
    with pytest.raises(NotFound):
        WatchAgent("watched", "nothing-of-that-name", [])


def test_a_change_is_told_once_it_is_quiet_and_once_only(place: Path) -> None:
    changes = Changes("watched", quiet_s=1)
    assert changes.settled(0) == []
    (place / "watched").write_text("22")
    assert (changes.settled(1), changes.is_settling) == ([], True)
    (place / "watched").write_text("333")
    assert (changes.settled(1.9), changes.settled(2.5), changes.settled(2.9)) == ([], [], ["watched"])
    assert (changes.settled(9), changes.is_settling) == ([], False)
