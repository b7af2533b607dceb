"""The real agent and sender against a started index: said yes to, sent, cut off, repeated, withdrawn, erased."""

from __future__ import annotations

import base64
import http.client
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from harness.server import Index, basic
from harness.users import OVER, User, at_home, publish
from harness.waiting import PATIENCE_S
from otumat.spec.consent import OFF, ON
from otumat.usage import answers, changing, places, tokens, tombstones
from otumat.usage.enrol import enrol
from otumat.usage.sender import Round


@pytest.fixture(autouse=True)
def home_of_a_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    at_home(tmp_path, monkeypatch)


@pytest.fixture
def user(index: Index, tmp_path: Path, new_name: Any, monkeypatch: pytest.MonkeyPatch) -> User:
    """A user of Alice's newest package, whose wheel with its manifest is on the index."""
    made = User(index, new_name("told"), tmp_path / "site")
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    publish(index, made)
    return made


def export(user: User) -> Any:
    known = tokens.read(tokens.path_of(user.folder))
    assert known is not None
    return user.index.request("GET", f"/api/usage-install/{known.install}", headers=known.bearer).json()


class CutOff:
    """A line to the index on which the next answer gets lost: forwards every byte there, and none back."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listening.getsockname()[1]}"
        self.thread = threading.Thread(target=self.carry, daemon=True)
        self.thread.start()

    def carry(self) -> None:
        asking, _ = self.listening.accept()
        with asking, socket.create_connection(("127.0.0.1", self.port)) as index:
            asking.settimeout(PATIENCE_S)
            head = b""
            while b"\r\n\r\n" not in head:
                head += asking.recv(65536)
            size = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
            while len(head.partition(b"\r\n\r\n")[2]) < size:
                head += asking.recv(65536)
            index.sendall(head)
            assert index.recv(65536).startswith(b"HTTP/1.1 200")

    def close(self) -> None:
        self.thread.join(PATIENCE_S)
        self.listening.close()


@pytest.fixture
def losing(index: Index) -> Iterator[CutOff]:
    made = CutOff(index.port)
    yield made
    made.close()


def test_what_is_told_is_counted_exactly_and_by_name(user: User) -> None:
    user.says(ON)
    user.uses("import", "fetch", "fetch")
    assert user.sends() == Round(batches=1, uses=3)
    assert user.counted == {"import": 1, "fetch": 2}
    user.uses("fetch")
    assert user.sends() == Round(batches=1, uses=1)
    assert user.sends() == Round()
    assert user.counted == {"import": 1, "fetch": 3}
    assert [each["sequence"] for each in export(user)["batches"]] == [1, 2]


def test_U12_a_killed_answer_is_asked_for_again_and_counted_once(user: User, losing: CutOff) -> None:
    user.says(ON)
    user.uses("import")
    user.sends()
    user.uses("fetch", "fetch")
    path = tokens.path_of(user.folder)
    known = json.loads(Path(path).read_text())
    there = known["endpoints"]["event"]
    known["endpoints"]["event"] = losing.url + "/api/usage-event"
    Path(path).write_text(json.dumps(known))
    assert user.sends().trouble
    assert user.counted == {"import": 1, "fetch": 2}  # it arrived; the user's machine does not know
    known["endpoints"]["event"] = there
    Path(path).write_text(json.dumps(known))
    assert user.sends().trouble == ""
    assert user.counted == {"import": 1, "fetch": 2}


def test_U13_many_refreshes_at_once_end_nothing(user: User) -> None:
    user.says(ON)
    user.uses("import")
    user.sends()
    known = tokens.read(tokens.path_of(user.folder))
    assert known is not None
    form = f"grant_type=refresh_token&refresh_token={known.refresh_token}&client_id=otumat-usage".encode()
    answers_got: list[int] = []

    def refresh() -> None:
        sent = {"Content-Type": "application/x-www-form-urlencoded"}
        answers_got.append(user.index.request("POST", "/auth/token", form, sent).status)

    threads = [threading.Thread(target=refresh) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers_got == [200] * 8
    user.uses("import")
    assert user.sends().uses == 1


def test_A90_withdrawing_ends_it_on_both_sides(user: User) -> None:
    user.says(ON)
    user.uses("import")
    user.sends()
    known = tokens.read(tokens.path_of(user.folder))
    assert known is not None
    changing.withdraw(user.folder, source="test")
    assert tombstones.tell(user.folder, over=OVER) == []
    answer = user.index.request("GET", f"/api/usage-install/{known.install}", headers=known.bearer)
    assert answer.json()["consent"]["level"] == "off"
    assert (user.counted, answers.read(user.folder).level) == ({"import": 1}, OFF)


def test_U14_erasing_is_certified_and_leaves_no_trace_of_the_install(user: User, tmp_path: Path) -> None:
    user.says(ON)
    user.uses("import")
    user.sends()
    path = tokens.path_of(user.folder)
    install = tombstones.current_install(user.folder)
    told = tombstones.receipt(tombstones.ask(path, "DELETE", query="?erase=1", over=OVER))
    text = json.dumps(told["receipt"], sort_keys=True, separators=(",", ":")).encode()
    key = Ed25519PublicKey.from_public_bytes(base64.b64decode(told["key"]))
    key.verify(base64.b64decode(told["signature"]), text)
    assert told["receipt"]["copies_until"] >= told["receipt"]["erased"]
    assert told["receipt"] | dict.fromkeys(("erased", "copies_until", "backups_until"), "") == {
        "host": user.index.public_url,
        "install": install,
        "project": user.name,
        "erased": "",
        "batches": 1,
        "copies_until": "",
        "backups_until": "",
    }
    (tmp_path / "receipt.json").write_text(json.dumps(told))
    line = [sys.executable, "-m", "otumat", "usage", "receipt", str(tmp_path / "receipt.json")]
    done = subprocess.run(line, capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    assert (done.returncode, "it is unchanged" in done.stdout) == (0, True), done.stderr
    known = tokens.read(path)
    assert known is not None
    answer = user.index.request("GET", f"/api/usage-install/{install}", headers=known.bearer)
    assert (answer.status, user.counted) == (401, {"import": 1})


STARTED = """
import sys
from otumat.usage import UsageAgent
agent = UsageAgent(package_name=sys.argv[1], enrolment="manual")
agent.log("fetch")
agent.log("fetch")
for _ in range(2):  # again what got no answer in time
    agent.send()
"""
STARTS = 30


def start_image(user: User, home: Path) -> subprocess.CompletedProcess[str]:
    """A container of an image, as far as files are concerned: a home that is a copy, and a process in it."""
    shutil.copytree(places.root(), home / "otumat")
    environ = {**os.environ, "XDG_STATE_HOME": str(home), "PYTHONPATH": str(home.parent / "site")}
    line = [sys.executable, "-c", STARTED, user.package]
    return subprocess.run(line, env=environ, capture_output=True, text=True, timeout=PATIENCE_S, check=False)


def test_U17_an_image_that_is_started_many_times_at_once_is_one_install_with_copies(user: User, tmp_path: Path) -> None:
    user.says(ON)
    user.uses("import")
    user.sends()
    user.uses("import")  # held while the image was made
    with ThreadPoolExecutor(6) as starting:
        done = [starting.submit(start_image, user, tmp_path / f"copy{number}") for number in range(STARTS)]
    assert [(each.result().stdout, each.result().stderr) for each in done] == [("", "")] * STARTS
    path = tokens.path_of(user.folder)
    known = tokens.read(path)
    assert known is not None
    tokens.refreshed(path, known.access_token, over=OVER)
    assert user.sends().uses == 1
    told = user.index.api("GET", f"/project/{user.name}/usage", "alice").json()
    assert (told["installs"], told["image_copies"], told["active"][0]["monthly"]) == (1, STARTS, 1)
    assert user.counted == {"import": 2, "fetch": 2 * STARTS}
    changing.withdraw(user.folder, source="test")
    tombstones.tell(user.folder, over=OVER)
    (left,) = tombstones.left(user.folder)  # no token any more
    assert tombstones.erase(left, over=OVER)["receipt"]["batches"] == STARTS + 2


def test_without_a_yes_nothing_is_told(user: User) -> None:
    user.uses("import")
    assert user.sends().trouble
    assert not os.path.exists(tokens.path_of(user.folder))


def answer_page(index: Index, path: str, action: str, **more: str) -> Any:
    """What a person's browser does: open the page, send its form with the cookie and token of the page."""
    page = index.get(path, Accept="text/html")
    assert page.status == 200, page
    token = re.search(r'csrfmiddlewaretoken" value="(\w+)"', page.body.decode())
    assert token is not None
    form = {**dict(parse_qsl(urlsplit(path).query)), **more, "csrfmiddlewaretoken": token[1]}
    cookie = page.headers["set-cookie"].partition(";")[0]
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Cookie": cookie, "Accept": "text/html"}
    return index.request("POST", action, urlencode(form).encode(), headers)


def enrolled(user: User, way: str, visit: Callable[[str], Any]) -> Any:
    """Enrol with somebody who visits the address that the program prints."""
    visitors: list[threading.Thread] = []

    def tell(text: str) -> None:
        found = re.search(r"(?:browser: |Or open )(\S+)", text)
        if found:
            visitors.append(threading.Thread(target=visit, args=(found[1],)))
            visitors[-1].start()

    try:
        return enrol(user.folder, way=way, config={}, tell=tell, timeout_s=PATIENCE_S, over=OVER)
    finally:
        for visitor in visitors:
            visitor.join()


def test_a_yes_in_the_browser_enrols_and_tells(user: User) -> None:
    def visit(link: str) -> None:
        path = link.removeprefix(user.index.public_url)
        answer = answer_page(user.index, path, "/api/usage-install", answer="yes")
        assert answer.status == 303, answer
        back = urlsplit(answer.headers["location"])
        line = http.client.HTTPConnection(back.netloc, timeout=PATIENCE_S)
        line.request("GET", f"{back.path}?{back.query}")
        assert line.getresponse().status == 200
        line.close()

    user.says(ON)
    known = enrolled(user, "browser", visit)
    user.uses("import")
    assert user.sends().uses == 1
    assert tombstones.current_install(user.folder) == known.install


def test_a_code_typed_elsewhere_enrols_a_machine_without_a_browser(user: User) -> None:
    def visit(link: str) -> None:
        path = link.removeprefix(user.index.public_url)
        assert answer_page(user.index, path, "/device", answer="yes").status == 200

    user.says(ON)
    enrolled(user, "device", visit)
    user.uses("import")
    assert (user.sends().uses, user.counted) == (1, {"import": 1})


def asked_for(name: str) -> list[tuple[str, str, bytes, dict[str, str]]]:
    """Every route of usage that a stranger can name a project to."""
    link = urlencode({**LINK, "project": name})
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    device = urlencode({"client_id": "otumat-usage", "scope": "usage", "project": name}).encode()
    install = json.dumps({"project": name}).encode()
    once = {"Content-Type": "application/json", "Idempotency-Key": "7" * 32}
    api = [f"/api/v1/project/{name}/{page}" for page in ("usage", "usage/manifests", "survey")]
    pages = [f"/manage/project/{name}/{page}/" for page in ("usage", "survey")]
    return [
        ("GET", f"/user/usage-install?{link}", b"", {"Accept": "text/html"}),
        ("POST", "/api/usage-install", install, once),
        ("POST", "/oauth/device", device, form),
        *(("GET", page, b"", {}) for page in (*api, *pages)),
        *(("GET", f"/project/{name}/usage/{page}", b"", {}) for page in ("", "badge.svg", "data.json")),
    ]


LINK = {
    "response_type": "code",
    "client_id": "otumat-usage",
    "scope": "usage",
    "redirect_uri": "http://127.0.0.1:49152/usage-consented",
    "state": "s" * 43,
    "code_challenge": "c" * 43,
    "code_challenge_method": "S256",
}


def test_A86_a_private_project_asks_nobody_and_is_as_if_it_were_not_there(user: User) -> None:
    user.says(ON)
    user.uses("import")
    user.sends()
    missing = user.name[:-1] + "z"
    assert user.index.api("PUT", f"/project/{user.name}/visibility", "alice", is_private=True).status == 200
    strangers: list[dict[str, str]] = [{}, basic("charlie", user.index.create_user("charlie"))]
    for login in strangers:
        for (method, path, body, headers), (_, other, instead, _) in zip(
            asked_for(user.name), asked_for(missing), strict=True
        ):
            seen = user.index.request(method, path, body, login | headers)
            missed = user.index.request(method, other, instead, login | headers)
            assert seen.status == missed.status, path
            assert seen.status in (302, 401, 404), (path, seen)
            assert seen.body.replace(user.name.encode(), missing.encode()) == missed.body or b"csrf" in seen.body, path
    assert export(user)["project"] == user.name, "whose copy it is keeps what is theirs"
