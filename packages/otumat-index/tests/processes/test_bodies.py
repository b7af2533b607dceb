"""What stands between uvicorn and the application, driven as uvicorn drives it."""

from __future__ import annotations

import asyncio
from collections.abc import MutableMapping
from typing import Any

import pytest

from otumat_index.processes.bodies import MEMORY_BYTES, WholeBodies
from otumat_index.processes.bridge import STEP_BYTES, Bridge

Message = MutableMapping[str, Any]


def exchange(application: Any, pieces: list[bytes | None], *headers: tuple[bytes, bytes]) -> list[Message]:
    """Send a request in pieces (None: the client is gone); return what comes out."""
    sent: list[Message] = []

    async def receive() -> Message:
        piece = pieces.pop(0) if pieces else None
        if piece is None:
            return {"type": "http.disconnect"}
        return {"type": "http.request", "body": piece, "more_body": bool(pieces)}

    async def send(message: Message) -> None:
        sent.append(message)

    async def scene() -> None:
        scope = {"type": "http", "method": "POST", "path": "/", "query_string": b"", "http_version": "1.1"}
        middleware = WholeBodies(Bridge(application, threads=1), limit_bytes=4 * MEMORY_BYTES)
        await middleware({**scope, "headers": list(headers)}, receive, send)

    asyncio.run(scene())
    return sent


def answering(*chunks: bytes, length: int | None = None) -> Any:
    def application(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        headers = [] if length is None else [("Content-Length", str(length))]
        start_response("200 OK", headers)
        return list(chunks)

    return application


@pytest.mark.parametrize(
    ("chunks", "length"),
    [([b"ab", b"cd"], 4), ([b"abcd"], 4), ([], 0), ([b""], 0), ([b"ab", b"cd"], None), ([], None), ([], 4)],
)
def test_every_answer_ends_exactly_once(chunks: list[bytes], length: int | None) -> None:
    start, *bodies = exchange(answering(*chunks, length=length), [b""])
    assert start["type"] == "http.response.start"
    assert [bool(message.get("more_body")) for message in bodies] == [True] * (len(bodies) - 1) + [False]
    assert b"".join(message["body"] for message in bodies) == b"".join(chunks)


def test_the_last_bytes_say_that_they_are() -> None:
    chunks = [bytes([65 + number]) * (STEP_BYTES // 2) for number in range(7)]
    start, *bodies = exchange(answering(*chunks), [b""])
    assert start["type"] == "http.response.start"
    assert [message["more_body"] for message in bodies] == [True, True, True, False]
    assert b"".join(message["body"] for message in bodies) == b"".join(chunks)
    assert bodies[-1]["body"] == chunks[-1]


def test_an_application_that_fails_has_answered_nothing() -> None:
    def application(environ: dict[str, Any], start_response: Any) -> Any:
        start_response("200 OK", [])
        yield b"so far"
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        exchange(application, [b""])


def test_what_the_application_opened_is_closed_when_it_fails() -> None:
    closed: list[bool] = []

    class Pieces:
        def __iter__(self) -> Any:
            raise ZeroDivisionError

        def close(self) -> None:
            closed.append(True)

    def application(environ: dict[str, Any], start_response: Any) -> Any:
        start_response("200 OK", [])
        return Pieces()

    with pytest.raises(ZeroDivisionError):
        exchange(application, [b""])
    assert closed == [True]


def test_a_header_with_an_underscore_stands_for_none_with_a_dash() -> None:
    seen: list[Any] = []

    def application(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        seen.append((environ.get("HTTP_X_FORWARDED_FOR"), environ["HTTP_ACCEPT"]))
        start_response("200 OK", [])
        return []

    exchange(application, [b""], (b"x_forwarded_for", b"10.0.0.1"), (b"accept", b"a"), (b"accept", b"b"))
    assert seen == [(None, "a,b")]


@pytest.mark.parametrize("sizes", [[0], [5], [1, 0, 4], [MEMORY_BYTES, MEMORY_BYTES, 7]])
def test_a_body_arrives_as_it_was_sent(sizes: list[int]) -> None:
    read: list[bytes] = []

    def application(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        read.append(environ["wsgi.input"].read())
        start_response("200 OK", [])
        return []

    pieces: list[bytes | None] = [bytes([65 + number]) * size for number, size in enumerate(sizes)]
    whole = b"".join(piece for piece in pieces if piece)
    exchange(application, pieces, (b"transfer-encoding", b"chunked"))
    assert read == [whole]


def test_a_body_that_breaks_off_calls_nobody() -> None:
    def application(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        pytest.fail("called with a part of the body")

    assert exchange(application, [b"part", None], (b"content-length", b"9")) == []


@pytest.mark.parametrize("announced", [True, False])
def test_a_body_above_the_limit_calls_nobody(announced: bool) -> None:
    def application(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        pytest.fail("called with too much")

    header = (b"content-length", b"99999999") if announced else (b"transfer-encoding", b"chunked")
    start, *_ = exchange(application, [b"a" * MEMORY_BYTES] * 5, header)
    assert start["status"] == 413
