"""U13: tokens are refreshed by one at a time, and a lost answer ends nothing."""

from __future__ import annotations

import json
import threading
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from otumat.errors import Conflict, Unreachable
from otumat.transport import Response
from otumat.usage import tokens
from otumat.usage.hosts import usage_transport

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable

    from otumat.testing.usage import UsageHost

    Run = Callable[..., subprocess.CompletedProcess[str]]

REFRESH = """
import sys
from otumat.usage import tokens
from otumat.usage.hosts import usage_transport
path = tokens.path_of(sys.argv[1])
for _ in range(40):
    tokens.refreshed(path, tokens.read(path).access_token, over=usage_transport())
"""


def test_U13_K6_processes_that_refresh_at_once_never_end_the_family(
    enrolled: str, host: UsageHost, run_program: Run
) -> None:
    host.grace_s = 0  # a server that forgives nothing
    runs = [threading.Thread(target=lambda: done.append(run_program(REFRESH, enrolled))) for _ in range(3)]
    done: list[subprocess.CompletedProcess[str]] = []
    for run in runs:
        run.start()
    for run in runs:
        run.join()
    assert [(each.returncode, each.stderr) for each in done] == [(0, "")] * 3
    assert "install-1" in host.installs


def test_U13_whoever_waited_takes_the_pair_that_is_there(enrolled: str, host: UsageHost) -> None:
    path = tokens.path_of(enrolled)
    known = tokens.read(path)
    assert known is not None
    threads = [
        threading.Thread(target=lambda: tokens.refreshed(path, known.access_token, over=usage_transport()))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(host.to("/auth/token")) == 1


def test_U13_a_lost_answer_ends_nothing(enrolled: str, host: UsageHost) -> None:
    path = tokens.path_of(enrolled)
    known = tokens.read(path)
    assert known is not None
    host.faults["/auth/token"] = ["lose"]
    with pytest.raises(Unreachable):
        tokens.refreshed(path, known.access_token, over=usage_transport())
    assert tokens.read(path) == known
    assert tokens.refreshed(path, known.access_token, over=usage_transport()).access_token != known.access_token


@pytest.mark.parametrize(
    "fault",
    [
        (500, {}, b""),
        (503, {}, b'{"access_token": "A9"}'),
        (200, {}, b"<html>"),
        (200, {}, b'{"access_token": 3}'),
        "hang",
    ],
)
def test_K14_an_answer_that_is_none_changes_nothing(enrolled: str, host: UsageHost, fault: object) -> None:
    path = tokens.path_of(enrolled)
    known = tokens.read(path)
    assert known is not None
    host.faults["/auth/token"] = [fault]  # type: ignore[list-item]
    with pytest.raises(Unreachable):
        tokens.refreshed(path, known.access_token, over=usage_transport(silence_s=0.3))
    assert tokens.read(path) == known


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("install", "a\nb"),
        ("access_token", ""),
        ("refresh_token", "x" * 4097),
        ("access_token", 3),
        ("expires_in", "x"),
    ],
)
def test_K14_what_looks_like_no_token_is_none(field: str, value: object) -> None:
    told = {"install": "i", "access_token": "A1", "refresh_token": "R1", "expires_in": 3600}
    assert tokens.from_answer(Response(200, {}, json.dumps(told).encode()), host="h", endpoints={}).install == "i"
    with pytest.raises(Unreachable):
        tokens.from_answer(Response(200, {}, json.dumps({**told, field: value}).encode()), host="h", endpoints={})


def test_fields_that_are_optional_may_be_missing(enrolled: str, host: UsageHost) -> None:
    path = tokens.path_of(enrolled)
    known = tokens.read(path)
    assert known is not None
    host.faults["/auth/token"] = [(200, {}, b'{"access_token": "A9"}')]
    fresh = tokens.refreshed(path, known.access_token, over=usage_transport())
    assert (fresh.access_token, fresh.refresh_token) == ("A9", known.refresh_token)


def test_invalid_grant_is_the_end_and_is_remembered(enrolled: str, host: UsageHost) -> None:
    path = tokens.path_of(enrolled)
    known = tokens.read(path)
    assert known is not None
    host.installs.clear()
    with pytest.raises(Conflict):
        tokens.refreshed(path, known.access_token, over=usage_transport())
    after = tokens.read(path)
    assert after is not None
    assert after.ended


def test_K28_times_are_seconds_since_1970_whatever_the_zone(enrolled: str) -> None:
    known = tokens.read(tokens.path_of(enrolled))
    assert known is not None
    fresh = replace(known, got_s=1000, expires_in=100)
    assert [fresh.is_fresh(at) for at in (999, 1000, 1079, 1080)] == [False, True, True, False]
