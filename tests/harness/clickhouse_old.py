"""
What Debian's ClickHouse, 18.16, does not know: `clickhouse-connect` asks at its start for a column that came later.

Within a process, a client that leaves the question out; for a started index, a relay that puts it as 18.16 answers it.
"""

from __future__ import annotations

import http.client
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

from clickhouse_connect.driver.httpclient import HttpClient
from clickhouse_connect.driver.models import SettingDef

from harness.waiting import PATIENCE_S
from otumat_index.usage.stores.clickhouse.link import STEADY, Address

ASKED, ANSWERED = b"SELECT name, value, readonly FROM", b"SELECT name, value, 0 AS readonly FROM"


def old_client(address: Address, host: str, port: int) -> Any:
    return Old(
        interface="http",
        host=host,
        port=port,
        username=address.user,
        password=address.password,
        database=address.database,
        autogenerate_session_id=False,
        compress=False,
    )


class Old(HttpClient):
    """The driver, told of settings instead of asking: 18.16 does not know `system.settings.readonly`."""

    def _init_common_settings(self, tz_source: Any) -> None:
        self.server_version = "18.16.1"
        known = {**STEADY, "distributed_ddl_task_timeout": "180"}
        self.server_settings = {name: SettingDef(name, value, 0) for name, value in known.items()}


@contextmanager
def understood(port: int) -> Iterator[int]:
    """A port at which the server's own is reached, but for that one question."""

    class Relay(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).replace(ASKED, ANSWERED)
            with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_S)) as line:
                line.request("POST", self.path, body, {**self.headers, "Content-Length": str(len(body))})
                answer = line.getresponse()
                said = answer.read()
            self.send_response(answer.status)
            for name, value in answer.getheaders():
                if name.lower() not in ("transfer-encoding", "connection", "content-length", "keep-alive"):
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)

        def log_message(self, format: str, *args: object) -> None:
            pass

    relay = ThreadingHTTPServer(("127.0.0.1", 0), Relay)
    relay.daemon_threads = True
    thread = Thread(target=relay.serve_forever)
    thread.start()
    try:
        yield relay.server_port
    finally:
        relay.shutdown()
        relay.server_close()
        thread.join()
