"""After *off*: what proves the install is all that is left of it, and erases it however late, if its user says so."""

from __future__ import annotations

import json
import os
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from harness.using import Meanwhile
from otumat.cli import main
from otumat.errors import Conflict, Unreachable
from otumat.spec.consent import ON
from otumat.usage import UsageAgent, batches, changing, due, tokens, tombstones
from otumat.usage.hosts import usage_transport
from otumat.usage.sender import send_round

if TYPE_CHECKING:
    from collections.abc import Callable

    from otumat.testing.usage import UsageHost

    Say = Callable[..., None]

PACKAGE = "hostpkg"


@pytest.fixture
def told(folder: str, host: UsageHost, say: Say) -> str:
    """A folder that enrolled, told of a use, and said off: its host knows, and its tokens have ended."""
    say(ON, url=host.url)
    agent = UsageAgent(package_name=PACKAGE, enrolment="manual")
    due.set_due(folder, time.time() + 3600)  # no process of its own: the test sends
    agent.log("import")
    assert send_round(folder, PACKAGE, over=usage_transport()).uses == 1
    leave(folder, host)
    return folder


def leave(folder: str, host: UsageHost) -> None:
    changing.withdraw(folder, source="test")
    assert tombstones.tell(folder, over=usage_transport()) == []
    host.access.clear()
    host.asked.clear()


def test_what_is_left_tells_nothing_and_opens_nothing_but_the_end(told: str, host: UsageHost) -> None:
    (path,) = tombstones.left(told)
    left = json.loads(Path(path).read_text())
    assert (left["access_token"], left["refresh_token"], os.stat(path).st_mode & 0o777) == ("", "", 0o600)
    assert not os.path.exists(tokens.path_of(told))
    send_round(told, PACKAGE, over=usage_transport())
    assert host.asked == []


def test_it_is_erased_however_late(told: str, host: UsageHost) -> None:
    (path,) = tombstones.left(told)
    assert tombstones.erase(path, over=usage_transport())["receipt"]
    assert (host.proofs, tombstones.left(told), os.listdir(os.path.dirname(path))) == ({}, [], [])


def test_an_answer_that_was_lost_is_asked_for_again_with_the_same_key(told: str, host: UsageHost) -> None:
    (path,) = tombstones.left(told)
    door = f"/api/usage-install/{next(iter(host.proofs.values()))}"
    host.faults[door] = ["reset"]
    with pytest.raises(Unreachable):
        tombstones.erase(path, over=usage_transport())
    tombstones.erase(path, over=usage_transport())
    first, second = (each.headers["idempotency-key"] for each in host.to(door))
    assert first == second


def test_who_said_yes_and_off_twice_can_erase_both(told: str, host: UsageHost, say: Say) -> None:
    say(ON, url=host.url)
    send_round(told, PACKAGE, over=usage_transport())
    leave(told, host)
    for path in tombstones.left(told):
        tombstones.erase(path, over=usage_transport())
    assert host.proofs == {}


def test_no_more_than_so_many_are_kept(told: str, host: UsageHost, monkeypatch: pytest.MonkeyPatch, say: Say) -> None:
    monkeypatch.setattr(tombstones, "LEFT_MOST", 1)
    (before,) = tombstones.left(told)
    say(ON, url=host.url)
    send_round(told, PACKAGE, over=usage_transport())
    leave(told, host)
    (after,) = tombstones.left(told)
    assert before != after


def test_of_an_install_without_a_proof_nothing_is_left(enrolled: str, host: UsageHost) -> None:
    leave(enrolled, host)
    assert (tombstones.left(enrolled), tombstones.buried(enrolled), host.installs) == ([], [], {})


@pytest.mark.parametrize("is_old", [False, True], ids=["that speaks 1.0 by now", "of 0.3 alone"])
def test_an_install_that_was_taken_over_from_0_3_can_leave_a_host(enrolled: str, host: UsageHost, is_old: bool) -> None:
    path = tokens.path_of(enrolled)
    known = tokens.read(path)
    assert known is not None
    tokens.write(path, replace(known, dialect="0.3", client_id="otumat-0.3", client_secret="secret", got_s=0))
    host.is_old = is_old
    leave(enrolled, host)
    left = tombstones.left(enrolled)
    assert (len(left), host.installs) == ((0, {"install-1": PACKAGE}) if is_old else (1, {}))
    for each in left:
        assert tombstones.erase(each, over=usage_transport())["receipt"] == {"install": "install-1"}
    assert tombstones.left(enrolled) == []


def test_looking_with_a_credential_of_0_3_ends_nothing(enrolled: str, host: UsageHost) -> None:
    path = tokens.path_of(enrolled)
    known = tokens.read(path)
    assert known is not None
    tokens.write(path, replace(known, dialect="0.3", client_secret="secret"))
    with pytest.raises(Conflict):
        tombstones.ask(path, "GET", over=usage_transport())
    assert host.asked == []


def test_the_commands_find_what_was_left(told: str, host: UsageHost, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["usage", "status", PACKAGE]) == 0
    assert "1 install left, not erased" in capsys.readouterr().out
    install = next(iter(host.proofs.values()))
    page = f"{host.url}/usage/visit/s/"
    host.faults[f"/api/usage-install/{install}/visits"] = [(201, {}, json.dumps({"ok": True, "url": page}).encode())]
    assert main(["usage", "web", PACKAGE, "--no-browser"]) == 0
    assert page in capsys.readouterr().out
    assert main(["usage", "erase", PACKAGE]) == 0
    assert install in capsys.readouterr().out
    assert (host.proofs, tombstones.left(told)) == ({}, [])


@pytest.mark.parametrize(("word", "kept"), [("erase", 0), ("off", 1)])
def test_what_was_under_way_is_kept_after_off_and_not_once_it_was_erased(
    folder: str, host: UsageHost, say: Say, monkeypatch: pytest.MonkeyPatch, word: str, kept: int
) -> None:
    monkeypatch.setattr(changing, "ROUND_WAIT_S", 0)  # as if the host took its time
    say(ON, url=host.url)
    UsageAgent(package_name=PACKAGE, enrolment="manual").log("import")
    due.set_due(folder, time.time() + 3600)
    over = Meanwhile("/api/usage-event", lambda: main(["usage", word, PACKAGE]))
    send_round(folder, PACKAGE, over=over)
    assert (len(batches.sent(folder)), batches.waiting(folder)) == (kept, [])


def test_a_new_yes_keeps_what_proves_the_install_that_had_ended(
    folder: str, host: UsageHost, say: Say, package: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    say(ON, url=host.url)
    send_round(folder, PACKAGE, over=usage_transport())
    UsageAgent(package_name=PACKAGE, enrolment="manual").log("import")
    host.access.clear()
    host.families.clear()
    assert "ended this install" in send_round(folder, PACKAGE, over=usage_transport()).trouble
    assert main(["usage", "on", PACKAGE, "--host", host.url]) == 0
    assert len(tombstones.left(folder)) == 1
    assert len(host.proofs) == 2
