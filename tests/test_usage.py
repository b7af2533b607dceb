"""The real agent and sender against a started index: said yes to, sent, cut off, repeated, withdrawn, erased."""

from __future__ import annotations

import base64
import hashlib
import http.client
import json
import os
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from harness.server import Index, basic
from otumat.spec.consent import CI_VARIABLES, OFF, ON
from otumat.usage import UsageAgent, answers, changing, due, manifests, places, tokens, tombstones
from otumat.usage.enrol import enrol
from otumat.usage.hosts import usage_transport
from otumat.usage.sender import Round, send_round

MANIFEST = """\
project = "{name}"
purpose = "To learn which parts are used."
[[event]]
name = "import"
purpose = "How often it is imported."
[[event]]
name = "fetch"
purpose = "How often data are read."
properties = {{backend = ["mysql", "other"]}}
"""


@pytest.fixture(autouse=True)
def home_of_a_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A home of its own, outside CI, with nothing said."""
    for name in (*CI_VARIABLES, "OTUMAT_USAGE", "DO_NOT_TRACK", "XDG_STATE_HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "user").mkdir()
    monkeypatch.setenv("HOME", str(tmp_path / "user"))
    monkeypatch.setenv("BROWSER", "true")


class User:
    """Somebody whose machine has the package: what was said and what is done there."""

    def __init__(self, index: Index, name: str, site: Path) -> None:
        self.index, self.name, self.package = index, name, name.replace("-", "_")
        self.manifest = MANIFEST.format(name=name)
        inside = site / self.package
        inside.mkdir(parents=True)
        (inside / "__init__.py").write_text("__version__ = '1.0'\n")
        (inside / "otumat-usage.toml").write_text(self.manifest)

    @property
    def folder(self) -> str:
        return places.folder(self.package)

    def says(self, level: str) -> None:
        found = manifests.find(self.package, None)
        assert found.manifest is not None
        changing.turn(self.folder, level, package=self.package, found=found, source="test", host=self.index.public_url)

    def uses(self, *names: str) -> None:
        agent = UsageAgent(package_name=self.package, enrolment="manual")
        due.set_due(str(agent.home_path), time.time() + 3600)  # no process of its own: the test sends
        for name in names:
            agent.log(event_type=name)

    def sends(self) -> Round:
        return send_round(self.folder, self.package, over=usage_transport(silence_s=20, total_s=30))


@pytest.fixture
def user(index: Index, tmp_path: Path, new_name: Any, monkeypatch: pytest.MonkeyPatch) -> User:
    """A user of Alice's newest package, whose wheel with its manifest is on the index."""
    made = User(index, new_name("told"), tmp_path / "site")
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    publish(index, made)
    return made


def publish(index: Index, user: User) -> None:
    """Upload a wheel with the manifest in it, as twine does."""
    filename, data = wheel(user.package, user.name, user.manifest)
    fields = {
        ":action": "file_upload",
        "protocol_version": "1",
        "name": user.name,
        "version": "1.0",
        "metadata_version": "2.1",
        "filetype": "bdist_wheel",
        "pyversion": "py3",
        "sha256_digest": hashlib.sha256(data).hexdigest(),
    }
    parts = [f'--x\r\nContent-Disposition: form-data; name="{k}"\r\n\r\n{v}\r\n'.encode() for k, v in fields.items()]
    head = f'--x\r\nContent-Disposition: form-data; name="content"; filename="{filename}"\r\n\r\n'.encode()
    headers = basic("alice", index.create_user("alice")) | {"Content-Type": "multipart/form-data; boundary=x"}
    answer = index.request("POST", "/legacy/", b"".join([*parts, head, data, b"\r\n--x--\r\n"]), headers)
    assert answer.status == 200, answer


def wheel(package: str, name: str, manifest: str) -> tuple[str, bytes]:
    import io
    import zipfile

    info = f"{package}-1.0.dist-info"
    contents = {
        f"{package}/__init__.py": b"__version__ = '1.0'\n",
        f"{package}/otumat-usage.toml": manifest.encode(),
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n".encode(),
        f"{info}/WHEEL": b"Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    rows = []
    for path, data in contents.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).decode().rstrip("=")
        rows.append(f"{path},sha256={digest},{len(data)}")
    contents[f"{info}/RECORD"] = "\n".join([*rows, f"{info}/RECORD,,", ""]).encode()
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for path, data in contents.items():
            archive.writestr(path, data)
    return f"{package}-1.0-py3-none-any.whl", target.getvalue()


def counted(user: User) -> dict[str, int]:
    """What the index says to the project's owner."""
    answer = user.index.api("GET", f"/project/{user.name}/usage", "alice")
    assert answer.status == 200, answer
    return {each["event"]: each["times"] for each in answer.json()["events"] if each["times"]}


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
        self.thread = threading.Thread(target=self.carry)
        self.thread.start()

    def carry(self) -> None:
        asking, _ = self.listening.accept()
        with asking, socket.create_connection(("127.0.0.1", self.port)) as index:
            asking.settimeout(20)
            head = b""
            while b"\r\n\r\n" not in head:
                head += asking.recv(65536)
            size = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
            while len(head.partition(b"\r\n\r\n")[2]) < size:
                head += asking.recv(65536)
            index.sendall(head)
            assert index.recv(65536).startswith(b"HTTP/1.1 200")

    def close(self) -> None:
        self.thread.join(30)
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
    assert counted(user) == {"import": 1, "fetch": 2}
    user.uses("fetch")
    assert user.sends() == Round(batches=1, uses=1)
    assert user.sends() == Round()
    assert counted(user) == {"import": 1, "fetch": 3}
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
    assert counted(user) == {"import": 1, "fetch": 2}  # it arrived; the user's machine does not know
    known["endpoints"]["event"] = there
    Path(path).write_text(json.dumps(known))
    assert user.sends().trouble == ""
    assert counted(user) == {"import": 1, "fetch": 2}


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
    assert tombstones.tell(user.folder, over=usage_transport()) == []
    answer = user.index.request("GET", f"/api/usage-install/{known.install}", headers=known.bearer)
    assert answer.json()["consent"]["level"] == "off"
    assert (counted(user), answers.read(user.folder).level) == ({"import": 1}, OFF)


def test_U14_erasing_is_certified_and_leaves_no_trace_of_the_install(user: User, tmp_path: Path) -> None:
    user.says(ON)
    user.uses("import")
    user.sends()
    path = tokens.path_of(user.folder)
    install = tombstones.current_install(user.folder)
    told = tombstones.receipt(tombstones.ask(path, "DELETE", query="?erase=1", over=usage_transport()))
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
    done = subprocess.run(line, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, "it is unchanged" in done.stdout) == (0, True), done.stderr
    known = tokens.read(path)
    assert known is not None
    answer = user.index.request("GET", f"/api/usage-install/{install}", headers=known.bearer)
    assert (answer.status, counted(user)) == (401, {"import": 1})


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

    over = usage_transport(silence_s=20, total_s=30)
    try:
        return enrol(user.folder, way=way, config={}, tell=tell, timeout_s=40, over=over)
    finally:
        for visitor in visitors:
            visitor.join()


def test_a_yes_in_the_browser_enrols_and_tells(user: User) -> None:
    def visit(link: str) -> None:
        path = link.removeprefix(user.index.public_url)
        answer = answer_page(user.index, path, "/api/usage-install", answer="yes")
        assert answer.status == 303, answer
        back = urlsplit(answer.headers["location"])
        line = http.client.HTTPConnection(back.netloc, timeout=20)
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
    assert (user.sends().uses, counted(user)) == (1, {"import": 1})


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
