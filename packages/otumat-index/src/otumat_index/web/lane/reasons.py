"""
The reason phrase of a status line, which twine, hatch and flit show to the person and ASGI has no word for.

WSGI has one. `carried` hides it in a header on its way through ASGI; `Head`, which stands before the transport of one
response, takes it out again and puts it where it belongs.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from http.client import responses
from typing import Any, Final

HEADER: Final = "x-reason-phrase"
_NAME: Final = f"\r\n{HEADER}: ".encode()

Application = Callable[[Any, Any], Iterable[bytes]]  # each library has types of its own for these


def carried(application: Application) -> Application:
    """Wrap a WSGI application: a reason phrase other than the usual one becomes a header."""

    def with_reason(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        def start(status: str, headers: list[tuple[str, str]], *exc_info: Any) -> Any:
            code, _, reason = status.partition(" ")
            usual = responses.get(int(code), "")
            return start_response(status, headers if reason == usual else [*headers, (HEADER, reason)], *exc_info)

        return application(environ, start)

    return with_reason


class Head:
    """The transport of one response: its head is written with the reason it carries, everything else as it comes."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._awaited = True

    def write(self, data: bytes) -> None:
        """Write on; an interim answer (100 Continue) is not the head."""
        if self._awaited and not data.startswith(b"HTTP/1.1 100"):
            self._awaited = False
            data = with_its_reason(data)
        self._transport.write(data)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)


def with_its_reason(head: bytes) -> bytes:
    r"""
    Move the carried reason into the status line.

    >>> with_its_reason(b"HTTP/1.1 409 Conflict\r\nx-reason-phrase: File already exists\r\nvary: Accept\r\n\r\n")
    b'HTTP/1.1 409 File already exists\r\nvary: Accept\r\n\r\n'
    """
    before, found, after = head.partition(_NAME)
    if not found:
        return head
    reason, _, rest = after.partition(b"\r\n")
    line, _, others = before.partition(b"\r\n")
    return b"\r\n".join([b"%b %b" % (line[: len(b"HTTP/1.1 200")], reason), *([others] if others else []), rest])
