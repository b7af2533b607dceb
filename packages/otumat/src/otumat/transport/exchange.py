"""What is asked, what comes back, and what carries the one to the other."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

    from otumat.transport.form import Form


@dataclass(frozen=True)
class Request:
    """What is asked. `body` is bytes with a Content-Type among the headers, or a Form that brings its own."""

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | Form | None = None


@dataclass(frozen=True)
class Response:
    """What came back: any HTTP status, header names in lower case, the whole body."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    reason: str = ""

    @property
    def media_type(self) -> str:
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()


class Transport(Protocol):
    """Anything that carries a request to a server and its answer back."""

    def send(self, request: Request) -> Response:
        """Raise Unreachable when there is no answer; every HTTP status is an answer."""
        ...


def basic_auth(username: str, password: str) -> str:
    """The value of an Authorization header (RFC 7617, UTF-8)."""
    from base64 import b64encode

    return "Basic " + b64encode(f"{username}:{password}".encode()).decode("ascii")
