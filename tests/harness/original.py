"""
Otumat 0.3.0 as it was published, in an environment of its own, and programs that use it at a terminal.

Its code is what the registry has, by hash (`requirements/legacy-agent.txt`). Two things around it are ours, for it asks
another site where it is, and listens on the machine's address in its network: the first gets a fixed answer, the second
is the loopback address.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import pexpect  # type: ignore[import-untyped]
import pytest

from harness.clients import KEPT
from harness.server import kill, marked_processes
from harness.waiting import PATIENCE_S

REQUIREMENTS = Path(__file__).parents[2] / "requirements" / "legacy-agent.txt"
NEWEST = (3, 13)
"""Flask 2.0 calls what Python 3.14 has not any more."""
PLACE = {"city": "Gotham", "region": "New Jersey", "country": "US", "timezone": "America/Chicago"}
ROUTES = {
    "install_route": "/user/usage-install",
    "event_route": "/api/usage-event",
    "refresh_route": "/auth/token",
}
PROGRAM = f"""
import io, json, socket, sys, urllib.request

there, connect = urllib.request.urlopen, socket.socket.connect
place = {json.dumps(PLACE)}


def urlopen(target, *rest, **more):
    at_home = target == "http://ipinfo.io/json"
    return io.BytesIO(json.dumps(place).encode()) if at_home else there(target, *rest, **more)


urllib.request.urlopen = urlopen
socket.socket.connect = lambda it, to: connect(it, ("127.0.0.1", 80) if to == ("8.8.8.8", 80) else to)

from otumat.usage import UsageAgent

given = json.loads(sys.argv[1])
agent = UsageAgent(**given)
for word in sys.argv[2:]:
    if word in ("send", "refresh_token", "uninstall"):
        getattr(agent, word)()
    else:
        agent.log(event_type=word)
"""


def python_for_it() -> str:
    """A Python that the original still runs on."""
    names = [sys.executable] if sys.version_info[:2] <= NEWEST else []
    names += [found for minor in range(NEWEST[1], 10, -1) if (found := shutil.which(f"python3.{minor}"))]
    if not names:
        pytest.skip("no python3.13 or older, which Otumat 0.3.0 needs")
    return names[0]


def install(folder: Path) -> Path:
    """Its own environment, from the registry; returns the folder of its programs."""
    subprocess.run([python_for_it(), "-m", "venv", str(folder)], check=True, timeout=PATIENCE_S)
    line = [
        str(folder / "bin" / "python"),
        "-m",
        "pip",
        "install",
        "-q",
        "--retries",
        "9",
        "--require-hashes",
        "-r",
        str(REQUIREMENTS),
    ]
    done = subprocess.run(line, capture_output=True, text=True, check=False, timeout=600)
    if done.returncode:
        pytest.skip(f"Otumat 0.3.0 cannot be fetched here: {done.stderr[-500:]}")
    return folder / "bin"


@dataclass
class Original:
    """
    A user of a program that has Otumat 0.3.0.

    Attributes:
        home: The user's home.
        host: Where the program's uses go.
        package: The program's package, installed beside Otumat.
    """

    programs: Path
    home: Path
    host: str
    package: str
    mark: str = field(default_factory=lambda: uuid.uuid4().hex)
    terminals: list[Any] = field(default_factory=list)

    @property
    def folder(self) -> Path:
        return self.home / ".local" / "share" / self.package / "usage"

    @property
    def config(self) -> dict[str, Any]:
        """What it wrote down."""
        found: dict[str, Any] = json.loads((self.folder / "config.json").read_text())
        return found

    def change(self, **values: object) -> None:
        (self.folder / "config.json").write_text(json.dumps(self.config | values))

    @property
    def given(self) -> dict[str, object]:
        """What the program gives its agent."""
        named = {"author": "Authors", "data_directory": self.package, "package_name": self.package}
        return {**named, "host": self.host, **ROUTES, "response_timeout": 60, "upload_frequency": "24h"}

    @property
    def environ(self) -> dict[str, str]:
        """Its own `otumat` first; the browser is a program that notes the link."""
        return {
            **{name: value for name, value in os.environ.items() if name in KEPT},
            "HOME": str(self.home),
            "PATH": os.pathsep.join((str(self.programs), "/usr/bin", "/bin")),
            "BROWSER": f"{self.browser} %s &",
            "PYTHONUNBUFFERED": "1",
            "PYTHONWARNINGS": "ignore",
            "TERM": "dumb",
            "TEST_SERVER": self.mark,
        }

    @cached_property
    def browser(self) -> Path:
        program = self.home / "browser"
        program.write_text(f'#!/bin/sh\nprintf %s "$1" > {self.home}/link.part\nmv {self.home}/link.part {self.link}\n')
        program.chmod(0o755)
        return program

    @property
    def link(self) -> Path:
        return self.home / "link"

    def at_terminal(self, *words: str) -> Any:
        """The program, with somebody in front of it."""
        line = ["-c", PROGRAM, json.dumps(self.given), *words]
        python = str(self.programs / "python")
        self.terminals.append(
            pexpect.spawn(
                python, line, env=self.environ, encoding="utf-8", timeout=PATIENCE_S, cwd=self.home, use_poll=True
            )
        )
        return self.terminals[-1]

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """The program, with nobody in front of it: it logs each word, and does `send` and `refresh_token`."""
        return self.call("python", "-c", PROGRAM, json.dumps(self.given), *words)

    def call(self, program: str, *words: str, **environ: str) -> subprocess.CompletedProcess[str]:
        """One of its programs, to its end."""
        return subprocess.run(
            [str(self.programs / program), *words],
            env=self.environ | environ,
            cwd=self.home,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE_S,
        )

    @contextmanager
    def uploading(self, frequency: str) -> Iterator[subprocess.Popen[bytes]]:
        """Its daemon, at work."""
        words = ["-a", "Authors", "-d", self.package, "-p", self.package, "-s", "2026-01-01T00:00:00.000000"]
        line = [str(self.programs / "otumat"), "upload", *words, "-f", frequency]
        silent = subprocess.DEVNULL
        with subprocess.Popen(line, env=self.environ, stdin=silent, stdout=silent, stderr=silent) as daemon:
            yield daemon
            daemon.kill()

    def end(self) -> None:
        """Close its terminals, and end everything that it left running."""
        for terminal in self.terminals:
            terminal.close(force=True)
        for pid, _ in marked_processes(self.mark):
            kill(pid)


def wrote(config: Mapping[str, Any]) -> list[str]:
    """What the original knows of the machine and nobody is to keep."""
    return [str(config["mac_address"]), "Gotham", "New Jersey", "America/Chicago"]
