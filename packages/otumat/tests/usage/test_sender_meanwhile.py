"""What happens while a round of sending is under way: enrolments, withdrawals, uses, other rounds and hosts."""

from __future__ import annotations

import os
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from harness.using import PACKAGE, Meanwhile, send, use
from harness.waiting import until
from otumat.spec.consent import OFF, ON
from otumat.usage import answers, batches, changing, evicting, held, outbox, tokens, tombstones
from otumat.usage.enrol.anonymous import enrol_anonymously
from otumat.usage.hosts import usage_transport
from otumat.usage.sender import Round, send_round
from otumat.usage.spool import machine

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from otumat.testing.usage import UsageHost

EVENT, TOKEN = "/api/usage-event", "/auth/token"


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


@contextmanager
def sending(folder: str, host: UsageHost) -> Iterator[None]:
    """While a batch is under way, whose answer comes afterwards."""
    host.faults[EVENT] = ["hang"]
    thread = threading.Thread(target=send, args=(folder,))
    thread.start()
    until(lambda: host.to(EVENT))
    yield
    host.released.set()
    thread.join()


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
    with sending(enrolled, host):
        changing.withdraw(enrolled, source="test")
    assert answers.read(enrolled).level == OFF
    assert held.segments(enrolled) == []
    assert batches.waiting(enrolled) == []
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
    with sending(enrolled, host):
        use("racer")
    send(enrolled)
    assert host.counts == {"import": 1, "racer": 1}


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
