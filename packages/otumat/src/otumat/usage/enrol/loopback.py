"""
A listener on this machine's own address, for the answer of a consent page.

Bound to 127.0.0.1 (or ::1) only, on a free port, for as long as it takes; one request that fits ends it (RFC 8252,
7.3, 8.3). What does not fit is told so, and changes nothing: neither a stranger's page nor another program can
finish or cancel.
"""

from __future__ import annotations

import socket
import time
from base64 import b64encode
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING, Self
from urllib.parse import parse_qsl, urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable

    Page = tuple[int, str]
    Answer = Callable[[str, dict[str, str]], Page | None]

_REQUEST_S = 5
_STYLE = ":root{color-scheme:light dark}main{font:1.1rem/1.6 system-ui,sans-serif;max-width:32rem;margin:12vh auto}"
_PAGE = (
    '<!doctype html><html lang="en"><meta charset="utf-8"><title>Otumat</title><style>%s</style>'
    '<meta name="viewport" content="width=device-width"><main><p>%s</p></main></html>'
)
_SCRIPT = "window.opener.postMessage(true, '*'); window.close()"
_SCRIPT_HASH, _STYLE_HASH = (b64encode(sha256(text.encode()).digest()).decode() for text in (_SCRIPT, _STYLE))
_POLICY = f"default-src 'none'; script-src 'sha256-{_SCRIPT_HASH}'; style-src 'sha256-{_STYLE_HASH}'"
HEALTH = f"Yes, this is it.<script>{_SCRIPT}</script>"
"""What a consent page of Otumat 0.3 opens in a window of its own, to see whether we can be reached."""


class Listener:
    """
    Waits for one answer of the browser.

    >>> with Listener(lambda path, query: (200, "Thank you."), is_done=lambda: True) as listener:
    ...     listener.url.startswith("http://")
    True

    Args:
        answer: Given a path and its query, says with which status and words to answer; None is 404.
        is_done: Whether the wait is over.
    """

    def __init__(self, answer: Answer, *, is_done: Callable[[], bool]) -> None:
        self._answer = answer
        self._is_done = is_done

    def __enter__(self) -> Self:
        self._server = self._bind()
        host, port = self._server.server_address[:2]
        self.url = f"http://[{host!s}]:{port}" if ":" in str(host) else f"http://{host!s}:{port}"
        return self

    def __exit__(self, *exc: object) -> None:
        self._server.server_close()

    def wait(self, timeout_s: float) -> bool:
        """Serve until an answer fits; whether one came in time."""
        deadline = time.monotonic() + timeout_s
        while not self._is_done() and (left := deadline - time.monotonic()) > 0:
            self._server.timeout = min(left, 1.0)
            self._server.handle_request()
        return self._is_done()

    def _bind(self) -> HTTPServer:
        listener = self

        class Handler(_Handler):
            def do_GET(self) -> None:
                listener.serve(self)

        try:
            return _Server(("127.0.0.1", 0), Handler)
        except OSError:
            return _ServerV6(("::1", 0), Handler)

    def serve(self, handler: BaseHTTPRequestHandler) -> None:
        parts = urlsplit(handler.path)
        query = parse_qsl(parts.query, max_num_fields=20)
        told = None
        # A page that got a name of its own to point here (DNS rebinding) is not who we opened.
        if handler.headers.get("Host") == urlsplit(self.url).netloc and len(dict(query)) == len(query):
            told = self._answer(parts.path, dict(query))
        status, text = told or (404, "There is nothing here.")
        body = (_PAGE % (_STYLE, text)).encode()
        handler.send_response(status)
        handler.send_header("Content-Type", "text/html; charset=utf-8")
        handler.send_header("Content-Length", str(len(body)))
        handler.send_header("Cache-Control", "no-store")
        handler.send_header("Referrer-Policy", "no-referrer")
        handler.send_header("Content-Security-Policy", _POLICY)
        handler.end_headers()
        handler.wfile.write(body)


class _Server(HTTPServer):
    """An HTTPServer that tells nobody about broken connections, least of all the host's terminal."""

    def handle_error(self, request: object, client_address: object) -> None:
        pass


class _ServerV6(_Server):
    address_family = socket.AF_INET6


class _Handler(BaseHTTPRequestHandler):
    timeout = _REQUEST_S

    def log_message(self, format: str, *args: object) -> None:
        pass
