"""
Defects of Otumat 0.3 that have no test elsewhere in this folder, each shown not to be ours.

K1 to K36 are those of its agent, P1 to P9 those of its start-up entries; tests carry their numbers.
"""

from __future__ import annotations

import json
import os
import re
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from harness.waiting import PATIENCE_S
from otumat.errors import Invalid
from otumat.usage import UsageAgent, answers, changing, due, held
from otumat.usage.frequency import seconds_of
from otumat.usage.hosts import usage_transport
from otumat.usage.recurring import recur
from otumat.usage.releases import installed_release, release_of
from otumat.usage.sender import send_round

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable

    from otumat.testing.usage import UsageHost

    Run = Callable[..., subprocess.CompletedProcess[str]]

EVENT = "/api/usage-event"
CALLS = """
from otumat.usage import UsageAgent
agent = UsageAgent(package_name="hostpkg")
agent.log(event_type="import")
agent.send()
agent.refresh_token()
print(agent.show_logs())
"""


def test_every_defect_has_its_test() -> None:
    text = "".join(path.read_text() for path in Path(__file__).parent.glob("test_*.py"))
    tested = {number for names in re.findall(r"def test_((?:[A-Z]\d+_)+)", text) for number in names.split("_")}
    assert {*(f"K{n}" for n in range(1, 37)), *(f"P{n}" for n in range(1, 10))} <= tested


def test_K2_K3_K9_it_runs_with_nothing_else_installed_and_nothing_on_path(
    enrolled: str, host: UsageHost, run_program: Run
) -> None:
    due.set_due(enrolled, time.time() + 3600)
    code = "import sys; sys.path[:] = [p for p in sys.path if 'site-packages' not in p]\n" + CALLS
    done = run_program(code, PATH="/nonexistent")
    assert (done.stderr, done.stdout) == ("", "[]\n")
    assert host.counts == {"import": 1}


@pytest.mark.parametrize(
    "gone",
    ["sys.stdin = None", "sys.stdin.close()", "sys.stdin = sys.stderr = None", "os.close(0); os.close(2)"],
)
def test_K8_streams_that_are_gone_are_nobody_to_ask_and_no_trouble(
    package: object, folder: str, run_program: Run, gone: str
) -> None:
    agent = 'UsageAgent(package_name="hostpkg", host="https://index.example.org")'
    done = run_program(f"import os, sys\n{gone}\nfrom otumat.usage import UsageAgent\nprint({agent}.show_logs())")
    assert (done.returncode, done.stdout, done.stderr) == (0, "None\n", "")
    assert answers.read(folder).level == "unset"


@pytest.mark.parametrize("fault", ["hang", "reset", (302, {"Location": "http://127.0.0.2:9/"}, b"")])
def test_K10_K11_K12_whatever_the_network_does_send_raises_nothing_and_loses_nothing(
    enrolled: str, host: UsageHost, monkeypatch: pytest.MonkeyPatch, fault: object
) -> None:
    monkeypatch.setattr("otumat.usage.hosts.SILENCE_S", 1)
    monkeypatch.setattr("otumat.usage.calls.usage_transport", lambda: usage_transport(silence_s=0.5))
    agent = UsageAgent(package_name="hostpkg", enrolment="manual")
    due.set_due(enrolled, time.time() + 3600)
    agent.log(event_type="import")
    host.faults[EVENT] = [fault]  # type: ignore[list-item]
    agent.send()
    agent.send()
    assert host.counts == {"import": 1}


def test_K15_a_failed_round_does_not_end_the_sending(enrolled: str, host: UsageHost) -> None:
    agent = UsageAgent(package_name="hostpkg", enrolment="manual")
    due.set_due(enrolled, time.time() + 3600)
    agent.log(event_type="import")
    host.faults[EVENT] = [(500, {}, b""), (500, {}, b"")]
    waited: list[float] = []

    def sleep(seconds: float) -> None:
        waited.append(seconds)
        moment.append(moment[-1] + seconds)

    moment = [time.time()]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("otumat.usage.clock.now_s", lambda: moment[-1])
        recur(enrolled, "hostpkg", frequency="1h", sleep=sleep, rounds=3)
    assert host.counts == {"import": 1}
    assert max(waited) <= 60


def test_K32_a_start_that_is_days_ahead_waits_for_days(enrolled: str, host: UsageHost) -> None:
    moment = [1_000_000_000.0]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("otumat.usage.clock.now_s", lambda: moment[-1])
        start = datetime.fromtimestamp(1_000_000_000 + 2 * 24 * 3600, UTC).replace(tzinfo=None)
        recur(enrolled, "hostpkg", start=start, sleep=lambda seconds: moment.append(moment[-1] + seconds), rounds=1)
    assert moment[-1] == 1_000_000_000 + 2 * 24 * 3600


@pytest.mark.parametrize(
    ("text", "seconds"), [("1.5h", 5400), ("1h30m", 5400), ("12H", 43200), ("90m", 5400), ("1d", 86400)]
)
def test_K32_a_period_is_what_it_says(text: str, seconds: float) -> None:
    assert seconds_of(text) == seconds


@pytest.mark.parametrize("text", ["-5s", "", "90", "0s", "1h x", "h", "9999999999d", "5s", "1..5h"])
def test_K32_what_is_no_period_is_refused(text: str) -> None:
    with pytest.raises(Invalid):
        seconds_of(text)


def test_K22_nothing_that_tells_who_or_where(enrolled: str, host: UsageHost) -> None:
    due.set_due(enrolled, time.time() + 3600)
    UsageAgent(package_name="hostpkg", enrolment="manual").log(event_type="import")
    send_round(enrolled, "hostpkg", over=usage_transport())
    ((body, _),) = host.batches.values()
    text = body.decode()
    for private in (
        os.uname().nodename,
        os.environ["HOME"],
        os.environ.get("USER", "nobody-here"),
        "macAddress",
        "location",
    ):
        assert private not in text
    day = json.loads(body)["uses"][0]["rows"][0][0]
    assert len(day) == len("2026-11-21")
    (asked,) = host.to(EVENT)
    assert set(asked.headers) <= {
        *("host", "user-agent", "accept-encoding", "connection", "content-length", "authorization"),
        *("content-type", "content-encoding", "idempotency-key", "accept"),
    }
    assert asked.headers["user-agent"].startswith("otumat/")


def test_K25_log_after_uninstall_raises_nothing_and_records_nothing(local: str) -> None:
    agent = UsageAgent(package_name="hostpkg", enrolment="manual")
    agent.log(event_type="before")
    agent.uninstall()
    agent.log(event_type="after")
    assert held.segments(local) == []
    assert answers.read(local).level == "off"


def test_K25_log_after_the_folder_went_goes_on_elsewhere(local: str) -> None:
    import shutil

    agent = UsageAgent(package_name="hostpkg", enrolment="manual")
    agent.log(event_type="before")
    shutil.rmtree(local)
    agent.log(event_type="after")
    assert not os.path.exists(local)


def test_K30_a_module_that_is_called_otherwise_than_its_project(package: object) -> None:
    assert release_of("nothing-of-that-name") == ""
    assert installed_release("pytest")
    assert installed_release("_pytest") == installed_release("pytest")
    assert installed_release("nothing-of-that-name") == ""


def test_K35_uninstall_keeps_the_no_tells_the_host_and_ends_what_sends(enrolled: str, host: UsageHost) -> None:
    agent = UsageAgent(package_name="hostpkg", enrolment="manual")
    due.set_due(enrolled, time.time() + 3600)
    naps: list[float] = []

    def sleep(seconds: float) -> None:
        naps.append(seconds)
        agent.uninstall()

    recur(enrolled, "hostpkg", frequency="1h", sleep=sleep)
    assert len(naps) == 1
    assert answers.read(enrolled).level == "off"
    assert host.installs == {}


def test_K36_nothing_of_the_hosts_logging_is_touched(local: str, run_program: Run) -> None:
    code = "import logging; before = dict(logging.root.manager.loggerDict)\n" + CALLS
    code += "assert dict(logging.root.manager.loggerDict) == before"
    assert run_program(code).returncode == 0


def test_a_due_round_is_started_as_a_process_of_its_own_and_leaves_no_child(
    enrolled: str, host: UsageHost, run_program: Run
) -> None:
    code = CALLS.partition("agent.send")[0] + (
        "import os\ntry:\n    os.waitpid(-1, os.WNOHANG); print('a child')\n"
        "except ChildProcessError:\n    print('no child')\n"
    )
    done = run_program(code, PYTHONPATH=os.pathsep.join(path for path in sys.path if path))
    assert (done.stdout, done.stderr) == ("no child\n", "")
    deadline = time.monotonic() + PATIENCE_S
    while not host.counts and time.monotonic() < deadline:
        time.sleep(0.05)
    assert host.counts == {"import": 1}
    while not due.read(enrolled) and time.monotonic() < deadline:
        time.sleep(0.05)


def test_a_round_that_is_not_due_starts_nothing(enrolled: str, host: UsageHost, run_program: Run) -> None:
    due.set_due(enrolled, time.time() + 3600)
    assert run_program(CALLS.partition("agent.send")[0]).returncode == 0
    assert host.asked == []
    changing.withdraw(enrolled, source="test")
