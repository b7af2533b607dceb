"""Every uploader publishes unmodified, and what the index refuses reaches the person with its reason."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from harness.artifacts import make_sdist, make_wheel
from harness.clients import Done, Home
from harness.projects import Project
from harness.server import Index, basic

pytestmark = pytest.mark.clients

Make = Callable[..., Project]
NewName = Callable[[str], str]


@dataclass(frozen=True)
class Who:
    """A user name and what goes with it."""

    name: str
    secret: str


Client = Callable[[Home, Index, Who, list[Path], Path], Done]


def twine(home: Home, index: Index, who: Who, files: list[Path], folder: Path) -> Done:
    line = ["twine", "upload", "--non-interactive", "--disable-progress-bar", "--repository-url", index.legacy]
    return home.run(*line, "-u", who.name, "-p", who.secret, *files, cwd=folder)


def uv(home: Home, index: Index, who: Who, files: list[Path], folder: Path) -> Done:
    line = ["uv", "publish", "--publish-url", index.legacy, "--trusted-publishing", "never"]
    return home.run(*line, "-u", who.name, "-p", who.secret, *files, cwd=folder)


def hatch(home: Home, index: Index, who: Who, files: list[Path], folder: Path) -> Done:
    told = {"HATCH_INDEX_REPO": index.legacy, "HATCH_INDEX_USER": who.name, "HATCH_INDEX_AUTH": who.secret}
    return home.run("hatch", "publish", "-n", "-y", *files, cwd=folder, **told)


def flit(home: Home, index: Index, who: Who, files: list[Path], folder: Path) -> Done:
    told = {"FLIT_INDEX_URL": index.legacy, "FLIT_USERNAME": who.name, "FLIT_PASSWORD": who.secret}
    return home.run("flit", "publish", "--no-use-vcs", cwd=folder, **told)


def poetry(home: Home, index: Index, who: Who, files: list[Path], folder: Path) -> Done:
    line = ["poetry", "publish", "-n", "-r", "ours", "-u", who.name, "-p", who.secret]
    return home.run(*line, cwd=folder, POETRY_REPOSITORIES_OURS_URL=index.legacy)


def otumat(home: Home, index: Index, who: Who, files: list[Path], folder: Path) -> Done:
    told = {"OTUMAT_USERNAME": who.name, "OTUMAT_PASSWORD": who.secret}
    return home.run("otumat", "publish", "--index", index.url, *files, cwd=folder, **told)


CLIENTS: dict[str, tuple[Client, str]] = {
    "twine": (twine, "setuptools"),
    "uv": (uv, "uv_build"),
    "hatch": (hatch, "hatchling"),
    "flit": (flit, "flit_core"),
    "poetry": (poetry, "poetry"),
    "otumat": (otumat, "pdm"),
}
TAKE_ANY_FILE = ("twine", "uv", "hatch", "otumat")


@pytest.fixture
def by_password(alice: str) -> Who:
    return Who("alice", alice)


@pytest.fixture
def by_token(token: str) -> Who:
    return Who("__token__", token)


def digests(files: list[Path]) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def listed(index: Index, project: str) -> dict[str, str]:
    return {name: file["hashes"]["sha256"] for name, file in index.files_of(project).items()}


@pytest.mark.parametrize("client", CLIENTS)
def test_wheel_and_sdist_arrive_by_token_and_by_password(
    client: str, home: Home, index: Index, project: Make, by_token: Who, by_password: Who
) -> None:
    send, backend = CLIENTS[client]
    first = project(backend)
    send(home, index, by_token, first.files, first.folder).ok()
    # flit builds anew for itself: the files it leaves in dist are the ones it sent
    assert listed(index, first.name) == digests(first.files)
    second = project(backend, first.name, version="1.1")
    send(home, index, by_password, second.files, second.folder).ok()
    assert listed(index, first.name) == digests(first.files + second.files)


@pytest.mark.parametrize("client", CLIENTS)
def test_the_same_file_again_does_no_harm(client: str, home: Home, index: Index, project: Make, by_token: Who) -> None:
    send, backend = CLIENTS[client]
    made = project(backend)
    send(home, index, by_token, made.files, made.folder).ok()
    before = index.catalogue.rows("SELECT max(serial) FROM journal_entry")
    send(home, index, by_token, made.files, made.folder).ok()
    assert listed(index, made.name) == digests(made.files)
    assert index.catalogue.rows("SELECT max(serial) FROM journal_entry") == before


@pytest.mark.parametrize("client", TAKE_ANY_FILE)
def test_A32_other_bytes_under_a_used_name_are_refused(
    client: str, home: Home, index: Index, by_token: Who, new_name: NewName, tmp_path: Path
) -> None:
    name = new_name("taken")
    first = make_wheel(name)
    twine(home, index, by_token, [first.write(tmp_path / "first")], tmp_path).ok()
    other = make_wheel(name, members={"more.py": b"x = 2\n"})
    said = CLIENTS[client][0](home, index, by_token, [other.write(tmp_path / "other")], tmp_path).failed()
    assert other.filename in said
    if client != "otumat":  # it asks before it sends, and says it in words of its own
        assert "File already exists" in said
    assert listed(index, name) == {first.filename: first.sha256}


# A line of METADATA, and what must be among the words that the person reads.
BROKEN = {
    "classifier": ("Classifier: Topic :: Offise/Business", "Topic :: Office/Business"),
    "licence": ("License-Expression: MTI", "MTI"),
    "requirement": ("Requires-Dist: demo ==>1", "demo ==>1"),
    "readme": ("Description-Content-Type: text/x-word", "text/x-word"),
    "python": ("Requires-Python: >=three", ">=three"),
}


@pytest.mark.parametrize("client", TAKE_ANY_FILE)
@pytest.mark.parametrize("fault", BROKEN)
def test_the_reason_of_a_refusal_reaches_the_person(
    fault: str, client: str, home: Home, index: Index, by_token: Who, new_name: NewName, tmp_path: Path
) -> None:
    line, reason = BROKEN[fault]
    name = new_name(f"broken-{fault}")
    file = make_wheel(name, headers=f"{line}\n").write(tmp_path)
    said = CLIENTS[client][0](home, index, by_token, [file], tmp_path).failed()
    assert reason in said
    assert listed(index, name) == {}


@pytest.mark.parametrize("client", ["flit", "poetry"])
def test_builders_that_upload_tell_the_reason_too(
    client: str, home: Home, index: Index, project: Make, by_token: Who
) -> None:
    send, backend = CLIENTS[client]
    made = project(backend, classifiers=["Topic :: Offise/Business"])
    assert "Topic :: Office/Business" in send(home, index, by_token, made.files, made.folder).failed()


@pytest.mark.parametrize("client", TAKE_ANY_FILE)
def test_a_wrong_password_is_told_as_such(
    client: str, home: Home, index: Index, new_name: NewName, tmp_path: Path
) -> None:
    file = make_wheel(new_name("stranger")).write(tmp_path)
    said = CLIENTS[client][0](home, index, Who("__token__", "otumat-mistyped"), [file], tmp_path).failed()
    assert "not valid here" in said or "401" in said or "403" in said


def test_strangers_may_not_upload_to_a_project(
    home: Home, index: Index, by_token: Who, new_name: NewName, tmp_path: Path
) -> None:
    name = new_name("owned")
    twine(home, index, by_token, [make_wheel(name).write(tmp_path)], tmp_path).ok()
    charlie = Who("__token__", index.token("charlie"))
    said = twine(home, index, charlie, [make_wheel(name, "2.0").write(tmp_path)], tmp_path).failed()
    assert "'charlie' may not upload" in said
    assert "2.0" not in "".join(listed(index, name))


def test_twine_check_finds_nothing_to_say(home: Home, project: Make) -> None:
    made = project("hatchling")
    assert home.run("twine", "check", "--strict", *made.files).ok().count("PASSED") == 2


def test_D16_twine_register_submits_metadata_without_a_file(
    home: Home, index: Index, by_password: Who, project: Make
) -> None:
    made = project("setuptools")
    wheel = next(path for path in made.files if path.suffix == ".whl")
    line = ["twine", "register", "--repository-url", index.legacy, "-u", by_password.name, "-p", by_password.secret]
    home.run(*line, wheel).ok()
    info = index.get(f"/pypi/{made.name}/json").json()["info"]
    assert (info["version"], info["summary"]) == ("1.0", f"Keeps track of {made.name}")
    assert listed(index, made.name) == {}


def test_uv_skips_what_the_index_has(home: Home, index: Index, by_token: Who, project: Make) -> None:
    made = project("uv_build")
    line = ["uv", "publish", "--publish-url", index.legacy, "--check-url", index.simple, "-t", by_token.secret]
    assert home.run(*line, *made.files).ok().count("Uploading") == 2
    again = home.run(*line, *made.files).ok()
    assert "Uploading" not in again
    assert again.count("already exists, skipping") == 2


def test_uv_dry_run_is_content(home: Home, index: Index, by_token: Who, project: Make) -> None:
    made = project("uv_build")
    line = ["uv", "publish", "--dry-run", "--publish-url", index.legacy, "-t", by_token.secret]
    home.run(*line, *made.files).ok()
    assert listed(index, made.name) == {}


def test_twine_attaches_a_comment_and_the_index_takes_it(
    home: Home, index: Index, by_token: Who, new_name: NewName, tmp_path: Path
) -> None:
    wheel = make_wheel(new_name("comment"), build="2")
    line = ["twine", "upload", "--non-interactive", "--comment", "built on a Tuesday", "--repository-url", index.legacy]
    home.run(*line, "-u", by_token.name, "-p", by_token.secret, wheel.write(tmp_path)).ok()
    assert listed(index, wheel.project) == {wheel.filename: wheel.sha256}


def test_otumat_publish_verify_leaves_nothing(
    home: Home, index: Index, by_token: Who, new_name: NewName, tmp_path: Path
) -> None:
    files = [make_wheel(name := new_name("verify")).write(tmp_path), make_sdist(name).write(tmp_path)]
    line = ["otumat", "publish", "--verify", "--json", "--index", index.url]
    told = json.loads(home.run(*line, *files, OTUMAT_TOKEN=by_token.secret).ok().partition("{")[2].join(("{", "")))
    assert [file["action"] for file in told["files"]] == ["verified", "verified"]
    assert index.get(f"/simple/{name}/").status == 404


def test_a_limited_token_reaches_its_project_only(
    home: Home, index: Index, alice: str, new_name: NewName, tmp_path: Path
) -> None:
    mine, other = make_wheel(new_name("mine")), make_wheel(new_name("other"))
    limited = Who("__token__", index.token("alice", projects=[mine.project]))
    twine(home, index, limited, [mine.write(tmp_path)], tmp_path).ok()
    assert "403" in twine(home, index, limited, [other.write(tmp_path)], tmp_path).failed()
    assert index.request("GET", "/api/v1/whoami", headers=basic("__token__", limited.secret)).json()["user"] == "alice"
