"""What commands say of a state, and what a yes does while something else says no."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from otumat.cli import main
from otumat.spec.consent import ON
from otumat.usage import UsageAgent, answers, batches, changing, due, service, state
from otumat.usage.hosts import usage_transport
from otumat.usage.sender import send_round
from otumat.usage.service import systemd

if TYPE_CHECKING:
    from collections.abc import Callable

    from otumat.testing.usage import UsageHost

    Said = Callable[..., tuple[int, str]]

PACKAGE = "hostpkg"


@pytest.fixture(autouse=True)
def no_manager(monkeypatch: pytest.MonkeyPatch) -> None:
    """The session manager of this machine is nobody's to change here."""
    monkeypatch.setattr(service, "_run", list)
    monkeypatch.setattr(service, "kind", lambda: systemd)


@pytest.fixture
def said(capsys: pytest.CaptureFixture[str]) -> Said:
    """A command's exit code, and all that it said on one line."""

    def run(*arguments: str) -> tuple[int, str]:
        capsys.readouterr()
        code = main(["usage", *arguments])
        told = capsys.readouterr()
        return code, " ".join((told.out + told.err).split())

    return run


@pytest.fixture
def ended(enrolled: str, host: UsageHost) -> str:
    """A folder with a use that waits, whose install was erased on the web."""
    use(enrolled)
    host.access.clear()
    host.installs.clear()
    return enrolled


def use(folder: str) -> None:
    agent = UsageAgent(package_name=PACKAGE, enrolment="manual")
    due.set_due(folder, time.time() + 3600)  # no process of its own: the test sends
    agent.log("import")


def test_an_install_that_was_erased_on_the_web_is_said_to_send_nothing_and_how_to_stop(ended: str, said: Said) -> None:
    for command in ("send", "status", "show"):
        _, text = said(command, PACKAGE)
        assert "ended this install. Nothing is sent until 'otumat usage on hostpkg'." in text, command
        assert "To stop counting, too: otumat usage off hostpkg" in text, command
        assert "tried again later" not in text, command
        assert "install-1" not in text.partition('{"')[0], command
    assert state.describe(PACKAGE)["next_round"] == ""
    assert said("off", PACKAGE)[0] == 0
    assert "Nothing is sent until" not in said("status", PACKAGE)[1]


@pytest.mark.parametrize("way", [(), ("--device",)], ids=["anonymous", "by a code"])
@pytest.mark.parametrize("says_no", ["DO_NOT_TRACK", "CI", "site policy", "OTUMAT_USAGE"])
def test_a_yes_makes_no_install_while_something_says_no(
    host: UsageHost,
    folder: str,
    package: Path,
    said: Said,
    monkeypatch: pytest.MonkeyPatch,
    says_no: str,
    way: tuple[str, ...],
) -> None:
    (package / "policy").write_text("deny: *\n")
    name, value = {
        "site policy": ("OTUMAT_USAGE_POLICY", str(package / "policy")),
        "OTUMAT_USAGE": ("OTUMAT_USAGE", "local"),
    }.get(says_no, (says_no, "1"))
    with monkeypatch.context() as while_it_does:
        while_it_does.setenv(name, value)
        code, text = said("on", PACKAGE, "--host", host.url, *way)
    assert (code, host.asked, answers.read(folder).level) == (0, [], ON)
    assert f"{host.url} is told nothing while {says_no} says" in text
    assert f"You said on, but {says_no} says" in text
    assert "at log-in" not in text
    assert said("on", PACKAGE, "--host", host.url)[0] == 0
    assert len(host.installs) == 1


def test_the_start_at_log_in_is_offered_with_a_yes_until_it_is_there(
    host: UsageHost, package: Path, said: Said
) -> None:
    offer = "To have it sent at log-in, too: otumat usage service hostpkg"
    assert offer in said("on", PACKAGE, "--host", host.url)[1]
    assert "sends nothing" not in said("service", PACKAGE)[1]
    assert offer not in said("on", PACKAGE, "--host", host.url)[1]


def test_a_service_that_has_nothing_to_send_yet_is_said_to(home: Path, said: Said) -> None:
    code, text = said("service", PACKAGE)
    assert (code, len(service.installed(PACKAGE))) == (0, 3)
    assert "It sends nothing yet: hostpkg is unset, decided by nobody. To say yes: otumat usage on hostpkg" in text


def test_when_something_was_sent_last_is_said_whatever_rounds_came_after(
    enrolled: str, host: UsageHost, said: Said
) -> None:
    use(enrolled)
    assert send_round(enrolled, PACKAGE, over=usage_transport()).batches == 1
    (sent,) = batches.sent(enrolled)
    note = json.dumps({**sent.note, "sent": "2026-11-19T08:00:00Z"}).encode()
    Path(sent.path).write_bytes(note + b"\n" + sent.body)
    for later in (lambda: send_round(enrolled, PACKAGE, over=usage_transport()), lambda: due.begin(enrolled)):
        later()
        assert "sent 1 request, last 2026-11-19T08:00:00Z" in said("status", PACKAGE)[1]


def test_a_trouble_of_sending_is_over_with_the_yes(enrolled: str, said: Said) -> None:
    due.failed(enrolled, {}, "Nobody answered.", chance=0.5)
    assert "trouble Nobody answered." in said("status", PACKAGE)[1]
    changing.withdraw(enrolled, source="test")
    assert "trouble" not in said("status", PACKAGE)[1]


@pytest.mark.parametrize(
    ("word", "says"),
    [
        ("bogus", "off, decided by OTUMAT_USAGE, whose 'bogus' is none of on, local, off"),
        ("off", "off, decided by OTUMAT_USAGE since"),
        ("No", "off, decided by OTUMAT_USAGE since"),
        ("on", "on, decided by you since"),
    ],
)
def test_a_word_that_nobody_knows_is_said_to_be_one(
    enrolled: str, said: Said, monkeypatch: pytest.MonkeyPatch, word: str, says: str
) -> None:
    monkeypatch.setenv("OTUMAT_USAGE", word)
    assert f"hostpkg: {says}" in said("status", PACKAGE)[1]


def test_of_what_is_not_here_nothing_is_shown(package: Path, said: Said) -> None:
    code, text = said("show", "nosuch")
    assert code == 1
    assert "There is no nosuch here" in text
    for there in (PACKAGE, "pytest", "json"):
        assert said("show", there)[0] == 0, there
    said("off", "nosuch")
    assert "Nothing leaves: nosuch is off." in said("show", "nosuch")[1]


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="no /proc here")
@pytest.mark.parametrize("command", ["on", "local", "off"])
def test_where_no_folder_can_be_made_is_said(
    host: UsageHost, package: Path, said: Said, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    monkeypatch.setenv("HOME", "/proc/self")
    code, text = said(command, PACKAGE, *(("--host", host.url) if command == "on" else ()))
    assert code == 1
    assert "cannot be written: No such file or directory" in text
