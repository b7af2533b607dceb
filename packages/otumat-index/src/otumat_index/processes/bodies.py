"""
Request bodies are taken in whole before the application sees the request.

A WSGI application reads its body from a thread, and there are few threads: sixteen clients that send a byte a second
would occupy them all. Here a slow body costs a coroutine and a buffer that turns into a file when it grows; how long
it may take is the business of `web.lane.patience`. It also means that a body that breaks off never reaches the
application, which might take the part for the whole.
"""

from __future__ import annotations

import io
import tempfile
from collections.abc import Awaitable, Callable
from typing import BinaryIO, Final, cast

from otumat_index.processes.bridge import Message, Scope, Send

Receive = Callable[[], Awaitable[Message]]
Application = Callable[[Scope, BinaryIO, Send], Awaitable[None]]

MEMORY_BYTES: Final = 1 << 20


class WholeBodies:
    """ASGI application: read the body to its end, then call another that takes it as a file."""

    def __init__(self, application: Application, *, limit_bytes: int) -> None:
        self._application = application
        self._limit_bytes = limit_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if not _has_body(scope):
            await self._application(scope, io.BytesIO(), send)
        elif _announced(scope) > self._limit_bytes:
            await _refuse(send, self._limit_bytes)
        else:
            await self._with_body(scope, receive, send)

    async def _with_body(self, scope: Scope, receive: Receive, send: Send) -> None:
        with tempfile.SpooledTemporaryFile(MEMORY_BYTES) as body:
            size, more = 0, True
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
            await self._application(scope, cast(BinaryIO, body), send)


def _has_body(scope: Scope) -> bool:
    return any(name in (b"content-length", b"transfer-encoding") for name, _ in scope["headers"])


def _announced(scope: Scope) -> int:
    return max((int(value) for name, value in scope["headers"] if name == b"content-length"), default=0)


async def _refuse(send: Send, limit_bytes: int) -> None:
    text = f"The request body is larger than this index accepts ({limit_bytes >> 20} MiB).\n".encode()
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", str(len(text)).encode())]
    await send({"type": "http.response.start", "status": 413, "headers": [*headers, (b"connection", b"close")]})
    await send({"type": "http.response.body", "body": text, "more_body": False})
