"""Reason phrases find their way through ASGI, which knows none."""

from __future__ import annotations

from typing import Any

import pytest

from otumat_index.web.lane.reasons import HEADER, Head, carried, with_its_reason


def started(status: str) -> tuple[str, list[tuple[str, str]]]:
    """What a server is told when an application answers with this status."""
    told: list[Any] = []

    def application(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        start_response(status, [("Vary", "Accept")])
        return [b""]

    carried(application)({}, lambda *words: told.extend(words))
    return told[0], told[1]


def test_a_reason_of_its_own_is_carried() -> None:
    assert started("409 File already exists") == (
        "409 File already exists",
        [("Vary", "Accept"), (HEADER, "File already exists")],
    )


def test_a_usual_reason_costs_nothing() -> None:
    assert started("409 Conflict")[1] == [("Vary", "Accept")]


@pytest.mark.parametrize(
    ("head", "written"),
    [
        (b"HTTP/1.1 200 OK\r\nvary: a\r\n\r\n", b"HTTP/1.1 200 OK\r\nvary: a\r\n\r\n"),
        (
            b"HTTP/1.1 400 Bad Request\r\nvary: a\r\nx-reason-phrase: no name\r\nage: 1\r\n\r\n",
            b"HTTP/1.1 400 no name\r\nvary: a\r\nage: 1\r\n\r\n",
        ),
        (b"HTTP/1.1 400 Bad Request\r\nx-reason-phrase: no name\r\n\r\n", b"HTTP/1.1 400 no name\r\n\r\n"),
    ],
)
def test_the_head_is_written_with_its_reason(head: bytes, written: bytes) -> None:
    assert with_its_reason(head) == written


class Written:
    """A transport that keeps what it is given."""

    def __init__(self) -> None:
        self.data: list[bytes] = []

    def write(self, data: bytes) -> None:
        self.data.append(data)


def test_only_the_head_is_touched() -> None:
    transport = Written()
    head = Head(transport)  # type: ignore[arg-type]
    body = b"HTTP/1.1 200 OK\r\nx-reason-phrase: a trick\r\n\r\n"
    for data in (b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 400 Bad Request\r\nx-reason-phrase: b\r\n\r\n", body):
        head.write(data)
    assert transport.data == [b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 400 b\r\n\r\n", body]
