"""A receipt that was lost is asked for again, whatever was said meanwhile: its key goes where the credential goes."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from harness.using import PACKAGE, send
from otumat.cli import main
from otumat.errors import Conflict, Unreachable
from otumat.spec.consent import ON
from otumat.usage import changing, tokens, tombstones
from otumat.usage.hosts import usage_transport

if TYPE_CHECKING:
    from collections.abc import Callable

    from otumat.testing.usage import UsageHost

OVER = usage_transport(silence_s=1, total_s=5)


@pytest.fixture
def on(folder: str, host: UsageHost, say: Callable[..., None]) -> str:
    """A folder with an install that proves itself."""
    say(ON, url=host.url)
    send(folder)
    return folder


def door(folder: str) -> str:
    return f"/api/usage-install/{tombstones.current_install(folder)}"


def erased(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    """What `otumat usage erase` says."""
    capsys.readouterr()
    assert main(["usage", "erase", PACKAGE, "--json"]) == 0
    told: dict[str, Any] = json.loads(capsys.readouterr().out)
    return told


def keys_beside(folder: str) -> list[Path]:
    return list(Path(folder).rglob("*" + tombstones.ERASING))


def test_after_off_as_the_command_itself_proposes(on: str, host: UsageHost, capsys: pytest.CaptureFixture[str]) -> None:
    install = tombstones.current_install(on)
    host.faults[door(on)] = ["lose"]
    assert main(["usage", "erase", PACKAGE]) == 1
    assert f"otumat usage off {PACKAGE}" in capsys.readouterr().err
    assert main(["usage", "off", PACKAGE]) == 0
    assert erased(capsys)["receipt"]["receipt"]["install"] == install
    assert (host.proofs, tombstones.left(on), tombstones.buried(on), keys_beside(on)) == ({}, [], [], [])


def test_after_off_that_told_nobody(on: str, host: UsageHost, capsys: pytest.CaptureFixture[str]) -> None:
    install, there = tombstones.current_install(on), door(on)
    host.faults[there] = ["lose", "reset"]
    assert main(["usage", "erase", PACKAGE]) == 1
    assert main(["usage", "off", PACKAGE]) == 0
    assert len(tombstones.buried(on)) == 1
    assert erased(capsys)["receipt"]["receipt"]["install"] == install
    assert (tombstones.left(on), tombstones.buried(on), keys_beside(on)) == ([], [], [])


def test_lost_of_one_that_waits_to_be_told(on: str, host: UsageHost, capsys: pytest.CaptureFixture[str]) -> None:
    install = tombstones.current_install(on)
    host.faults[door(on)] = ["reset", "lose"]
    main(["usage", "off", PACKAGE])
    (waiting,) = tombstones.buried(on)
    with pytest.raises(Unreachable):
        tombstones.erase(waiting, over=OVER)
    tombstones.tell(on, over=OVER)
    assert tombstones.buried(on) == []
    assert erased(capsys)["receipt"]["receipt"]["install"] == install


def test_after_another_yes_it_is_asked_for_beside_the_next_one(
    on: str, host: UsageHost, package: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = tombstones.current_install(on)
    host.faults[door(on)] = ["lose"]
    assert main(["usage", "erase", PACKAGE]) == 1
    assert main(["usage", "on", PACKAGE, "--host", host.url, "--anonymous"]) == 0
    second = tombstones.current_install(on)
    (former,) = tombstones.buried(on)
    assert keys_beside(on) == [Path(former + tombstones.ERASING)]
    told = erased(capsys)
    installs = {each["receipt"]["install"] for each in (told["receipt"], *told["more_receipts"])}
    assert (installs, len(host.receipts)) == ({first, second}, 2)


def test_what_was_erased_otherwise_is_forgotten_with_its_key(
    on: str, host: UsageHost, capsys: pytest.CaptureFixture[str]
) -> None:
    """On the web: there is no receipt to be had here."""
    host.proofs.clear()
    host.access.clear()
    assert "does not know this install" in erased(capsys)["troubles"][0]
    assert (tombstones.left(on), tombstones.buried(on), keys_beside(on)) == ([], [], [])


def test_a_receipt_that_was_asked_for_too_late_is_asked_for_once_more_only(on: str, host: UsageHost) -> None:
    host.faults[door(on)] = ["lose"]
    with pytest.raises(Unreachable):
        tombstones.erase(tokens.path_of(on), over=OVER)
    changing.withdraw(on, source="test")
    tombstones.tell(on, over=OVER)
    (left,) = tombstones.left(on)
    host.receipts.clear()
    with pytest.raises(Conflict):
        tombstones.erase(left, over=OVER)
    assert os.listdir(os.path.dirname(left)) == []
