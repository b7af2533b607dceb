"""A round of sending, against a real server with every fault that the protocol names."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from otumat.spec.consent import OFF, ON
from otumat.usage import UsageAgent, answers, changing, clock, due, evicting, held, outbox, tokens, tombstones
from otumat.usage.enrol.anonymous import enrol_anonymously
from otumat.usage.hosts import usage_transport
from otumat.usage.sender import Round, send_round
from otumat.usage.spool import machine

if TYPE_CHECKING:
    from collections.abc import Callable

    from otumat.testing.usage import Fault, UsageHost
    from otumat.transport import Request, Response

PACKAGE = "hostpkg"
EVENT, TOKEN = "/api/usage-event", "/auth/token"


def use(*names: str) -> None:
    agent = UsageAgent(package_name=PACKAGE, enrolment="manual")
    due.set_due(str(agent.home_path), time.time() + 3600)  # no process of its own: the test sends
    for name in names:
        agent.log(event_type=name)


def send(folder: str, **more: Any) -> Round:
    return send_round(folder, PACKAGE, over=usage_transport(silence_s=1, total_s=5), **more)


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
    assert [each.body for each in outbox.sent(enrolled)] == [first, second]
    assert outbox.sent(enrolled)[0].note["answer"]["sha256"] == hashlib.sha256(shown.body).hexdigest()


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
    assert outbox.waiting(enrolled) == []
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
    assert outbox.waiting(enrolled) == []


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


def test_the_first_round_makes_an_anonymous_install(folder: str, host: UsageHost, say: Callable[..., None]) -> None:
    say(ON, url=host.url)
    use("import")
    assert send(folder).uses == 1
    known = tokens.read(tokens.path_of(folder))
    assert known is not None
    assert not known.account
    assert os.stat(tokens.path_of(folder)).st_mode & 0o777 == 0o600


def test_a_lost_answer_of_the_enrolment_makes_no_second_install(
    folder: str, host: UsageHost, say: Callable[..., None]
) -> None:
    say(ON, url=host.url)
    use("import")
    host.faults["/api/usage-install"] = ["lose"]
    send(folder)
    send(folder)
    assert len(host.installs) == 1
    assert host.counts == {"import": 1}


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


def test_two_rounds_at_once_send_nothing_twice(enrolled: str, host: UsageHost) -> None:
    use("import", "fetch")
    threads = [threading.Thread(target=send, args=(enrolled,)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert host.counts == {"import": 1, "fetch": 1}


def test_K4_a_withdrawal_while_a_request_is_under_way_wins(enrolled: str, host: UsageHost) -> None:
    use("import")
    host.faults[EVENT] = ["hang"]
    thread = threading.Thread(target=send, args=(enrolled,))
    thread.start()
    while not host.to(EVENT):
        time.sleep(0.01)
    changing.withdraw(enrolled, source="test")
    host.released.set()
    thread.join()
    assert answers.read(enrolled).level == OFF
    assert held.segments(enrolled) == []
    assert outbox.waiting(enrolled) == []
    send(enrolled)
    assert host.counts == {}


def test_the_host_is_told_of_a_withdrawal_once_it_can_be_reached(enrolled: str, host: UsageHost) -> None:
    host.faults["/api/usage-install/install-1"] = ["reset"]
    changing.withdraw(enrolled, source="test")
    send(enrolled)
    assert "install-1" in host.installs
    send(enrolled)
    assert "install-1" not in host.installs
    assert os.listdir(os.path.join(enrolled, "tombstones")) == []


def test_nothing_is_asked_of_anybody_without_a_yes(folder: str, host: UsageHost, say: Callable[..., None]) -> None:
    for level in ("local", "off"):
        say(level, url=host.url) if level == "local" else changing.withdraw(folder, source="test")
        send(folder)
    assert host.asked == []


@pytest.mark.parametrize(("name", "value"), [("DO_NOT_TRACK", "1"), ("OTUMAT_USAGE", "off"), ("CI", "true")])
def test_a_denial_that_came_later_keeps_what_is_held_here(
    enrolled: str, host: UsageHost, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    use("import")
    monkeypatch.setenv(name, value)
    send(enrolled)
    assert host.asked == []


def test_K16_what_is_logged_while_a_batch_is_sent_is_not_lost(enrolled: str, host: UsageHost) -> None:
    use("import")
    host.faults[EVENT] = ["hang"]
    thread = threading.Thread(target=send, args=(enrolled,))
    thread.start()
    while not host.to(EVENT):
        time.sleep(0.01)
    use("racer")
    host.released.set()
    thread.join()
    send(enrolled)
    assert host.counts == {"import": 1, "racer": 1}


class Meanwhile:
    """The network; when a host has answered at a path, something else happens before that is read."""

    def __init__(self, path: str, then: Callable[[], object]) -> None:
        self._over = usage_transport(silence_s=1, total_s=5)
        self._path, self._then = path, then

    def send(self, request: Request) -> Response:
        answer = self._over.send(request)
        if request.url.endswith(self._path):
            self._then()
        return answer


def test_nothing_leaves_after_a_withdrawal_while_tokens_were_refreshed(
    enrolled: str, host: UsageHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    use("import")
    host.access.clear()
    refreshing = tokens.refreshed

    def refreshed(*arguments: Any, **more: Any) -> tokens.Credential:
        fresh = refreshing(*arguments, **more)
        changing.withdraw(enrolled, source="test", in_round=True)
        return fresh

    monkeypatch.setattr(tokens, "refreshed", refreshed)
    assert send(enrolled) == Round(trouble="Withdrawn.")
    assert len(host.to(EVENT)) == 1
    assert host.counts == {}


def test_tokens_that_come_after_a_withdrawal_are_not_kept(
    enrolled: str, host: UsageHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tombstones, "_REFRESH_WAIT_S", 0)  # as if the host took its time
    use("import")
    host.access.clear()
    over = Meanwhile(TOKEN, lambda: changing.withdraw(enrolled, source="test", in_round=True))
    assert send_round(enrolled, PACKAGE, over=over).trouble
    assert tokens.read(tokens.path_of(enrolled)) is None
    assert host.counts == {}


def test_an_install_that_is_made_while_its_user_withdraws_ends_at_once(
    folder: str, host: UsageHost, say: Callable[..., None]
) -> None:
    say(ON, url=host.url)
    use("import")
    over = Meanwhile("/api/usage-install", lambda: changing.withdraw(folder, source="test", in_round=True))
    assert send_round(folder, PACKAGE, over=over).trouble
    assert tokens.read(tokens.path_of(folder)) is None
    assert (host.installs, tombstones.buried(folder)) == ({}, [])


def test_of_two_installs_that_were_made_at_once_the_first_ends(
    folder: str, host: UsageHost, say: Callable[..., None]
) -> None:
    """As when a round and `otumat usage on` both find none."""
    say(ON, url=host.url)
    over = Meanwhile("/api/usage-install", lambda: enrol_anonymously(folder, over=usage_transport()))
    enrol_anonymously(folder, over=over)
    send(folder)
    assert list(host.installs) == [tombstones.current_install(folder)]


def test_what_was_gathered_for_one_host_never_goes_to_the_next(
    enrolled: str, host: UsageHost, say: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    from otumat.testing.usage import UsageHost as Host

    gathering = outbox._gather

    with Host() as other:

        def gather(*arguments: Any, **more: Any) -> Any:
            monkeypatch.setattr(outbox, "_gather", gathering)
            gathered = gathering(*arguments, **more)
            say(ON, url=other.url)
            return gathered

        use("import")
        monkeypatch.setattr(outbox, "_gather", gather)
        send(enrolled)
        use("fetch")
        send(enrolled)
        assert (host.counts, other.counts) == ({}, {"fetch": 1})


def test_what_a_withdrawal_that_was_killed_left_behind_does_not_come_back_with_a_yes(
    enrolled: str, host: UsageHost, say: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    from otumat.testing.usage import UsageHost as Host

    def killed(folder: str) -> None:
        raise KeyboardInterrupt

    use("import")
    with monkeypatch.context() as now:
        now.setattr(tombstones, "bury", killed)
        with pytest.raises(KeyboardInterrupt):
            changing.withdraw(enrolled, source="test")
    with Host() as other:
        say(ON, url=other.url)
        send(enrolled)
        assert (other.counts, host.counts, host.installs) == ({}, {}, {})


def test_a_withdrawal_deletes_what_was_cut_short_too(enrolled: str) -> None:
    place = os.path.join(enrolled, "outbox")
    os.makedirs(place)
    for path in (os.path.join(place, "1.json.0a.tmp"), os.path.join(place, "1.json"), enrolled + "/credential.0a.tmp"):
        with open(path, "wb") as file:
            file.write(b"half of it")
    changing.withdraw(enrolled, source="test")
    assert os.listdir(place) == []
    assert not [name for name in os.listdir(enrolled) if name.endswith(".tmp")]


def test_U5_what_a_killed_round_had_frozen_is_not_told_as_lost_too(
    enrolled: str, host: UsageHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed before it noted that; another process makes room as soon as it may."""
    use("import")
    outbox.freeze(enrolled, answers.read(enrolled), "install-1")
    os.unlink(os.path.join(enrolled, "cursors.json"))
    (path,) = held.segments(enrolled)
    assert path.endswith(".sealed")  # it may be evicted while its batch waits
    held.gather(path)
    letting_go = held.let_go

    def let_go(folder: str) -> None:
        letting_go(folder)
        evicting.evict(folder, lambda: held.segments(folder) == [], machine=machine())

    monkeypatch.setattr(held, "let_go", let_go)
    send(enrolled)
    assert host.counts == {"import": 1}
    assert held.lost(enrolled) == {}
