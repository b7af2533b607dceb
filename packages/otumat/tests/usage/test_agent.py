"""The agent in its host: what is recorded, what denies, what it costs, and that it is never noticed."""

from __future__ import annotations

import os
import sys
import time
from typing import TYPE_CHECKING

import pytest

import otumat
from otumat.spec import consent
from otumat.spec.consent import LOCAL, OFF, ON
from otumat.usage import UsageAgent, answers, changing, due, held, manifests, places

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable
    from pathlib import Path

    Run = Callable[..., subprocess.CompletedProcess[str]]

FORBIDDEN = (
    *("ssl", "urllib.request", "asyncio", "importlib.metadata", "uuid", "logging", "subprocess", "json", "collections"),
    *("threading", "socket", "pathlib", "re", "dataclasses", "typing"),
)

WATCHED = """
import sys
seen = []
sys.addaudithook(lambda name, arguments: seen.append((name, arguments)) if active else None)
active = False
from otumat.usage import UsageAgent
import os
active = True
agent = UsageAgent(package_name="hostpkg", host="https://index.example.org")
for _ in range(50):
    agent.log(event_type="fetch")
active = False
def is_write(arguments):
    return arguments[2] is not None and arguments[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
bad = [each for each in seen if each[0].startswith(("socket", "subprocess", "os.posix_spawn", "os.fork", "os.mkdir"))]
bad += [each for each in seen if each[0] == "_thread.start_new_thread" or each[0] == "open" and is_write(each[1])]
print(bad)
"""


def agent(**more: object) -> UsageAgent:
    return UsageAgent(package_name="hostpkg", enrolment="manual", **more)  # type: ignore[arg-type]


def names(folder: str) -> list[str]:
    return [record.name for record in held.held(folder)]


def turn_to_manifest(folder: str, level: str = LOCAL) -> None:
    changing.turn(folder, level, package="hostpkg", found=manifests.find("hostpkg"), source="test")


@pytest.fixture
def imported(package: Path) -> Path:
    __import__("hostpkg")
    return package


def test_U1_K23_importing_brings_in_three_modules_at_most(run_program: Run, pythons: list[str]) -> None:
    code = "import sys; before = set(sys.modules)\nfrom otumat.usage import UsageAgent\n"
    code += "agent = UsageAgent(package_name='hostpkg')\nagent.log(event_type='x')\nagent.counter('x').add()\n"
    code += "print(*sorted(set(sys.modules) - before))"
    for python in pythons:
        loaded = run_program(code, python=python).stdout.split()
        assert loaded
        assert not set(loaded) & set(FORBIDDEN)
        assert len([name for name in loaded if not name.startswith("otumat")]) <= 3


@pytest.mark.parametrize("level", ["unset", "off"])
def test_U6_K23_without_consent_no_file_socket_thread_or_process(folder: str, run_program: Run, level: str) -> None:
    if level == "off":
        changing.withdraw(folder, source="test")
    done = run_program(WATCHED)
    assert (done.stdout, done.stderr) == ("[]\n", "")
    assert level == "off" or not os.path.exists(folder)


def test_without_an_answer_nothing_is_recorded_and_nothing_is_stored(home: Path, folder: str) -> None:
    asked = UsageAgent(package_name="hostpkg", host="https://index.example.org")
    asked.log(event_type="x")
    assert asked.show_logs() is None
    assert not os.path.exists(folder)


def test_local_is_counted_and_shown(local: str) -> None:
    counting = agent()
    counting.log(event_type="import")
    counting.log("fetch")
    logs = counting.show_logs()
    assert logs is not None
    assert [name for _, name in logs] == ["import", "fetch"]
    assert len(logs[0][0]) == len("2026-11-21 20:33:40.441950")


@pytest.mark.parametrize(("name", "value"), [("DO_NOT_TRACK", "1"), ("OTUMAT_USAGE", "off"), ("CI", "1")])
def test_U7_a_variable_denies_at_once(local: str, monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    counting = agent()
    counting.log("before")
    monkeypatch.setenv(name, value)
    if name != "CI":  # nobody moves a running program to CI
        counting.log("after")
    agent().log("after")
    assert names(local) == ["before"]


def test_K29_a_dependants_list_is_read_at_every_use_bound_anew_or_changed_in_place(
    local: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    counting = agent()
    monkeypatch.setattr(otumat, "DISABLE_USAGE_TRACKING_PACKAGES", ["HostPkg", *otumat.DISABLE_USAGE_TRACKING_PACKAGES])
    counting.log("no")
    otumat.DISABLE_USAGE_TRACKING_PACKAGES.clear()
    counting.log("yes")
    otumat.DISABLE_USAGE_TRACKING_PACKAGES.append("hostpkg")
    counting.log("no")
    otumat.DISABLE_USAGE_TRACKING_PACKAGES.remove("hostpkg")
    otumat.DISABLE_USAGE_TRACKING_PACKAGES.append("another")
    counting.log("yes")
    assert names(local) == ["yes", "yes"]
    assert answers.read(local).level == LOCAL


@pytest.mark.parametrize(
    ("text", "denies"),
    [
        ("deny: hostpkg\n", True),
        ("# why\ndeny: HostPkg # here\n", True),
        ("deny: *", True),
        ("deny: another\n", False),
        ("", False),
        ("allow: hostpkg\n", True),
        ("\xff", True),
    ],
)
def test_a_sites_policy_can_only_deny(
    local: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, denies: bool
) -> None:
    (tmp_path / "policy").write_bytes(text.encode("latin-1"))
    monkeypatch.setenv("OTUMAT_USAGE_POLICY", str(tmp_path / "policy"))
    agent().log("x")
    assert names(local) == ([] if denies else ["x"])


def test_a_policy_that_cannot_be_read_denies(local: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTUMAT_USAGE_POLICY", str(tmp_path))
    agent().log("x")
    assert names(local) == []


def test_in_ci_the_variable_is_the_yes_and_is_kept_apart(
    folder: str, imported: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CI", "true")
    monkeypatch.setenv("OTUMAT_USAGE", "local")
    agent().log(event_type="fetch", backend="mysql")
    assert answers.read(folder).level == "unset"
    (record,) = held.held(os.path.join(folder, "ci"))
    assert record.where.ci


def test_U10_only_declared_events_properties_and_values_are_recorded(folder: str, imported: Path) -> None:
    turn_to_manifest(folder)
    counting = agent()
    counting.log(event_type="fetch", backend="mysql", user="alice")
    counting.log(event_type="fetch", backend="/home/alice")
    counting.log(event_type="delete")
    counting.log(event_type="import")
    found = [(record.name, record.properties) for record in held.held(folder)]
    assert found == [("fetch", (("backend", "mysql"),)), ("fetch", (("backend", "other"),)), ("import", ())]


def test_U10_what_a_larger_manifest_adds_waits_for_a_yes_and_the_rest_goes_on(folder: str, imported: Path) -> None:
    turn_to_manifest(folder)
    manifest = imported / "otumat-usage.toml"
    manifest.write_text(
        manifest.read_text().replace('"other"]', '"other", "sqlite"], size = ["small", "large"]')
        + '\n[[event]]\nname = "delete"\npurpose = "More."\n'
    )
    counting = agent()
    counting.log(event_type="delete")
    counting.log(event_type="fetch", backend="sqlite", size="small")
    assert [(each.name, each.properties) for each in held.held(folder)] == [("fetch", (("backend", "other"),))]
    changing.accept_news(folder, manifests.find("hostpkg"), source="test")
    counting = agent()
    counting.log(event_type="delete")
    counting.log(event_type="fetch", backend="sqlite", size="small")
    assert names(folder) == ["fetch", "delete", "fetch"]


def test_an_event_ends_on_its_last_day(folder: str, imported: Path) -> None:
    manifest = imported / "otumat-usage.toml"
    manifest.write_text(manifest.read_text() + "\nexpires = 2020-01-01\n")
    turn_to_manifest(folder)
    agent().log(event_type="fetch")
    agent().log(event_type="import")
    assert names(folder) == ["import"]


def test_a_broken_manifest_records_nothing(folder: str, imported: Path) -> None:
    (imported / "otumat-usage.toml").write_text("event = 3")
    turn_to_manifest(folder)
    agent().log("x")
    assert names(folder) == []


def test_the_release_is_told(folder: str, imported: Path) -> None:
    (imported.parent / "hostpkg-1.2.3.dist-info").mkdir()
    turn_to_manifest(folder)
    agent().log(event_type="import")
    (record,) = held.held(folder)
    assert record.where.release == "1.2.3"
    assert record.where.python == f"{sys.version_info[0]}.{sys.version_info[1]}"


@pytest.mark.parametrize(
    "event", [b"bytes", "", "x" * 101, "/etc/passwd", "a\tb", "a\nb", None, 3, [], " x", "x ", "é"]
)
def test_K33_what_is_no_name_is_not_recorded_and_raises_nothing(local: str, event: object) -> None:
    agent().log(event_type=event)  # type: ignore[arg-type]
    assert names(local) == []


def test_a_program_that_runs_notices_a_withdrawal_at_its_next_use(local: str) -> None:
    counting = agent()
    counting.log("before")
    changing.withdraw(local, source="test")
    counting.log("after")
    assert held.segments(local) == []
    assert counting.show_logs() is None


def test_a_yes_after_a_no_begins_anew(local: str, say: Callable[..., None]) -> None:
    counting = agent()
    counting.log("old")
    changing.withdraw(local, source="test")
    say(LOCAL)
    agent().log("new")
    assert names(local) == ["new"]


def test_what_was_counted_locally_is_never_sent(local: str, say: Callable[..., None]) -> None:
    counting = agent()
    counting.log("before")
    say(ON, url="https://index.example.org")
    assert held.segments(local, "on") == []
    assert names(local) == ["before"]


def test_from_on_to_local_what_is_held_stays_here(local: str, say: Callable[..., None]) -> None:
    say(ON, url="https://index.example.org")
    writing = agent()
    due.set_due(local, time.time() + 3600)
    writing.log("x")
    say(LOCAL)
    assert held.segments(local, "on") == []
    assert names(local) == ["x"]


def test_another_host_gets_nothing_of_what_was_held_for_the_first(folder: str, say: Callable[..., None]) -> None:
    say(ON, url="https://one.example.org")
    due.set_due(folder, time.time() + 3600)
    agent().log("x")
    say(ON, url="https://two.example.org")
    assert names(folder) == []


def test_the_drop_in_has_every_name_of_0_3(home: Path) -> None:
    dropped = UsageAgent(
        author="DataJoint",
        data_directory="datajoint-python",
        package_name="datajoint",
        host="https://datajoint.example.org",
        install_route="/user/usage-install",
        event_route="/api/usage-event",
        refresh_route="/auth/token",
        response_timeout=300,
        upload_frequency="12h",
    )
    assert dropped.config["upload_frequency"] == "12h"
    assert dropped.home_path == home / ".local/state/otumat/datajoint"
    for call in (dropped.install, dropped.send, dropped.refresh_token, dropped.save_config, dropped.recurring_send):
        assert call() is None  # type: ignore[operator]
    assert dropped.log(event_type="import") is None  # type: ignore[func-returns-value]
    assert dropped.show_logs() is None
    assert answers.read(str(dropped.home_path)).level == "unset"
    dropped.uninstall()
    assert answers.read(str(dropped.home_path)).level == OFF
    assert otumat.UsageAgent is UsageAgent


def test_save_config_can_take_a_yes_back_and_give_none(local: str) -> None:
    asking = agent()
    asking.config["collect"] = False
    asking.save_config()
    assert answers.read(local).level == OFF
    asking.config["collect"] = True
    asking.save_config()
    assert answers.read(local).level == OFF


@pytest.mark.parametrize(
    ("package", "inside"),
    [("datajoint", "datajoint"), ("../../etc", "-etc"), ("..", ""), ("", ""), ("a/b", "a-b"), ("Ä", "_e4")],
)
def test_a_package_can_only_name_a_folder_of_its_own(home: Path, package: str, inside: str) -> None:
    expected = str(home / ".local/state/otumat" / inside) if inside else ""
    assert places.folder(package) == expected


def test_nothing_delays_the_end_of_a_program(enrolled: str, run_program: Run) -> None:
    """No thread, no exit handler: there is nothing that could."""
    code = "import atexit, sys\nfrom otumat.usage import UsageAgent\nagent = UsageAgent(package_name='hostpkg')\n"
    code += "agent.log(event_type='x')\nprint(atexit._ncallbacks(), 'threading' in sys.modules)"
    due.set_due(enrolled, time.time() + 3600)
    assert run_program(code).stdout == "0 False\n"


def test_the_levels_are_those_of_the_shared_language() -> None:
    assert (answers.UNSET, answers.LEVELS, answers.RECORDING) == (consent.UNSET, consent.LEVELS, (LOCAL, ON))
