"""Mail of a started index over real SMTP: soon, and once, also when the mailer is killed in the middle of a batch."""

from __future__ import annotations

import asyncio
import collections
import email
import email.policy
import json
import re
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from aiosmtpd.controller import Controller

from harness.server import Index, basic, free_port, kill, marked_processes
from harness.waiting import PATIENCE_S, until

MAILS = 40


class Server:
    """A mail server that takes its time and keeps what it took."""

    def __init__(self) -> None:
        self.pause_s = 0.0
        self.taken: list[tuple[float, Any]] = []
        self.port = free_port()
        self.controller = Controller(self, hostname="127.0.0.1", port=self.port, ready_timeout=PATIENCE_S)
        self.controller.start()

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        self.taken.append((time.time(), email.message_from_bytes(envelope.content, policy=email.policy.default)))
        await asyncio.sleep(self.pause_s)  # taken, and not yet said so: the worst moment for the mailer to die
        return "250 OK"

    def ids(self) -> list[str]:
        return [str(message["Message-ID"]) for _, message in self.taken]


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    yield made
    made.controller.stop()


@pytest.fixture
def index(start_index: Callable[..., Index], server: Server) -> Iterator[Index]:
    made = start_index(MAIL_URL=f"smtp://127.0.0.1:{server.port}", workers=1)
    yield made
    made.stop_cleanly()


def mailers(index: Index) -> list[int]:
    return [pid for pid, words in marked_processes(index.mark) if "otumat_index.serving:mail" in words]


def until_taken(server: Server, count: int) -> None:
    until(lambda: len(server.taken) >= count)


def states(index: Index) -> dict[str, int]:
    return {
        str(state): int(count)
        for state, count in index.catalogue.rows("SELECT state, count(*) FROM jobs_mail GROUP BY state")
    }


def make_tokens(index: Index, count: int) -> None:
    headers = basic("alice", index.create_user("alice")) | {"Content-Type": "application/json"}
    for number in range(count):
        body = json.dumps({"name": f"number {number}"}).encode()
        assert index.request("POST", "/api/v1/tokens", body, headers).status == 200


def test_mail_leaves_at_once_and_one_click_stops_it(index: Index, server: Server) -> None:
    make_tokens(index, 1)
    until(lambda: server.taken)
    (message,) = [message for _, message in server.taken]
    assert message["Subject"] == "[Otumat] A new API token"
    form = b"name=roundup&version=1.0"
    headers = {**basic("alice", index.create_user("alice")), "Content-Type": "application/x-www-form-urlencoded"}
    assert index.request("POST", "/submit", form, headers).status == 200
    until(lambda: len(server.taken) == 2)
    change = server.taken[1][1]
    assert change["Subject"] == "[Otumat] roundup: alice registered roundup 1.0"
    found = re.search(r"/account/mail/unsubscribe/[^>]+/", str(change["List-Unsubscribe"]))
    assert found
    posted = {"Content-Type": "application/x-www-form-urlencoded"}
    assert index.request("POST", found[0], b"List-Unsubscribe=One-Click", posted).status == 200
    assert index.request("POST", "/submit", form, headers).status == 200
    make_tokens(index, 1)
    until(lambda: len(server.taken) == 3)
    assert server.taken[2][1]["Subject"] == "[Otumat] A new API token"
    until(lambda: not states(index).keys() & {"queued", "sending"})
    assert len(server.taken) == 3


def test_no_mail_is_sent_twice_though_the_mailer_is_killed_in_the_middle_of_a_batch(
    index: Index, server: Server
) -> None:
    server.pause_s = 0.03
    make_tokens(index, MAILS)
    kills = 0
    for mark in (3, 12, 25):
        until_taken(server, mark)
        for pid in mailers(index):
            kill(pid)
            kills += 1
    until(lambda: sum(states(index).values()) == MAILS and not states(index).keys() & {"queued", "sending"})
    assert [each for each, count in collections.Counter(server.ids()).items() if count > 1] == []
    found = states(index)
    unknown = found.pop("unknown", 0)
    assert found == {"sent": MAILS - unknown}
    assert unknown <= kills == 3
    assert len(server.taken) >= MAILS - unknown
    assert index.log.read_text("utf-8").count("It may have arrived") == unknown


def test_a_stop_finishes_the_mail_under_way(start_index: Callable[..., Index], server: Server) -> None:
    index = start_index(MAIL_URL=f"smtp://127.0.0.1:{server.port}", workers=1)
    server.pause_s = 0.5
    make_tokens(index, 5)
    until(lambda: server.taken)
    index.stop_cleanly()
    index.start()
    until(lambda: states(index) == {"sent": 5})
    assert len(set(server.ids())) == len(server.taken) == 5
    index.stop_cleanly()
