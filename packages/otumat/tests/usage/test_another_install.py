"""After this machine became another install: what waited is told by the new one, once, and nothing by the old."""

from __future__ import annotations

import gzip
import json
import os
import socket
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from harness.using import PACKAGE, Meanwhile, send, use
from otumat.cli import main
from otumat.errors import Conflict
from otumat.usage import answers, batches, evicting, held, outbox, readdressing, tokens, tombstones
from otumat.usage.enrol.anonymous import enrol_anonymously
from otumat.usage.hosts import usage_transport
from otumat.usage.sender import send_round
from otumat.usage.spool import machine

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from otumat.testing.usage import UsageHost
    from otumat.usage.batches import Frozen

EVENT = "/api/usage-event"


def freeze(folder: str, dialect: str = "1.0") -> list[Frozen]:
    """What `otumat usage show` does."""
    return outbox.freeze(folder, answers.read(folder), tombstones.current_install(folder), dialect=dialect)


def enrol(folder: str) -> str:
    """What `otumat usage on --anonymous` does: the new install."""
    return enrol_anonymously(folder, over=usage_transport()).install


def arrived(host: UsageHost) -> list[dict[str, Any]]:
    """Every body that reached the event route."""
    return [json.loads(gzip.decompress(each.body)) for each in host.to(EVENT)]


def once(then: Callable[[], object]) -> Callable[[], None]:
    """The first time only."""
    left = [then]

    def now() -> None:
        while left:
            left.pop()()

    return now


def test_what_was_only_looked_at_is_told_by_the_new_install_in_a_batch_of_its_own(
    enrolled: str, host: UsageHost
) -> None:
    use("import", "fetch")
    (shown,) = freeze(enrolled)
    new = enrol(enrolled)
    use("fetch")
    assert send(enrolled).trouble == ""
    assert [(each["install"], each["sequence"], each["lost"]) for each in arrived(host)] == [(new, 1, {}), (new, 2, {})]
    assert shown.batch not in {each["batch"] for each in arrived(host)}
    assert (host.counts, held.lost(enrolled)) == ({"import": 1, "fetch": 2}, {})


def test_its_rows_are_those_that_were_shown(enrolled: str, host: UsageHost) -> None:
    use("import", "fetch")
    (shown,) = freeze(enrolled)
    new = enrol(enrolled)
    (now,) = freeze(enrolled)
    named = {"install": new, "batch": now.batch, "sequence": 1}
    assert json.loads(now.body) == json.loads(shown.body) | named
    assert json.loads(now.body)["uses"]


def test_what_may_have_arrived_is_lost_once_and_never_sent_again(enrolled: str, host: UsageHost) -> None:
    use("import", "fetch")
    host.faults[EVENT] = ["lose"]
    assert send(enrolled).trouble
    new = enrol(enrolled)
    use("later")
    send(enrolled)
    send(enrolled)
    first, *more = arrived(host)
    assert (first["install"], {each["install"] for each in more}) == ("install-1", {new})
    assert (host.counts, host.sequences) == ({"import": 1, "fetch": 1, "later": 1}, [1, 1])
    assert host.lost == [{}, {"unanswered": {"import": 1, "fetch": 1}}]


def test_its_user_sees_that_it_is_lost_and_why(
    enrolled: str, host: UsageHost, capsys: pytest.CaptureFixture[str]
) -> None:
    use("fetch")
    host.faults[EVENT] = ["reset"]
    send(enrolled)
    enrol(enrolled)
    send(enrolled)
    assert main(["usage", "status", PACKAGE]) == 0
    assert "fetch 1 (unanswered)" in capsys.readouterr().out


def test_what_a_host_refused_for_want_of_an_install_never_arrived(
    enrolled: str, host: UsageHost, package: Path
) -> None:
    """Its user erased it on the web, and says yes again."""
    use("import")
    host.installs.clear()
    host.access.clear()
    assert send(enrolled).trouble
    assert main(["usage", "on", PACKAGE, "--host", host.url]) == 0
    assert send(enrolled).uses == 1
    assert (host.counts, host.lost) == ({"import": 1}, [{}])


def test_what_was_refused_after_an_answer_that_was_lost_may_be_there_still(enrolled: str, host: UsageHost) -> None:
    use("import")
    host.faults[EVENT] = ["lose"]
    send(enrolled)
    host.installs.clear()
    host.access.clear()
    assert "ended" in send(enrolled).trouble
    enrol(enrolled)
    send(enrolled)
    assert (host.counts, host.lost) == ({"import": 1}, [{}, {"unanswered": {"import": 1}}])


def test_what_found_nobody_to_tell_never_arrived(enrolled: str, host: UsageHost) -> None:
    use("import")
    with socket.create_server(("127.0.0.1", 0)) as closed:
        nobody = f"http://127.0.0.1:{closed.getsockname()[1]}"
    path = tokens.path_of(enrolled)
    known = tokens.read(path)
    assert known is not None
    tokens.write(path, replace(known, endpoints={**known.endpoints, "event": nobody + EVENT}))
    assert "Nothing answers" in send(enrolled).trouble
    enrol(enrolled)
    assert send(enrolled).uses == 1
    assert (host.counts, host.lost) == ({"import": 1}, [{}])


def test_each_install_counts_its_batches_from_one(enrolled: str, host: UsageHost) -> None:
    for _ in range(2):
        for _ in range(2):
            use("import")
            send(enrolled)
        enrol(enrolled)
    assert host.sequences == [1, 2, 1, 2]


def test_the_oldest_that_was_sent_comes_first_whatever_its_number(enrolled: str) -> None:
    for sequence, at in ((7, "2026-11-20T08:00:00Z"), (8, "2026-11-21T08:00:00Z"), (1, "2026-11-22T08:00:00Z")):
        path = os.path.join(enrolled, "sent", f"{sequence:08d}-0a.json")
        batches.write(path, {"batch": "0a", "sequence": sequence, "sent": at}, b"{}")
    assert [each.sequence for each in batches.sent(enrolled)] == [7, 8, 1]


def test_what_was_told_as_lost_before_is_not_told_by_the_new_install_too(enrolled: str, host: UsageHost) -> None:
    held.count_lost(enrolled, held.ROOM, {"fetch": 40})
    send(enrolled)
    enrol(enrolled)
    held.count_lost(enrolled, held.ROOM, {"fetch": 2})
    send(enrolled)
    assert host.lost == [{"room": {"fetch": 40}}, {"room": {"fetch": 2}}]


def test_what_was_evicted_while_its_batch_waited_is_told_by_that(enrolled: str, host: UsageHost) -> None:
    use("import")
    freeze(enrolled)
    evicting.evict(enrolled, lambda: held.segments(enrolled) == [], machine=machine())
    assert held.segments(enrolled) == []
    enrol(enrolled)
    send(enrolled)
    assert (host.counts, host.lost) == ({"import": 1}, [{}])


@pytest.fixture
def several(enrolled: str) -> str:
    """A folder in which three batches wait, of a use each."""
    for name in ("one", "two", "three"):
        use(name)
        freeze(enrolled)
    assert len(batches.waiting(enrolled)) == 3
    return enrolled


def test_an_enrolment_between_two_requests_sends_nothing_in_the_wrong_name(several: str, host: UsageHost) -> None:
    over = Meanwhile(EVENT, once(lambda: enrol(several)))
    assert "enrolled anew" in send_round(several, PACKAGE, over=over).trouble
    assert send(several).uses == 2
    assert (host.counts, host.sequences) == ({"one": 1, "two": 1, "three": 1}, [1, 1, 2])
    assert host.lost == [{}, {}, {}]


def test_an_enrolment_while_tokens_are_refreshed_sends_nothing_in_the_wrong_name(
    enrolled: str, host: UsageHost
) -> None:
    use("import")
    host.access.clear()
    over = Meanwhile(EVENT, once(lambda: enrol(enrolled)))
    assert "enrolled anew" in send_round(enrolled, PACKAGE, over=over).trouble
    assert [each["install"] for each in arrived(host)] == ["install-1"]
    assert send(enrolled).uses == 1
    assert (host.counts, host.lost) == ({"import": 1}, [{}])


def test_who_looks_in_the_name_of_the_former_install_changes_nothing(several: str) -> None:
    enrol(several)
    freeze(several)
    before = [each.body for each in batches.waiting(several)]
    with pytest.raises(Conflict, match="enrolled anew"):
        outbox.freeze(several, answers.read(several), "install-1")
    assert [each.body for each in batches.waiting(several)] == before


@pytest.mark.parametrize("after", [0, 1, 2, 3])
def test_U5_killed_while_the_batches_were_made_anew_it_goes_on_where_it_was(
    several: str, host: UsageHost, monkeypatch: pytest.MonkeyPatch, after: int
) -> None:
    enrol(several)
    writing, written = batches.write, [0]

    def write(*arguments: Any) -> None:
        if written[0] == after:
            raise KeyboardInterrupt
        written[0] += 1
        writing(*arguments)

    with monkeypatch.context() as now:
        now.setattr(readdressing, "write", write)
        now.setattr(outbox, "write_json", lambda path, value: write())  # the cursors, after all of them
        with pytest.raises(KeyboardInterrupt):
            freeze(several)
    use("four")
    send(several)
    assert host.counts == {"one": 1, "two": 1, "three": 1, "four": 1}
    assert (sorted(host.sequences), host.lost) == ([1, 2, 3, 4], [{}, {}, {}, {}])


def test_U5_killed_while_a_batch_was_set_aside_it_is_lost_once(
    enrolled: str, host: UsageHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(frozen: Frozen) -> None:
        raise KeyboardInterrupt

    use("import")
    host.faults[EVENT] = ["reset"]
    send(enrolled)
    enrol(enrolled)
    with monkeypatch.context() as now:
        now.setattr(batches, "_remove", killed)
        with pytest.raises(KeyboardInterrupt):
            freeze(enrolled)
    send(enrolled)
    assert (host.counts, host.lost) == ({}, [{"unanswered": {"import": 1}}])


def test_a_batch_in_the_dialect_of_0_3_cannot_be_told_in_the_next(enrolled: str, host: UsageHost) -> None:
    use("import", "fetch", "fetch")
    freeze(enrolled, dialect="0.3")
    enrol(enrolled)
    send(enrolled)
    assert (host.counts, host.lost) == ({}, [{"unanswered": {"import": 1, "fetch": 2}}])


def test_a_batch_in_the_dialect_of_0_3_is_told_in_it_by_the_next_install(enrolled: str) -> None:
    use("import")
    (before,) = freeze(enrolled, dialect="0.3")
    new = enrol(enrolled)
    (now,) = freeze(enrolled, dialect="0.3")
    assert json.loads(now.body) == json.loads(before.body) | {"installId": new}


def test_nothing_is_left_beside_what_was_sent(enrolled: str, host: UsageHost) -> None:
    use("import")
    host.faults[EVENT] = ["reset"]
    send(enrolled)
    send(enrolled)
    assert (host.counts, os.listdir(os.path.join(enrolled, "outbox"))) == ({"import": 1}, [])
