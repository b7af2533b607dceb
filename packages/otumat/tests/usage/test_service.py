"""The start at log-in: files that their readers understand, whatever names they carry; and none of 0.3's faults."""

from __future__ import annotations

import os
import plistlib
import shlex
import shutil
import subprocess
import sys
import time
from typing import TYPE_CHECKING
from xml.etree import ElementTree

import pytest

from otumat.errors import Conflict
from otumat.usage import UsageAgent, due, places, service, spawning
from otumat.usage.service import launchd, systemd, windows
from otumat.usage.takeover import remove_entries

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from otumat.testing.usage import UsageHost

RELOAD = ["systemctl", "--user", "daemon-reload"]
NASTY = ["python 3", "-c", "print('$HOME %h')", 'say "hi" & rm -rf \\ ;', "ünï", "100%"]


@pytest.fixture(autouse=True)
def no_manager(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The session manager of this machine is nobody's to change here: its commands are only noted."""
    ran: list[list[str]] = []
    monkeypatch.setattr(service, "_run", ran.extend)
    monkeypatch.setattr(service, "kind", lambda: systemd)
    return ran


def test_P9_a_systemd_unit_that_systemd_itself_accepts(home: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("no systemd-analyze")
    line = [sys.executable, "-P", *NASTY[1:]]
    files = systemd.files("otumat-usage-my-pkg", line, 43200)
    for path, content in files.items():
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(content)
    done = subprocess.run(
        ["systemd-analyze", "--user", "--man=no", "--generators=no", "verify", *files],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    ours = [each for each in done.stderr.splitlines() if "otumat" in each]
    assert ours == []


def test_P6_words_reach_systemd_as_they_are(home: Path) -> None:
    service_file = next(iter(systemd.files("x", NASTY, 3600).values())).decode()
    (line,) = [each for each in service_file.splitlines() if each.startswith("ExecStart=")]
    words = shlex.split(line.removeprefix("ExecStart="))
    assert [word.replace("%%", "%").replace("$$", "$") for word in words] == NASTY


def test_P7_a_launch_agent_that_plistlib_reads(home: Path) -> None:
    ((path, content),) = launchd.files("otumat-usage-x", NASTY, 3600).items()
    assert content.startswith(b"<?xml")
    assert plistlib.loads(content)["ProgramArguments"] == NASTY
    assert path == str(home / "Library/LaunchAgents/otumat-usage-x.plist")


def test_P6_a_windows_task_is_xml_with_quoted_words(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("LOCALAPPDATA", str(home)), ("USERDOMAIN", "DESK"), ("USERNAME", "Ann Lee")):
        monkeypatch.setenv(name, value)
    ((_, content),) = windows.files("otumat-usage-x", NASTY, 3600).items()
    task = ElementTree.fromstring(content.decode("utf-16"))
    space = "{http://schemas.microsoft.com/windows/2004/02/mit/task}"
    (action,) = task.iter(space + "Exec")
    assert action.findtext(space + "Command") == "python 3"
    assert [user.text for user in task.iter(space + "UserId")] == ["DESK\\Ann Lee"] * 2
    assert '"say \\"hi\\" & rm -rf \\ ;"' in str(action.findtext(space + "Arguments"))
    (repetition,) = task.iter(space + "Repetition")
    assert repetition.findtext(space + "Interval") == "PT60M"


def test_P4_writing_twice_is_writing_once_and_removing_leaves_nothing(home: Path, no_manager: list[list[str]]) -> None:
    assert service.install_service("my pkg") == service.install_service("my pkg")
    assert len(service.installed("my pkg")) == 3
    assert service.install_service("another")
    assert len(service.remove_service("my pkg")) == 3
    assert service.installed("my pkg") == []
    assert len(service.installed("another")) == 3
    assert no_manager[-2:] == [["systemctl", "--user", "stop", "otumat-usage-my_20pkg.timer"], RELOAD]
    assert service.remove_service("my pkg") == []


def test_what_starts_it_at_log_in_is_a_link_as_systemctl_makes_it(home: Path) -> None:
    (link,) = (path for path in service.install_service("hostpkg") if os.path.islink(path))
    assert os.path.dirname(link).endswith("timers.target.wants")
    assert os.path.samefile(link, home / ".config/systemd/user/otumat-usage-hostpkg.timer")


def test_without_a_home_nothing_beside_the_program_is_taken_for_a_service(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    service.install_service("hostpkg")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("HOME")
    assert service.remove_service("hostpkg") == []


def test_a_round_of_the_service_waits_until_one_is_due(enrolled: str, host: UsageHost) -> None:
    """Whoever has just said yes has an hour to look, and a host that asks for time gets it."""
    due.begin(enrolled)
    due.set_due(enrolled, time.time() + 3600)  # none but the service's
    UsageAgent(package_name="hostpkg").log("fetch")
    line = [*spawning.command(enrolled, "hostpkg", "24h"), spawning.WHEN_DUE]
    subprocess.run(line, check=True, timeout=60)
    assert host.asked == []
    due.failed(enrolled, {}, "as if a minute had passed", chance=-1)
    subprocess.run(line, check=True, timeout=60)
    assert host.counts == {"fetch": 1}


@pytest.mark.parametrize(("frequency", "is_too_far"), [("24h", True), ("30d", False)])
def test_a_due_date_far_ahead_is_a_wrong_clocks_unless_so_seldom_was_asked_for(
    frequency: str, is_too_far: bool
) -> None:
    assert spawning.is_too_far(33 * 86400, frequency) == is_too_far


def test_nothing_is_installed_by_itself(enrolled: str, home: Path) -> None:
    assert service.installed("hostpkg") == []


def test_a_frozen_program_is_never_started_again(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    assert spawning.command("/folder", "hostpkg", "24h") == []
    with pytest.raises(Conflict):
        service.planned("hostpkg")


def test_a_program_that_is_no_python_is_never_started(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/opt/app/bin/blender")
    assert spawning.command("/folder", "hostpkg", "24h") == []


ENTRY = (
    b'otumat upload -a "DataJoint" -d "datajoint-python" -p "datajoint" -s 2021-01-01T00:00:00.0 -f "24h"'
    b" &> /dev/null & export OTUMAT_PID=$! && trap 'kill $OTUMAT_PID' EXIT\n"
)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"export A=1\n" + ENTRY + b"export B=2\n", b"export A=1\nexport B=2\n"),
        (b"export X=1" + ENTRY, b"export X=1\n"),
        (b"# caf\xe9\n" + ENTRY + ENTRY, b"# caf\xe9\n"),
        (ENTRY.replace(b'"datajoint"', b'"another"'), ENTRY.replace(b'"datajoint"', b'"another"')),
        (b"otumat upload of mine # datajoint\n", b"otumat upload of mine # datajoint\n"),
    ],
    ids=["a line", "P1 glued on", "P5 not UTF-8, twice", "another package's", "the user's own"],
)
def test_P1_P5_old_entries_go_and_the_users_lines_stay(home: Path, before: bytes, after: bytes) -> None:
    (home / ".profile").write_bytes(before)
    remove_entries("datajoint")
    assert (home / ".profile").read_bytes() == after


def test_P2_P3_P8_no_shell_file_is_ever_written(
    home: Path, enrolled: str, run_program: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    service.install_service("hostpkg")
    run_program("from otumat.usage import UsageAgent\nUsageAgent(package_name='hostpkg').log('x')", CI="")
    assert sorted(os.listdir(home)) == [".config", ".local"]
    assert places.exists(enrolled)
