"""Otumat 0.3.0's commands and ours, side by side; and the bytes that either sends to a host of 0.3."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pytest

from harness.original import ROUTES, Original, install
from harness.waiting import PATIENCE_S, until
from otumat.spec.consent import CI_VARIABLES
from otumat.usage import UsageAgent, answers, dialect03, places
from otumat.usage.hosts import usage_transport
from otumat.usage.sender import send_round

pytestmark = pytest.mark.clients
PACKAGE = "flask"  # any distribution beside the original: it wants its version
START = "2026-01-22T08:00:00.000000"
UPLOAD = ["upload", "-a", "Authors", "-d", PACKAGE, "-p", PACKAGE, "-s", START, "-f", "12h"]


@dataclass
class Recorder:
    """A host of 0.3 that says yes to everything, and what it was asked: method, path, headers, body."""

    url: str
    asked: list[tuple[str, str, dict[str, str], bytes]] = field(default_factory=list)

    def posts(self) -> list[tuple[str, str, dict[str, str], bytes]]:
        return [each for each in self.asked if each[0] == "POST"]


@pytest.fixture
def recorder() -> Iterator[Recorder]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            made.asked.append(("POST", self.path, {name.lower(): text for name, text in self.headers.items()}, body))
            is_token = self.path == ROUTES["refresh_route"]
            told = {"access_token": "A2", "expires_in": "3600", "refresh_token": "R2", "scope": "s"} if is_token else {}
            self.say(200, json.dumps(told).encode())

        def do_GET(self) -> None:
            self.say(404, b"{}")

        def say(self, status: int, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made = Recorder(f"http://127.0.0.1:{server.server_address[1]}")
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    yield made
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return install(tmp_path_factory.mktemp("original") / "venv")


@pytest.fixture
def user(programs: Path, tmp_path: Path, recorder: Recorder) -> Iterator[Original]:
    home = tmp_path / "home"
    home.mkdir()
    made = Original(programs, home, recorder.url, PACKAGE)
    yield made
    made.end()


def enrolled(user: Original, *, collect: bool = True, **more: object) -> None:
    """The files of an enrolment that took place, with two uses that wait."""
    user.folder.mkdir(parents=True)
    tokens = {"access_token": "A1", "refresh_token": "R1/+ é", "client_id": "client", "client_secret": "s:e/c"}
    known = {**user.given, **tokens, "collect": collect, "install_id": "install-42", "scope": "s", "expires_at": 1.5}
    (user.folder / "config.json").write_text(json.dumps(known | more))
    with closing(sqlite3.connect(user.folder / "main.db")) as store, store:
        store.execute("CREATE TABLE event(event_date datetime(3), event_type varchar(100))")
        rows = [("2026-11-21 20:33:40.441950", "import"), ("2026-11-21 20:33:40.457712", "fetch")]
        store.executemany("INSERT INTO event VALUES (?, ?)", rows)


def ours(home: Path, *words: str, timeout_s: float = PATIENCE_S) -> subprocess.CompletedProcess[str]:
    """Our command in that home."""
    line = [sys.executable, "-m", "otumat", *words]
    return subprocess.run(
        line,
        env=environ(home),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=timeout_s,
    )


def environ(home: Path) -> dict[str, str]:
    left_out = {*CI_VARIABLES, "XDG_DATA_HOME", "XDG_STATE_HOME", "DO_NOT_TRACK", "OTUMAT_USAGE"}
    return {name: text for name, text in os.environ.items() if name not in left_out} | {"HOME": str(home)}


def at_home(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in os.environ.keys() - environ(home).keys():
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(home))


def another(user: Original, tmp_path: Path) -> Path:
    """The same home once more."""
    shutil.copytree(user.home, tmp_path / "same")
    return tmp_path / "same"


@pytest.mark.parametrize("more", [{}, {"client_id": None, "client_secret": None}])
def test_our_client_sends_a_host_of_0_3_the_bytes_of_the_original(
    user: Original, tmp_path: Path, recorder: Recorder, monkeypatch: pytest.MonkeyPatch, more: dict[str, object]
) -> None:
    enrolled(user, **more)  # type: ignore[arg-type]
    same = another(user, tmp_path)
    done = user.run("send")
    assert (done.returncode, done.stderr) == (0, "")
    theirs, recorder.asked = recorder.posts(), []
    at_home(same, monkeypatch)
    UsageAgent(**user.given, enrolment="manual")  # type: ignore[arg-type]
    assert send_round(places.folder(PACKAGE), PACKAGE, over=usage_transport()).uses == 2
    mine = recorder.posts()
    assert [each[1] for each in theirs] == [ROUTES["refresh_route"], ROUTES["event_route"]]
    assert [(path, body) for _, path, _, body in mine] == [(path, body) for _, path, _, body in theirs]
    for (_, _, said, _), (_, _, known, _) in zip(mine, theirs, strict=True):
        names = ("content-type", "authorization", "accept-encoding", "connection", "host", "content-length")
        assert {name: said.get(name) for name in names} == {name: known.get(name) for name in names}
        assert said.keys() - known.keys() <= {"accept"}
        assert said["user-agent"].startswith("otumat/")


def test_our_link_to_the_consent_page_has_the_parameters_of_the_original(user: Original) -> None:
    terminal = user.at_terminal()
    terminal.expect_exact("y/n? (n)")
    terminal.sendline("y")
    terminal.expect(r"using link: (\S+)\r\n")
    theirs = parse_qsl(urlsplit(terminal.match[1]).query, keep_blank_values=True)
    query = dialect03.consent_query("http://127.0.0.1:49152", package=PACKAGE, release="2.0.3", python="3.11.7")
    mine = parse_qsl(query, keep_blank_values=True)
    assert [name for name, _ in mine] == [name for name, _ in theirs]
    said = dict(mine)
    assert {name for name, text in theirs if text and not said[name]} == {
        *("macAddress", "location", "timezone", "packageManagerVersion")
    }


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["upload"], 2),
        ([*UPLOAD[:-2]], 2),
        ([*UPLOAD[:-3], "yesterday", "-f", "12h"], 2),
        (["upload", "-x"], 2),
        (["no-such-command"], 2),
        (["upload", "-h"], 0),
        (["watch", "-h"], 0),
        (["-V"], 0),
        (["watch", "-f", "x"], 2),
    ],
)
def test_commands_end_as_those_of_the_original(user: Original, words: list[str], code: int) -> None:
    theirs, mine = user.call("otumat", *words), ours(user.home, *words)
    assert (theirs.returncode, mine.returncode) == (code, code), (theirs, mine)
    assert bool(theirs.stderr) == bool(mine.stderr)


@pytest.mark.parametrize("command", ["upload", "watch"])
def test_every_option_of_the_original_is_there(user: Original, command: str) -> None:
    def options(text: str) -> set[str]:
        return {word.strip("[],") for word in text.split() if word.strip("[],").startswith("-")}

    theirs, mine = user.call("otumat", command, "-h").stdout, ours(user.home, command, "-h").stdout
    assert options(theirs) - {"-"} <= options(mine)


@pytest.mark.parametrize("frequency", ["30s", "1m", "15m", "1h", "12h", "2d"])
@pytest.mark.parametrize("start", ["2026-01-22T08:00:00.123456", "2026-01-22T08:00:00.0", "2026-01-22T08:00:00"])
def test_upload_takes_every_time_and_period_that_the_original_wrote_and_ends_if_it_is_off(
    user: Original, frequency: str, start: str
) -> None:
    enrolled(user, collect=False)
    mine = ours(user.home, *UPLOAD[:7], "-s", start, "-f", frequency)
    assert (mine.returncode, mine.stdout, mine.stderr) == (0, "", "")
    if "." in start and frequency == "30s":
        theirs = user.call("otumat", *UPLOAD[:7], "-s", start, "-f", frequency)
        assert (theirs.returncode, theirs.stdout) == (0, "")


def test_K7_upload_with_nobody_there_and_no_answer_ends_as_the_original_but_answers_for_nobody(
    user: Original, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    same = another(user, tmp_path)
    theirs, mine = user.call("otumat", *UPLOAD), ours(same, *UPLOAD)
    assert (theirs.returncode, mine.returncode) == (0, 0)
    assert user.config["collect"] is False
    assert "declined" in theirs.stdout
    assert (mine.stdout, mine.stderr) == ("", "")
    at_home(same, monkeypatch)
    assert answers.read(places.folder(PACKAGE)).level == "unset"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_upload_sends_at_once_goes_on_and_ends_when_told(
    user: Original, recorder: Recorder, number: signal.Signals
) -> None:
    enrolled(user)
    line = [sys.executable, "-m", "otumat", *UPLOAD]
    with subprocess.Popen(line, env=environ(user.home), stderr=subprocess.PIPE, text=True) as process:
        try:
            until(lambda: any(path == ROUTES["event_route"] for _, path, _, _ in recorder.posts()))
            assert process.poll() is None
            process.send_signal(number)
            _, said = process.communicate(timeout=PATIENCE_S)
        finally:
            process.kill()
    assert process.returncode == (130 if number == signal.SIGINT else -signal.SIGTERM)
    assert "Traceback" not in said
    assert len([path for _, path, _, _ in recorder.posts() if path == ROUTES["event_route"]]) == 1
