"""
What the client's tests share: a small index and the command in a clean home.

The index is a real HTTP server on loopback that answers as an Otumat index does, and keeps what it is told in plain
dictionaries, so that a test can look at what arrived.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
import os
import subprocess
import sys
import tarfile
import zipfile
from dataclasses import dataclass, field
from email.parser import BytesParser
from email.policy import HTTP
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any, Self

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    Answer = tuple[int, Mapping[str, str], dict[str, Any]]
    Door = Callable[[str, str, Mapping[str, str], Mapping[str, Any]], Answer | None]

USERS = {"alice": "wonderland", "bob": "b:uilder"}
TOKEN_OF_ALICE = "otu-token-of-alice"
CLASSIFIERS = (
    "Development Status :: 4 - Beta",
    "Environment :: Console",
    "Environment :: Web Environment",
    "License :: OSI Approved :: Python Software Foundation License",
    "Topic :: Communications :: Email",
    "Topic :: Office/Business",
    "Topic :: Software Development :: Bug Tracking",
)


@dataclass
class Posted:
    """One POST as it arrived."""

    path: str
    headers: dict[str, str]
    fields: list[tuple[str, str]]
    files: dict[str, tuple[str, bytes]]

    def all(self, name: str) -> list[str]:
        return [value for key, value in self.fields if key == name]

    def one(self, name: str) -> str:
        (value,) = self.all(name)
        return value


@dataclass
class SmallIndex:
    """
    Start it with `with SmallIndex() as index`; its address is `index.url`.

    Attributes:
        doors: Asked before the index's own: (method, path, headers, what was sent) to (status, headers, JSON) or None.
    """

    posts: list[Posted] = field(default_factory=list)
    gets: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    releases: dict[tuple[str, str], Posted] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)
    classifiers: tuple[str, ...] = CLASSIFIERS
    users: dict[str, str] = field(default_factory=lambda: dict(USERS))
    tokens: set[str] = field(default_factory=lambda: {TOKEN_OF_ALICE})
    doors: list[Door] = field(default_factory=list)
    url: str = ""

    def __enter__(self) -> Self:
        index = self

        class Handler(_Handler):
            pass

        Handler.index = index
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()
        return self

    def __exit__(self, *args: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def receive(self, posted: Posted) -> tuple[int, dict[str, Any]]:
        """Status and JSON answer to one POST."""
        self.posts.append(posted)
        if not self.lets_in(posted.headers.get("authorization", "")):
            return 401, _error("unauthenticated", "The user name or password is wrong.", "Try `otumat login`.")
        problems = self._problems(posted)
        if problems:
            return 400, {**_error("invalid", f"{len(problems)} things to mend.", ""), "problems": problems}
        verify = posted.one(":action") == "verify" or "verify" in dict(posted.fields)
        return 200, self._keep(posted, verify=verify)

    def lets_in(self, authorization: str) -> bool:
        scheme, _, encoded = authorization.partition(" ")
        if scheme != "Basic":
            return False
        username, _, password = base64.b64decode(encoded).decode().partition(":")
        return password in self.tokens if username == "__token__" else self.users.get(username) == password != ""

    def _keep(self, posted: Posted, *, verify: bool) -> dict[str, Any]:
        key = (posted.one("name"), posted.one("version"))
        action = "verified" if verify else "updated" if key in self.releases else "created"
        if not verify:
            self.releases[key] = posted
            self.files |= dict(posted.files.values())
        page = f"{self.url}/project/{key[0]}/"
        return {"ok": True, "action": action, "name": key[0], "version": key[1], "url": page, "problems": []}

    def _problems(self, posted: Posted) -> list[dict[str, Any]]:
        problems = []
        for value in posted.all("classifiers"):
            if value not in self.classifiers:
                message = f"{value!r} is not in the list of classifiers."
                problems.append(
                    _problem("classifier.unknown", "classifiers", value, message, ["Environment :: Console"])
                )
        for filename, content in posted.files.values():
            if hashlib.sha256(content).hexdigest() != posted.one("sha256_digest"):
                problems.append(_problem("file.digest", "sha256_digest", filename, "The digest does not match.", []))
        return problems

    def simple(self, project: str) -> dict[str, Any] | None:
        """The PEP 691 page of a project, or None."""
        names = {_normalized(name) for name, _ in self.releases}
        if project not in names:
            return None
        files = [
            {"filename": name, "hashes": {"sha256": hashlib.sha256(content).hexdigest()}, "url": f"../{name}"}
            for name, content in self.files.items()
        ]
        return {"meta": {"api-version": "1.1"}, "name": project, "files": files}

    def project(self, project: str) -> dict[str, Any] | None:
        """The JSON page of a project, or None."""
        for (name, version), posted in self.releases.items():
            if _normalized(name) == _normalized(project):
                info = {"name": name, "version": version, "classifiers": posted.all("classifiers")}
                info |= {key: "".join(posted.all(key)) for key in ("summary", "home_page", "author")}
                urls = [
                    {"filename": file, "size": len(data), "digests": {"sha256": hashlib.sha256(data).hexdigest()}}
                    for file, data in self.files.items()
                ]
                return {"info": info, "urls": urls}
        return None


class _Handler(BaseHTTPRequestHandler):
    index: SmallIndex
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: object) -> None:
        pass

    def do_GET(self) -> None:
        if self._at_a_door():
            return
        self.index.gets.append((self.path, self._lowered()))
        parts = self.path.strip("/").split("/")
        match parts:
            case ["classifiers"]:
                self._answer(200, "text/plain; charset=utf-8", "\n".join(self.index.classifiers).encode() + b"\n")
            case ["simple", project]:
                self._json(self.index.simple(project), "application/vnd.pypi.simple.v1+json")
            case ["pypi", project, *_, "json"]:
                self._json(self.index.project(project), "application/json")
            case _:
                self._json(None, "")

    def do_POST(self) -> None:
        if self._at_a_door():
            return
        status, answer = self.index.receive(_parsed(self.path, self._lowered(), self._body()))
        self._answer(status, "application/json", json.dumps(answer).encode())

    def do_PUT(self) -> None:
        if not self._at_a_door():
            self._json(None, "")

    def do_PATCH(self) -> None:
        self.do_PUT()

    def do_DELETE(self) -> None:
        self.do_PUT()

    def _at_a_door(self) -> bool:
        for door in self.index.doors:
            answer = door(self.command, self.path, self._lowered(), self._sent())
            if answer is not None:
                status, headers, value = answer
                self._answer(status, "application/json", json.dumps(value).encode(), headers)
                return True
        return False

    def _sent(self) -> dict[str, Any]:
        match self.headers.get_content_type() if self._body() else "":
            case "application/json":
                sent: dict[str, Any] = json.loads(self._body())
                return sent
            case "multipart/form-data":
                return dict(_parsed(self.path, self._lowered(), self._body()).fields)
            case _:
                return {}

    def _lowered(self) -> dict[str, str]:
        return {key.lower(): value for key, value in self.headers.items()}

    def _body(self) -> bytes:
        """The body, read from the wire once."""
        if getattr(self, "_body_of", None) is not self.headers:
            self._body_of = self.headers
            self._read = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        return self._read

    def _json(self, value: dict[str, Any] | None, media_type: str) -> None:
        if value is None:
            self._answer(404, "text/plain", b"Not found\n")
        else:
            self._answer(200, media_type, json.dumps(value).encode())

    def _answer(self, status: int, media_type: str, body: bytes, headers: Mapping[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Type", media_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def _parsed(path: str, headers: dict[str, str], body: bytes) -> Posted:
    head = f"Content-Type: {headers['content-type']}\r\nMIME-Version: 1.0\r\n\r\n".encode()
    message = BytesParser(policy=HTTP).parsebytes(head + body)
    fields: list[tuple[str, str]] = []
    files: dict[str, tuple[str, bytes]] = {}
    for part in message.iter_parts():
        name = str(part.get_param("name", header="content-disposition"))
        content = part.get_payload(decode=True)
        assert isinstance(content, bytes)
        if part.get_filename() is None:
            fields.append((name, content.decode()))
        else:
            files[name] = (str(part.get_filename()), content)
    return Posted(path, headers, fields, files)


def _normalized(name: str) -> str:
    return name.lower().replace("_", "-").replace(".", "-")


def _error(code: str, message: str, hint: str) -> dict[str, Any]:
    return {"ok": False, "error": {"code": code, "message": message, "hint": hint}, "problems": []}


def _problem(code: str, where: str, value: str, message: str, suggestions: list[str]) -> dict[str, Any]:
    return {
        "code": code,
        "field": where,
        "value": value,
        "message": message,
        "hint": "Choose from the list.",
        "rule": "core metadata: Classifier",
        "suggestions": suggestions,
        "severity": "error",
    }


@pytest.fixture
def index() -> Iterator[SmallIndex]:
    with SmallIndex() as running:
        yield running


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "home"
    folder.mkdir()
    return folder


@pytest.fixture
def clean_environ(home: Path) -> dict[str, str]:
    """An environment in which nothing of this machine's user, index or proxy is set."""
    kept = {key: os.environ[key] for key in ("PATH", "SYSTEMROOT", "TMPDIR", "LANG") if key in os.environ}
    return {
        **kept,
        "HOME": str(home),
        "USERPROFILE": str(home),
        "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONWARNINGS": "error",
        "PIP_NO_INDEX": "1",
    }


@pytest.fixture
def otumat(clean_environ: dict[str, str], tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run the command in a process of its own, without a terminal: `otumat("info", "roundup", OTUMAT_INDEX=url)`."""

    def run(
        *arguments: str | Path, cwd: Path = tmp_path, stdin: str = "", **environ: str
    ) -> subprocess.CompletedProcess[str]:
        line = [sys.executable, "-m", "otumat", *map(str, arguments)]
        return subprocess.run(
            line,
            cwd=cwd,
            input=stdin,
            env=clean_environ | environ,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )

    return run


METADATA = """\
Metadata-Version: 2.1
Name: {name}
Version: {version}
Summary: Issue tracking for the command line and the web
Classifier: Environment :: Console
Classifier: Topic :: Office/Business
"""


@pytest.fixture
def make_wheel(tmp_path: Path) -> Callable[..., Path]:
    """Write a valid wheel: `make_wheel("roundup", "1.0", content=b"...")`."""

    def make(
        name: str = "roundup", version: str = "1.0", *, content: bytes = b"x = 1\n", metadata: str = METADATA
    ) -> Path:
        info = f"{name}-{version}.dist-info"
        members = {
            f"{name}.py": content,
            f"{info}/METADATA": metadata.format(name=name, version=version).encode(),
            f"{info}/WHEEL": b"Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        }
        lines = [f"{path},sha256={_record_hash(data)},{len(data)}" for path, data in members.items()]
        members[f"{info}/RECORD"] = "".join(f"{line}\n" for line in [*lines, f"{info}/RECORD,,"]).encode()
        path = tmp_path / "dist" / f"{name}-{version}-py3-none-any.whl"
        path.parent.mkdir(exist_ok=True)
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for member, data in members.items():
                archive.writestr(member, data)
        return path

    return make


@pytest.fixture
def make_sdist(tmp_path: Path) -> Callable[..., Path]:
    """Write a valid sdist: `make_sdist("roundup", "1.0")`."""

    def make(name: str = "roundup", version: str = "1.0", *, metadata: str = METADATA) -> Path:
        members = {
            f"{name}-{version}/PKG-INFO": metadata.format(name=name, version=version).encode(),
            f"{name}-{version}/pyproject.toml": b"[build-system]\nrequires = []\n",
        }
        path = tmp_path / "dist" / f"{name}-{version}.tar.gz"
        path.parent.mkdir(exist_ok=True)
        with tarfile.open(path, "w:gz") as archive:
            for member, data in members.items():
                entry = tarfile.TarInfo(member)
                entry.size = len(data)
                archive.addfile(entry, io.BytesIO(data))
        return path

    return make


def _record_hash(data: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
