"""A real `otumat-index serve`: started, asked, stopped or killed, and looked into."""

from __future__ import annotations

import base64
import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import uuid
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

from harness.databases import Catalogue, new_catalogue
from harness.waiting import PATIENCE_S

BIN = Path(sys.executable).parent
WORKERS = 8
GIVEN: deque[int] = deque(maxlen=500)
"""Ports that were told last."""
OURS = ("OTUMAT", "DATABASE_URL", "FILES_URL", "MAIL_URL", "DJANGO", "TEST_SERVER")


class Answer(NamedTuple):
    """A response read to its end."""

    status: int
    reason: str
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


def free_port() -> int:
    """
    A port that nobody listens on, and that nobody else was told of, who may be about to.

    The system draws at random: of the dozen ports of a cluster two are alike in one of 200 runs. Each worker of a run
    has ports of its own.
    """
    mine = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % WORKERS
    while True:
        with socket.create_server(("127.0.0.1", 0)) as probe:
            port = int(probe.getsockname()[1])
        if port // 2 % WORKERS == mine and port not in GIVEN:  # by twos, for Linux draws odd ones first
            GIVEN.append(port)
            return port


def basic(name: str, password: str) -> dict[str, str]:
    """The header of Basic authentication."""
    return {"Authorization": "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()}


@dataclass
class Index:
    """
    One index: its data folder, its database, and its process tree while it runs.

    Attributes:
        data: Its data folder; `server.log` beside it has everything it said.
        settings: More settings as environment variables.
    """

    data: Path
    settings: Mapping[str, str] = field(default_factory=dict)
    workers: int = 2
    port: int = field(default_factory=free_port)
    mark: str = field(default_factory=lambda: uuid.uuid4().hex)
    process: subprocess.Popen[bytes] | None = None
    passwords: dict[str, str] = field(default_factory=dict)
    said_before: int = 0

    @cached_property
    def catalogue(self) -> Catalogue:
        return new_catalogue(self.data)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def public_url(self) -> str:
        """The base of links that it makes."""
        return f"http://localhost:{self.port}"

    @property
    def simple(self) -> str:
        return f"{self.url}/simple/"

    @property
    def legacy(self) -> str:
        return f"{self.url}/legacy/"

    @property
    def log(self) -> Path:
        return self.data.with_name(f"{self.data.name}.log")

    # Its life.

    def start(self) -> None:
        """Start it and wait until it is ready."""
        command = [BIN / "otumat-index", "serve", "--data", self.data, "--port", str(self.port)]
        with self.log.open("ab") as log:
            self.said_before = log.tell()
            self.process = subprocess.Popen(
                [str(word) for word in [*command, "--workers", self.workers]],
                env=self.environ() | {"TEST_SERVER": self.mark},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        deadline = time.monotonic() + PATIENCE_S
        while not self.is_ready():
            assert self.process.poll() is None, f"it ended while starting:\n{self.told()}"
            assert time.monotonic() < deadline, f"it is not ready after {PATIENCE_S} s:\n{self.told()}"
            time.sleep(0.03)

    def is_ready(self) -> bool:
        """Whether it says that every worker answers, and that it can serve."""
        said = self.log.read_bytes()[self.said_before :]
        try:
            return b" is running on " in said and self.get("/health/ready").status == 200
        except OSError:
            return False

    def stop(self) -> int:
        """Ask it to stop, as an operator's supervisor would; returns its exit code."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE_S)

    def stop_cleanly(self) -> None:
        """Stop it and insist: exit code 0, and nothing of it is left."""
        code = self.stop()
        assert (code, self.pids()) == (0, []), f"exit code {code}, left over {self.pids()}:\n{self.told()}"

    def kill(self) -> None:
        """kill -9 of everything it consists of, as when the machine loses power: the supervisor first."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()
        while pids := self.pids():
            for pid in pids:
                kill(pid)
            time.sleep(0.005)

    def pids(self) -> list[int]:
        """Every process that descends from ours, wherever it hangs now."""
        return [pid for pid, words in marked_processes(self.mark)]

    def web_workers(self) -> list[int]:
        return self._children("worker")

    def followers(self) -> list[int]:
        return self._children("job")

    def _children(self, kind: str) -> list[int]:
        found = marked_processes(self.mark)
        return [pid for pid, words in found if ["otumat_index.processes", kind] == words[2:4]]

    def told(self) -> str:
        """The end of its log."""
        return self.log.read_text("utf-8", "replace")[-6000:] if self.log.exists() else ""

    def environ(self) -> dict[str, str]:
        """An environment with nobody's settings but ours."""
        clean = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
        return {**clean, **self.catalogue.environ, **self.settings}

    # Its people.

    def command(self, *words: str, stdin: str = "") -> str:
        """Run `otumat-index` on its data, beside it."""
        line = [str(BIN / "otumat-index"), *words, "--data", str(self.data)]
        done = subprocess.run(line, env=self.environ(), input=stdin, capture_output=True, text=True, timeout=PATIENCE_S)
        assert done.returncode == 0, f"{line}: {done.stderr}"
        return done.stdout

    def create_user(self, name: str, *, admin: bool = False) -> str:
        """Add a confirmed account; returns its password."""
        if name not in self.passwords:
            password = f"{name} keeps {uuid.uuid4().hex}"
            more = ["--admin"] if admin else []
            words = ["user", "create", name, "--email", f"{name}@example.org", "--confirmed", "--password-stdin", *more]
            self.command(*words, stdin=f"{password}\n")
            self.passwords[name] = password
        return self.passwords[name]

    def token(self, name: str, **limits: object) -> str:
        """A new API token of a user, by the API."""
        headers = basic(name, self.create_user(name)) | {"Content-Type": "application/json"}
        answer = self.request("POST", "/api/v1/tokens", json.dumps({"name": "tests", **limits}).encode(), headers)
        assert answer.status == 200, answer
        return str(answer.json()["token"])

    def link_mailed_to(self, address: str) -> str:
        """The link into somebody's account in the newest mail to an address, once it is there."""
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            for path in sorted((self.data / "mail").glob("*.eml"), reverse=True):
                text = path.read_bytes().decode().replace("\r\n", "\n").replace("=\n", "")
                found = re.search(rf"{re.escape(self.public_url)}/account/\S+/\S+", text)
                if f"To: {address}" in text and found:
                    return found[0]
            time.sleep(0.05)
        raise AssertionError(f"No mail with a link went to {address}:\n{self.told()}")

    # Asking it.

    def get(self, path: str, **headers: str) -> Answer:
        return self.request("GET", path, headers={name.replace("_", "-"): value for name, value in headers.items()})

    def request(
        self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """One request on a connection of its own."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_S)
        try:
            connection.request(method, path, body, dict(headers or {}))
            return read(connection.getresponse())
        finally:
            connection.close()

    def api(self, method: str, path: str, by: str, **body: object) -> Answer:
        """Ask the management API as a person."""
        headers = basic(by, self.create_user(by)) | {"Content-Type": "application/json"}
        return self.request(method, f"/api/v1{path}", json.dumps(body).encode(), headers)

    def files_of(self, project: str, headers: Mapping[str, str] | None = None) -> dict[str, dict[str, Any]]:
        """What the simple API lists of a project: entries by filename; empty when there is no such project."""
        accept = {"Accept": "application/vnd.pypi.simple.v1+json"}
        answer = self.request("GET", f"/simple/{project}/", headers={**accept, **(headers or {})})
        if answer.status == 404:
            return {}
        assert answer.status == 200, answer
        return {file["filename"]: file for file in answer.json()["files"]}


def read(response: http.client.HTTPResponse) -> Answer:
    """Take a response in whole."""
    headers = {name.lower(): value for name, value in response.getheaders()}
    return Answer(response.status, response.reason, headers, response.read())


def kill(pid: int) -> None:
    """kill -9, also of one that is gone already."""
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


def marked_processes(mark: str) -> Iterator[tuple[int, list[str]]]:
    """Processes that inherited our mark, wherever they were re-parented to, with their command lines."""
    wanted = f"TEST_SERVER={mark}".encode()
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and wanted in (entry / "environ").read_bytes().split(b"\0"):
                words = (entry / "cmdline").read_bytes().decode("utf-8", "replace").split("\0")
                if words != [""]:  # a zombie is no process any more
                    yield int(entry.name), words
        except OSError:
            continue  # ended while we looked, or somebody else's
