"""`otumat usage` as people and scripts use it."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest

from otumat.spec.consent import CI_VARIABLES
from otumat.usage import UsageAgent, answers, batches, due, held

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from otumat.testing.usage import UsageHost

    Otumat = Callable[..., subprocess.CompletedProcess[bytes]]


@pytest.fixture
def otumat(package: Path) -> Otumat:
    paths = os.pathsep.join([str(package.parent), *sys.path])
    environ = {name: value for name, value in os.environ.items() if name not in CI_VARIABLES}

    def run(*arguments: str, **more: str) -> subprocess.CompletedProcess[bytes]:
        line = [sys.executable, "-m", "otumat", *arguments]
        return subprocess.run(
            line, env={**environ, "PYTHONPATH": paths, **more}, capture_output=True, timeout=60, check=False
        )

    return run


def use(*names: str) -> None:
    agent = UsageAgent(package_name="hostpkg", enrolment="manual")
    due.set_due(str(agent.home_path), time.time() + 3600)
    for name in names:
        agent.log(event_type=name)


def told(done: subprocess.CompletedProcess[bytes]) -> dict[str, Any]:
    assert done.returncode == 0, done.stderr
    value: dict[str, Any] = json.loads(done.stdout)
    return value


def test_the_whole_way_of_a_user(otumat: Otumat, host: UsageHost, folder: str) -> None:
    """Off, local, on, look, send, look back, erase."""
    assert b"nothing is recorded" in otumat("usage", "status").stderr
    done = otumat("usage", "local", "hostpkg")
    assert b"To undo: otumat usage off hostpkg" in done.stderr
    use("import")
    on = told(otumat("usage", "on", "hostpkg", "--host", host.url, "--json"))
    assert (on["level"], on["decided_by"], on["linked_to_account"]) == ("on", "you", False)
    use("import", "fetch", "fetch")
    shown = otumat("usage", "show", "hostpkg")
    assert host.to("/api/usage-event") == []
    assert told(otumat("usage", "send", "hostpkg", "--json"))["uses"] == 3
    ((left, answer),) = host.batches.values()
    assert shown.stdout == left
    assert answer["sha256"] == hashlib.sha256(left).hexdigest()
    assert otumat("usage", "sent", "hostpkg").stdout == left
    state = told(otumat("usage", "status", "hostpkg", "--json"))["packages"][0]
    assert (state["batches_sent"], state["held"]) == (1, {"import": 1})
    mine = told(otumat("usage", "export", "hostpkg"))
    assert mine["at_the_host"]["batches"] == list(host.batches)
    receipt = told(otumat("usage", "erase", "hostpkg", "--json"))["receipt"]
    assert receipt["receipt"]["install"] == on["install"]
    assert host.installs == {}
    assert answers.read(folder).level == "off"
    assert held.segments(folder) == []
    assert batches.sent(folder) == []


def test_an_erasure_whose_answer_was_lost_is_asked_for_again_with_the_same_key(
    otumat: Otumat, enrolled: str, host: UsageHost
) -> None:
    host.faults["/api/usage-install/install-1"] = ["reset"]
    assert otumat("usage", "erase", "hostpkg").returncode == 1
    assert answers.read(enrolled).level == "on"
    assert otumat("usage", "erase", "hostpkg").returncode == 0
    first, second = (each.headers["idempotency-key"] for each in host.to("/api/usage-install/install-1?erase=1"))
    assert first == second
    assert not os.path.exists(os.path.join(enrolled, "erasing.json"))


def test_off_without_a_network_is_off_and_is_told_later(otumat: Otumat, enrolled: str, host: UsageHost) -> None:
    use("import")
    host.faults["/api/usage-install/install-1"] = ["reset"]
    done = otumat("usage", "off", "hostpkg")
    assert done.returncode == 0
    assert b"cannot be reached" in done.stderr
    assert answers.read(enrolled).level == "off"
    assert held.segments(enrolled) == []
    otumat("usage", "off", "hostpkg")
    assert host.installs == {}
    assert host.to("/api/usage-event") == []


def test_a_denial_is_named_although_the_answer_is_yes(otumat: Otumat, enrolled: str) -> None:
    done = otumat("usage", "local", "hostpkg", DO_NOT_TRACK="1")
    assert b"You said local, but DO_NOT_TRACK says off, and any no wins." in done.stderr
    state = told(otumat("usage", "status", "hostpkg", "--json", OTUMAT_USAGE="off"))["packages"][0]
    assert (state["level"], state["decided_by"]) == ("off", "OTUMAT_USAGE")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("on", "hostpkg"), b"names no host"),
        (("on", "hostpkg", "--host", "http://index.example.org"), b"no address for uses"),
        (("off",), b"Name it, or give --all"),
        (("service", "hostpkg", "--every", "5"), b"no period"),
        (("on", "nopkg"), b"no nopkg here"),
        (("send", "hostpkg"), b"hostpkg is unset, decided by nobody"),
    ],
)
def test_what_cannot_be_done_is_said(otumat: Otumat, arguments: tuple[str, ...], says: bytes) -> None:
    done = otumat("usage", *arguments)
    assert done.returncode in (1, 2)
    assert says in done.stderr
    assert b"Traceback" not in done.stderr


def test_show_before_a_yes_tells_what_would_be_counted(otumat: Otumat) -> None:
    done = otumat("usage", "show", "hostpkg")
    assert done.stdout == b""
    assert b"fetch (backend): How often data are read." in done.stderr
    assert b"    backend: mysql, postgresql, other" in done.stderr


def test_a_yes_that_nobody_finished_elsewhere_is_none(otumat: Otumat, host: UsageHost, folder: str) -> None:
    by_code = ("usage", "on", "hostpkg", "--host", host.url, "--device", "--timeout", "1")
    done = otumat(*by_code)
    assert (done.returncode, b"hostpkg is unset, as before." in done.stderr) == (1, True)
    assert answers.read(folder).level == "unset"
    otumat("usage", "local", "hostpkg")
    use("import")
    assert b"hostpkg is local, as before." in otumat(*by_code).stderr
    state = told(otumat("usage", "status", "hostpkg", "--json"))["packages"][0]
    assert (state["level"], state["held"]) == ("local", {"import": 1})


def test_a_yes_without_a_network_is_kept(otumat: Otumat, host: UsageHost, folder: str) -> None:
    host.faults["/.well-known/oauth-authorization-server"] = ["reset"]
    done = otumat("usage", "on", "hostpkg", "--host", host.url)
    assert (done.returncode, b"Your yes is kept" in done.stderr) == (1, True)
    assert answers.read(folder).level == "on"
    due.failed(folder, {}, "Nobody answered.", chance=0.5)
    done = otumat("usage", "on", "hostpkg", "--host", host.url)
    assert (done.returncode, b"trouble" in done.stdout) == (0, False)


def test_the_service_can_be_read_before_it_is_written(otumat: Otumat, home: Path) -> None:
    shown = otumat("usage", "service", "hostpkg", "--show").stdout.decode()
    if sys.platform.startswith("linux"):
        assert "ExecStart=" in shown
    assert not (home / ".config").exists()


@pytest.mark.parametrize(
    ("frequency", "says"),
    [
        ("1.5h", b""),
        ("1h30m", b""),
        ("12H", b""),
        ("-5s", b"period"),
        ("90", b"period"),
        ("", b"period"),
        ("0s", b"period"),
    ],
)
def test_K32_upload_understands_periods_or_says_that_it_does_not(
    otumat: Otumat, home: Path, frequency: str, says: bytes
) -> None:
    start = "2026-11-22T08:00:00.0"
    done = otumat("upload", "-a", "A", "-d", "d", "-p", "hostpkg", "-s", start, f"-f={frequency}")
    assert done.returncode == (2 if says else 0)
    assert says in done.stderr


def test_K35_a_no_is_not_asked_again_and_a_yes_later_is_another_install(
    otumat: Otumat, enrolled: str, host: UsageHost
) -> None:
    otumat("usage", "off", "hostpkg")
    on = told(otumat("usage", "on", "hostpkg", "--host", host.url, "--json"))
    assert on["install"] not in ("", "install-1")
