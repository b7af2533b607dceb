"""U11: homes on a network file system (NFS), or kept while machines and containers come and go."""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING

import pytest

from otumat.spec.consent import LOCAL, ON
from otumat.usage import UsageAgent, changing, evicting, held, state
from otumat.usage.hosts import usage_transport
from otumat.usage.sender import send_round
from otumat.usage.spool import RS, SEGMENT_BYTES, SPOOL_MAX_BYTES, Writer

if TYPE_CHECKING:
    from collections.abc import Callable

    from otumat.testing.usage import UsageHost

fcntl = pytest.importorskip("fcntl")
PACKAGE = "hostpkg"
RECORD = RS + b"often\t\t%d\t\t3.11\tlinux\tx86_64\t\n"


@pytest.fixture
def nfs(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    What NFS does otherwise: a shared lock wants a file open for reading, one alone a file open for writing (flock(2));
    and what is deleted while it is open goes on under another name.
    """
    flock, unlink, close = fcntl.flock, os.unlink, os.close

    def locked(fd: int, how: int) -> None:
        unable = os.O_WRONLY if how & fcntl.LOCK_SH else os.O_RDONLY
        if not how & fcntl.LOCK_UN and fcntl.fcntl(fd, fcntl.F_GETFL) & os.O_ACCMODE == unable:
            raise OSError(errno.EBADF, os.strerror(errno.EBADF))
        flock(fd, how)

    def unlinked(path: str) -> None:
        opened = {os.path.realpath(f"/proc/self/fd/{fd}") for fd in os.listdir("/proc/self/fd")}
        if os.path.realpath(path) in opened:
            os.rename(path, os.path.join(os.path.dirname(path), ".nfs" + os.urandom(6).hex()))
        else:
            unlink(path)

    def closed(fd: int) -> None:
        path = os.path.realpath(f"/proc/self/fd/{fd}")
        close(fd)
        if os.path.basename(path).startswith(".nfs"):
            unlink(path)

    monkeypatch.setattr(fcntl, "flock", locked)
    monkeypatch.setattr(os, "close", closed)
    monkeypatch.setattr(os, "unlink", unlinked)


@pytest.fixture
def left_by(folder: str) -> Callable[[str, int], str]:
    """A segment that another machine, or a container, left open: its path."""

    def leave(machine: str, records: int) -> str:
        path = os.path.join(folder, "spool", f"local-{machine}.open")
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.writelines(RECORD % number for number in range(records))
        return path

    return leave


def test_U11_on_NFS_what_was_sent_is_deleted_once_nobody_writes_to_it(
    enrolled: str, host: UsageHost, nfs: None
) -> None:
    writer = Writer(enrolled, ON)
    writer.write(RECORD % 1)
    assert send_round(enrolled, PACKAGE, over=usage_transport()).uses == 1
    assert len(held.segments(enrolled, ON)) == 1
    writer.close()
    assert send_round(enrolled, PACKAGE, over=usage_transport()).uses == 0
    assert (held.segments(enrolled, ON), host.counts) == ([], {"often": 1})


def test_U11_on_NFS_who_withdraws_is_noticed_and_leaves_nothing_to_read(local: str, nfs: None) -> None:
    agent = UsageAgent(package_name=PACKAGE)
    agent.log("fetch")
    changing.withdraw(local, source="test")
    agent.log("fetch")
    assert {os.stat(path).st_size for path in held.listed(os.path.join(local, "spool"))} <= {0}


def test_U11_on_NFS_the_cap_holds_and_notes_of_losses_stay_small(local: str, nfs: None) -> None:
    agent = UsageAgent(package_name=PACKAGE)
    for _ in range(25_000):
        agent.log("often")
    assert sum(os.stat(path).st_size for path in held.listed(os.path.join(local, "spool"))) <= SPOOL_MAX_BYTES
    assert state.counts(local)["often"] + held.lost(local)["room"]["often"] == 25_000
    for _ in range(1500):
        held.count_lost(local, held.UNREADABLE, {"a_rather_long_name_of_an_event": 1})
    assert sum(os.stat(path).st_size for path in held.listed(local) if "lost" in path) < 64 * 1024


def test_U11_bytes_of_another_machine_that_have_not_arrived_yet_are_no_loss(
    enrolled: str, host: UsageHost, left_by: Callable[[str, int], str]
) -> None:
    """They may arrive in any order; what is missing reads as zeros."""
    left = left_by("elsewhere", 30)
    path = left.replace("local-", "on-")
    os.rename(left, path)
    with open(path, "r+b") as file:
        whole = file.read()
        file.seek(len(RECORD % 1) * 10)
        file.write(b"\0" * 100)
    with open(path, "rb") as writing:
        fcntl.flock(writing, fcntl.LOCK_SH)
        assert send_round(enrolled, PACKAGE, over=usage_transport()).uses == 10
        (sealed,) = held.segments(enrolled, ON)
        os.chmod(sealed, 0o600)
        with open(sealed, "r+b") as late:
            late.write(whole)
    assert send_round(enrolled, PACKAGE, over=usage_transport()).uses == 20


def test_U5_what_machines_and_containers_that_are_gone_left_open_is_evicted_and_counted(
    local: str, left_by: Callable[[str, int], str]
) -> None:
    each = SEGMENT_BYTES // len(RECORD % 1000)
    for number in range(20):
        left_by(f"container{number}", each)
    Writer(local, LOCAL).write(RECORD % 1)
    total = sum(os.stat(path).st_size for path in held.listed(os.path.join(local, "spool")))
    assert total <= SPOOL_MAX_BYTES - SEGMENT_BYTES
    assert state.counts(local)["often"] + held.lost(local)["room"]["often"] == 20 * each + 1


def test_U5_what_somebody_was_evicting_when_he_was_killed_is_evicted_by_the_next(
    local: str, left_by: Callable[[str, int], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = left_by("gone", 1000)
    os.rename(path, path + ".sealed.evicted")
    monkeypatch.setattr(evicting, "_EVICTING_S", -1)  # as if that was a while ago
    evicting.evict(local, lambda: True, machine="")
    assert (held.listed(os.path.join(local, "spool")), held.lost(local)) == ([], {"room": {"often": 1000}})


def test_a_withdrawal_while_a_segment_is_opened_leaves_nothing_behind(
    local: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    agent = UsageAgent(package_name=PACKAGE)
    agent.log("fetch")
    held.seal_all(local, LOCAL)
    opened = Writer.reopen

    def withdraw_first(writer: Writer, level: str) -> None:
        changing.withdraw(local, source="test")
        opened(writer, level)

    monkeypatch.setattr(Writer, "reopen", withdraw_first)
    agent.log("fetch")
    assert (held.held(local), agent.show_logs()) == ([], None)
