"""A reverse proxy on loopback that adds a prefix and another host name, and writes down what was asked."""

from __future__ import annotations

import http.client
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

from harness.waiting import PATIENCE_S

HOP_BY_HOP = frozenset({"connection", "keep-alive", "transfer-encoding", "upgrade", "te", "trailer"})


@dataclass
class Proxy:
    """
    A running proxy; `asked` has method, path (without the prefix) and status of every request, in order.

    The next answer to a POST of the path `loses` gets lost: it arrived there, and whoever asked hears nothing.
    """

    url: str
    loses: str = ""
    asked: list[tuple[str, str, int]] = field(default_factory=list)

    def paths(self, ending: str = "") -> list[str]:
        """Paths that were asked for and given."""
        return [path for _, path, status in self.asked if path.endswith(ending) and status == 200]


@contextmanager
def reverse_proxy(port: int, *, prefix: str = "", host: str = "localhost") -> Iterator[Proxy]:
    """Serve http://HOST:PORT/PREFIX/… from the server on `port`; the server sees its own paths and the outer Host."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def pass_on(self) -> None:
            if not self.path.startswith(f"{prefix}/"):
                self.send_error(404)
                return
            path = self.path.removeprefix(prefix)
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            inner = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_S)
            headers = {name: value for name, value in self.headers.items() if name.lower() not in HOP_BY_HOP}
            inner.request(self.command, path, body or None, headers)
            answer = inner.getresponse()
            data = answer.read()
            inner.close()
            proxy.asked.append((self.command, path.partition("?")[0], answer.status))
            if path == proxy.loses:
                proxy.loses, self.close_connection = "", True
                return
            self.send_response(answer.status, answer.reason)
            for name, value in answer.getheaders():
                if name.lower() not in HOP_BY_HOP and name.lower() != "content-length":
                    self.send_header(name, value)
            length = answer.getheader("Content-Length") if self.command == "HEAD" else None
            self.send_header("Content-Length", length or str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = pass_on  # noqa: N815 - the names http.server calls

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    proxy = Proxy(f"http://{host}:{server.server_address[1]}{prefix}")
    thread = Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield proxy
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
