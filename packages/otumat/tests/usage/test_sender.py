"""A round of sending, against a real server with every fault that the protocol names."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import time
from typing import TYPE_CHECKING

import pytest

from harness.using import PACKAGE, send, use
from otumat.spec.consent import OFF, ON
from otumat.usage import UsageAgent, answers, batches, clock, due, held, outbox, tokens
from otumat.usage.sender import Round

if TYPE_CHECKING:
    from otumat.testing.usage import Fault, UsageHost

EVENT, TOKEN = "/api/usage-event", "/auth/token"


def error(status: int, code: str = "busy", **headers: str) -> Fault:
    body = json.dumps({"ok": False, "error": {"code": code, "message": "No."}}).encode()
    return status, {"Content-Type": "application/json", **headers}, body


def test_what_was_logged_arrives_once_and_added_up(enrolled: str, host: UsageHost) -> None:
    use("import", "fetch", "fetch")
    assert send(enrolled) == Round(batches=1, uses=3)
    assert host.counts == {"import": 1, "fetch": 2}
    assert send(enrolled) == Round()
    assert held.segments(enrolled) == []


def test_a_batch_is_named_compressed_and_carries_its_token_in_a_header(enrolled: str, host: UsageHost) -> None:
    use("import")
    send(enrolled)
    (asked,) = host.to(EVENT)
    assert asked.path == EVENT
    assert asked.headers["authorization"].startswith("Bearer A-")
    assert asked.headers["content-encoding"] == "gzip"
    assert asked.headers["content-type"] == "application/vnd.otumat.usage.v1+json"
    assert asked.headers["idempotency-key"] == json.loads(gzip.decompress(asked.body))["batch"]


def test_U9_what_is_shown_is_what_is_sent_is_what_is_kept(enrolled: str, host: UsageHost) -> None:
    use("import", "fetch")
    (shown,) = outbox.freeze(enrolled, answers.read(enrolled), "install-1")
    use("later")
    send(enrolled)
    first, second = (gzip.decompress(asked.body) for asked in host.to(EVENT))
    assert first == shown.body
    assert [each.body for each in batches.sent(enrolled)] == [first, second]
    assert batches.sent(enrolled)[0].note["answer"]["sha256"] == hashlib.sha256(shown.body).hexdigest()


def test_K17_a_lost_answer_is_asked_for_again_with_the_same_bytes_and_counted_once(
    enrolled: str, host: UsageHost
) -> None:
    use("import", "fetch")
    host.faults[EVENT] = ["lose"]
    assert send(enrolled).trouble
    use("fetch")
    assert send(enrolled).trouble == ""
    assert host.counts == {"import": 1, "fetch": 2}
    assert host.to(EVENT)[0].body == host.to(EVENT)[1].body


@pytest.mark.parametrize(
    "fault",
    [
        "reset",
        "hang",
        error(429),
        error(500),
        error(503),
        (502, {}, b"<html>not JSON"),
        (200, {}, b"<html>a captive portal"),
        (302, {"Location": "http://127.0.0.2:9/elsewhere"}, b""),
    ],
    ids=["reset", "hang", "429", "500", "503", "502 html", "portal", "redirect"],
)
def test_a_passing_fault_loses_nothing_and_is_tried_again_later(enrolled: str, host: UsageHost, fault: Fault) -> None:
    use("import")
    host.faults[EVENT] = [fault]
    before = time.time()
    assert send(enrolled, chance=lambda: 0.0).trouble
    assert answers.read(enrolled).level == ON
    assert clock.seconds(due.read(enrolled)["due"]) >= before + 29
    send(enrolled)
    assert host.counts == {"import": 1}


def test_K12_a_redirect_never_takes_the_token_elsewhere(enrolled: str, host: UsageHost) -> None:
    from otumat.testing.usage import UsageHost as Host

    with Host() as other:
        use("import")
        host.faults[EVENT] = [(307, {"Location": other.url + EVENT}, b"")]
        assert send(enrolled).trouble
        assert other.asked == []


def test_the_host_decides_how_long_to_wait_if_that_is_longer(enrolled: str, host: UsageHost) -> None:
    use("import")
    host.faults[EVENT] = [error(429, **{"Retry-After": "7200"})]
    before = time.time()
    send(enrolled, chance=lambda: 0.5)
    assert clock.seconds(due.read(enrolled)["due"]) >= before + 7199


def test_waits_double_and_an_absurd_retry_after_is_not_believed(enrolled: str, host: UsageHost) -> None:
    use("import")
    host.faults[EVENT] = [error(503), error(503), error(503, **{"Retry-After": "999999999"})]
    waits = []
    for _ in range(3):
        before = time.time()
        send(enrolled, chance=lambda: 0.5)
        waits.append(round((clock.seconds(due.read(enrolled)["due"]) - before) / 60))
    assert waits == [1, 2, 7 * 24 * 60]


def test_K34_rounds_are_spread_after_success(enrolled: str, host: UsageHost) -> None:
    found = []
    for chance in (0.0, 1.0):
        before = time.time()
        send(enrolled, every_s=1000, chance=lambda chance=chance: chance)
        found.append(round(clock.seconds(due.read(enrolled)["due"]) - before, -1))
    assert found == [900, 1100]


def test_410_withdrawn_is_the_users_no_and_wipes(enrolled: str, host: UsageHost) -> None:
    use("import")
    host.faults[EVENT] = [error(410, "withdrawn")]
    send(enrolled)
    answer = answers.read(enrolled)
    assert (answer.level, answer.source, answer.reason) == (OFF, host.url, "")
    assert held.segments(enrolled) == []
    assert batches.waiting(enrolled) == []
    assert tokens.read(tokens.path_of(enrolled)) is None


def test_410_stopped_stops_recording(enrolled: str, host: UsageHost) -> None:
    use("import")
    host.faults[EVENT] = [error(410, "stopped")]
    send(enrolled)
    assert answers.read(enrolled).reason == "stopped"
    use("import")
    assert held.segments(enrolled) == []
    asked = len(host.to(EVENT))
    send(enrolled)
    assert len(host.to(EVENT)) == asked


@pytest.mark.parametrize("status", [400, 413, 415, 422])
def test_a_batch_that_the_host_cannot_read_is_given_up_and_told_as_lost(
    enrolled: str, host: UsageHost, status: int
) -> None:
    use("fetch", "fetch")
    host.faults[EVENT] = [error(status, "invalid")]
    send(enrolled)
    assert host.counts == {}
    assert host.lost == [{"unreadable": {"fetch": 2}}]
    assert batches.waiting(enrolled) == []


def test_an_expired_token_is_refreshed_once_and_the_batch_sent_again(enrolled: str, host: UsageHost) -> None:
    use("import")
    host.access.clear()
    send(enrolled)
    assert host.counts == {"import": 1}
    assert [each.path for each in host.asked] == [EVENT, TOKEN, EVENT]


def test_K13_a_host_that_always_says_401_is_asked_twice_not_for_ever(enrolled: str, host: UsageHost) -> None:
    use("import")
    host.faults[EVENT] = [error(401), error(401)]
    assert send(enrolled).trouble
    assert len(host.to(EVENT)) == 2
    assert len(host.to(TOKEN)) == 1


@pytest.mark.parametrize("status", [400, 500, 503])
def test_K5_a_fault_of_the_token_route_changes_no_answer(enrolled: str, host: UsageHost, status: int) -> None:
    use("import")
    host.access.clear()
    host.faults[TOKEN] = [(status, {}, b"{}")]
    assert send(enrolled).trouble
    assert answers.read(enrolled).level == ON
    assert send(enrolled).uses == 1


def test_an_install_that_the_host_ended_waits_for_its_user(enrolled: str, host: UsageHost) -> None:
    use("import")
    host.access.clear()
    host.installs.clear()
    assert "usage on" in send(enrolled).trouble or send(enrolled).trouble
    assert answers.read(enrolled).level == ON
    asked = len(host.asked)
    send(enrolled)
    assert len(host.asked) == asked


def test_show_logs_has_what_waits_and_not_what_was_taken(enrolled: str, host: UsageHost) -> None:
    agent = UsageAgent(package_name=PACKAGE, enrolment="manual")
    due.set_due(enrolled, time.time() + 3600)
    agent.log(event_type="import")
    host.faults[EVENT] = ["reset"]
    send(enrolled)
    assert [name for _, name in agent.show_logs() or []] == ["import"]
    send(enrolled)
    assert agent.show_logs() == []


def test_sequences_have_no_gap(enrolled: str, host: UsageHost) -> None:
    for number in range(4):
        use(f"event{number}")
        send(enrolled)
    assert host.sequences == [1, 2, 3, 4]


def test_many_kinds_of_events_become_several_batches(enrolled: str, host: UsageHost) -> None:
    use(*(f"event{number:04d}" for number in range(3000)))
    done = send(enrolled)
    assert (done.batches > 1, done.uses) == (True, 3000)
    assert len(host.counts) == 3000


def test_U3_a_crash_between_freezing_and_noting_it_counts_nothing_twice(enrolled: str, host: UsageHost) -> None:
    use("import")
    outbox.freeze(enrolled, answers.read(enrolled), "install-1")
    os.unlink(os.path.join(enrolled, "cursors.json"))  # as if the plug was pulled before it was written
    assert send(enrolled).uses == 1
    assert host.counts == {"import": 1}
    assert host.sequences == [1]


def test_a_writer_that_stays_goes_on_after_its_segment_was_sent(enrolled: str, host: UsageHost) -> None:
    agent = UsageAgent(package_name=PACKAGE, enrolment="manual")
    due.set_due(enrolled, time.time() + 3600)
    for number in range(5):
        agent.log(event_type=f"event{number}")
        send(enrolled)
    agent.log(event_type="last")
    send(enrolled)
    assert host.counts == {**{f"event{number}": 1 for number in range(5)}, "last": 1}
