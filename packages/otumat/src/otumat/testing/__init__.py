"""
Doubles that are real implementations, for our tests and for the tests of programs that use the client as a library.

>>> from otumat.transport import Request, Response
>>> transport = RecordingTransport(lambda request: Response(200, {}, b"hello"))
>>> transport.send(Request("GET", "https://index.example.org/")).body
b'hello'
>>> transport.requests[0].url
'https://index.example.org/'
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from otumat.transport import Form

if TYPE_CHECKING:
    from collections.abc import Callable

    from otumat.transport import Request, Response


class RecordingTransport:
    """
    A Transport without a network: every request is kept, and `answer` decides what comes back.

    Bodies that are forms are written out as a real transport would, so their files are read and their progress is told.

    Attributes:
        requests: What was asked, in order.
        bodies: The bytes of each request's body, in the same order; empty for a request without one.
    """

    def __init__(self, answer: Callable[[Request], Response]) -> None:
        self._answer = answer
        self.requests: list[Request] = []
        self.bodies: list[bytes] = []

    def send(self, request: Request) -> Response:
        """See otumat.transport.Transport."""
        self.requests.append(request)
        self.bodies.append(b"".join(request.body) if isinstance(request.body, Form) else request.body or b"")
        return self._answer(request)
