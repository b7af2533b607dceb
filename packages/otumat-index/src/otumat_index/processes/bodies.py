"""
Request bodies are taken in whole before the application sees the request; answers end with their last byte.

A WSGI application reads its body from a thread, and there are few threads: sixteen clients that send a byte a second
would occupy them all. Here a slow body costs a coroutine and a buffer that turns into a file when it grows; how long
it may take is the business of `web.lane.patience`. It also means that a body that breaks off never reaches the
application, which might take the part for the whole.
"""

from __future__ import annotations

import tempfile
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final

Message = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

MEMORY_BYTES: Final = 1 << 20
CHUNK_BYTES: Final = 256 * 1024


class _Completing:
    """
    Send on, and say "that was all" with the last announced byte.

    The bridge to WSGI says so in a message of its own, later, when the client may long have sent its next request:
    which would then find the connection busy and miss the hot lane.
    """

    def __init__(self, send: Send) -> None:
        self._send = send
        self._left: int | None = None
        self._ended = False

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            lengths = [value for name, value in message["headers"] if name.lower() == b"content-length"]
            self._left = int(lengths[0]) if lengths else None
        elif self._ended:
            return
        else:
            if self._left is not None:
                self._left -= len(message["body"])
                message["more_body"] = message.get("more_body", False) and self._left > 0
            self._ended = not message.get("more_body", False)
        await self._send(message)


class WholeBodies:
    """ASGI middleware: read the body to its end, then call the application."""

    def __init__(self, application: Application, *, limit_bytes: int) -> None:
        self._application = application
        self._limit_bytes = limit_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request; requests without a body pass straight through."""
        send = _Completing(send)
        if scope["type"] != "http" or not _has_body(scope):
            await self._application(scope, receive, send)
        elif _announced(scope) > self._limit_bytes:
            await _refuse(send, self._limit_bytes)
        else:
            await self._with_body(scope, receive, send)

    async def _with_body(self, scope: Scope, receive: Receive, send: Send) -> None:
        with tempfile.SpooledTemporaryFile(MEMORY_BYTES) as body:
            size = 0
            more = True
            while more:
                message = await receive()
                if message["type"] == "http.disconnect":
                    return
                size += len(message["body"])
                if size > self._limit_bytes:
                    await _refuse(send, self._limit_bytes)
                    return
                body.write(message["body"])
                more = message["more_body"]
            body.seek(0)
            left = size

            async def replay() -> Message:
                nonlocal left
                if left < 0:
                    return await receive()
                piece = body.read(CHUNK_BYTES)
                left = left - len(piece) or -1
                return {"type": "http.request", "body": piece, "more_body": left > 0}

            await self._application(scope, replay, send)


def _has_body(scope: Scope) -> bool:
    return any(name in (b"content-length", b"transfer-encoding") for name, _ in scope["headers"])


def _announced(scope: Scope) -> int:
    return max((int(value) for name, value in scope["headers"] if name == b"content-length"), default=0)


async def _refuse(send: Send, limit_bytes: int) -> None:
    text = f"The request body is larger than this index accepts ({limit_bytes >> 20} MiB).\n".encode()
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", str(len(text)).encode())]
    await send({"type": "http.response.start", "status": 413, "headers": [*headers, (b"connection", b"close")]})
    await send({"type": "http.response.body", "body": text, "more_body": False})
