"""
From uvicorn to the WSGI application and back: a thread runs it, and a short answer crosses back in one step.

A step between threads costs some 0.1 ms, and a general bridge takes one for the head, one for each chunk and one for
the end. Here the body is there already (`bodies`), and what the application says is gathered until it is worth a step.
Source: PEP 3333; the ASGI specification, "HTTP".
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, BinaryIO, Final

Message = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]
Send = Callable[[Message], Awaitable[None]]
Environ = dict[str, Any]
Wsgi = Callable[[Any, Any], Iterable[bytes]]  # each library has types of its own for these

STEP_BYTES: Final = 64 * 1024
_NOT_HTTP: Final = {"content-length": "CONTENT_LENGTH", "content-type": "CONTENT_TYPE"}


class Bridge:
    """Answers requests whose body has arrived by a WSGI application in threads."""

    def __init__(self, application: Wsgi, *, threads: int) -> None:
        self._application = application
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="web")

    async def __call__(self, scope: Scope, body: BinaryIO, send: Send) -> None:
        """Serve one request; the last message carries the last bytes and says that they are."""
        loop = asyncio.get_running_loop()

        async def send_all(messages: list[Message]) -> None:
            for message in messages:
                await send(message)

        def step(messages: list[Message]) -> None:
            asyncio.run_coroutine_threadsafe(send_all(messages), loop).result()  # a slow reader holds the thread

        answer = _Answer(step)
        await send_all(await loop.run_in_executor(self._pool, answer.make, self._application, environ_of(scope, body)))


class _Answer:
    """What a WSGI application says, gathered; `step` sends a part of a long answer, from the thread."""

    def __init__(self, step: Callable[[list[Message]], None]) -> None:
        self._step = step
        self._head: Message | None = None
        self._is_begun = False
        self._pieces: list[bytes] = []
        self._size = 0

    def make(self, application: Wsgi, environ: Environ) -> list[Message]:
        """Run the application; returns the messages that are left to send."""
        pieces = application(environ, self._start)
        try:
            for piece in pieces:
                self._add(piece)
        finally:
            close: Callable[[], object] | None = getattr(pieces, "close", None)
            if close is not None:
                close()
        return self._take(more=False)

    def _start(self, status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Callable[[bytes], None]:
        if exc_info and self._is_begun:
            raise exc_info[1].with_traceback(exc_info[2])
        self._head = {
            "type": "http.response.start",
            "status": int(status[:3]),
            "headers": [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers],
        }
        return self._add

    def _add(self, piece: bytes) -> None:
        if self._size >= STEP_BYTES:  # before the piece is added: the last bytes wait for the word that they are
            self._step(self._take(more=True))
        self._pieces.append(piece)
        self._size += len(piece)

    def _take(self, *, more: bool) -> list[Message]:
        messages: list[Message] = [{"type": "http.response.body", "body": b"".join(self._pieces), "more_body": more}]
        if not self._is_begun:
            if self._head is None:
                raise RuntimeError("The application gave a body without a head.")
            messages.insert(0, self._head)
        self._is_begun, self._pieces, self._size = True, [], 0
        return messages


def environ_of(scope: Scope, body: BinaryIO) -> Environ:
    """
    A request as WSGI has it.

    A header with an underscore in its name is left out: as a variable it would be the one with a dash.
    """
    server, client = scope.get("server") or ("localhost", 80), scope.get("client")
    environ: Environ = {
        "REQUEST_METHOD": scope["method"],
        "SCRIPT_NAME": "",
        "PATH_INFO": scope["path"].encode().decode("latin-1"),
        "QUERY_STRING": scope["query_string"].decode("latin-1"),
        "SERVER_PROTOCOL": f"HTTP/{scope['http_version']}",
        "SERVER_NAME": server[0],
        "SERVER_PORT": str(server[1] or 0),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope.get("scheme", "http"),
        "wsgi.input": body,
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
    if client is not None:
        environ["REMOTE_ADDR"], environ["REMOTE_PORT"] = client[0], str(client[1])
    for raw_name, raw_value in scope["headers"]:
        name, value = raw_name.decode("latin-1"), raw_value.decode("latin-1")
        if "_" not in name:
            key = _NOT_HTTP.get(name) or f"HTTP_{name.upper().replace('-', '_')}"
            environ[key] = f"{environ[key]},{value}" if key in environ else value
    return environ
