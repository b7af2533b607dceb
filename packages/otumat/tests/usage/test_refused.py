"""What a host took and did not count, as uses from before a yes on its page: their user sees it, and why."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

import pytest

from harness.using import PACKAGE, send, use
from otumat.cli import main
from otumat.usage import batches, clock, held
from otumat.usage.batches import Frozen

if TYPE_CHECKING:
    from otumat.testing.usage import UsageHost

EVENT = "/api/usage-event"
BODY = b'{"uses":[{"rows":[["d","fetch",{},2],["d","import",{},3]]},{"rows":[["d","fetch",{},4]]}]}'
FROZEN = Frozen("", {"dialect": "1.0"}, BODY)


@pytest.fixture
def refusing(enrolled: str, host: UsageHost) -> UsageHost:
    """A host that counts from tomorrow on."""
    use("fetch", "fetch")
    host.since = clock.day(time.time() + 24 * 60 * 60)
    return host


def test_what_was_older_than_the_yes_is_lost_and_its_user_sees_why(
    enrolled: str, refusing: UsageHost, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["usage", "send", PACKAGE]) == 0
    said = capsys.readouterr()
    assert "Sent 0 uses in 1 request." in said.out
    assert f"2 uses did not count: 'otumat usage status {PACKAGE}' says why." in said.err
    assert main(["usage", "status", PACKAGE]) == 0
    assert "fetch 2 (before_consent)" in capsys.readouterr().out
    assert main(["usage", "send", PACKAGE]) == 0
    assert "did not count" not in capsys.readouterr().err


def test_a_host_is_not_told_what_it_refused(enrolled: str, refusing: UsageHost) -> None:
    send(enrolled)
    refusing.since = ""
    use("import")
    held.count_lost(enrolled, held.ROOM, {"fetch": 1})
    send(enrolled)
    assert (refusing.counts, refusing.lost) == ({"import": 1}, [{}, {"room": {"fetch": 1}}])


def test_an_answer_that_was_lost_is_no_second_loss(enrolled: str, refusing: UsageHost) -> None:
    refusing.faults[EVENT] = ["lose"]
    send(enrolled)
    send(enrolled)
    assert held.lost(enrolled) == {"before_consent": {"fetch": 2}}


@pytest.mark.parametrize("notes_max_bytes", [held.LOST_MAX_BYTES, 0], ids=["as noted", "folded meanwhile"])
def test_U5_killed_before_the_batch_was_settled_it_is_no_second_loss(
    enrolled: str, refusing: UsageHost, monkeypatch: pytest.MonkeyPatch, notes_max_bytes: int
) -> None:
    monkeypatch.setattr(held, "LOST_MAX_BYTES", notes_max_bytes)

    def killed(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as now:
        now.setattr(batches, "settle", killed)
        with pytest.raises(KeyboardInterrupt):
            send(enrolled)
    send(enrolled)
    assert held.lost(enrolled) == {"before_consent": {"fetch": 2}}
    assert (batches.waiting(enrolled), os.listdir(os.path.join(enrolled, "outbox"))) == ([], [])


@pytest.mark.parametrize(
    ("told", "found"),
    [
        ([], {}),
        ([{"row": 0, "code": "expired"}, {"row": 2, "code": "expired"}], {"expired": {"fetch": 6}}),
        ([{"row": 1, "code": "room\tfetch\t9\n"}], {"refused": {"import": 3}}),
        ([{"row": 1, "code": ["expired"]}], {"refused": {"import": 3}}),
        ([{"row": 7, "code": "expired"}, {"row": [0], "code": "expired"}, {"row": "0"}, 3, None], {}),
        ("nothing", {}),
        (None, {}),
    ],
)
def test_whatever_a_host_answers_only_what_was_sent_is_refused(told: object, found: object) -> None:
    assert batches.refused(FROZEN, {"refused": told}) == found
