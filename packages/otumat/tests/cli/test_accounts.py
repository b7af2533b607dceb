"""`otumat login`, `otumat logout` and `otumat token`."""

from __future__ import annotations

import json
import time
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pexpect  # type: ignore[import-untyped]
import pytest

from otumat.settings import Index, Settings

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from subprocess import CompletedProcess

    Otumat = Callable[..., CompletedProcess[str]]

OLD = "otu-token-of-alice"
RING = """\
import json, pathlib
from keyring.backend import KeyringBackend
from keyring.credentials import SimpleCredential
FILE = pathlib.Path(__file__).with_name("ring.json")
class Ring(KeyringBackend):
    priority = 1
    def get_password(self, service, username):
        return self.all().get(f"{service} {username}")
    def set_password(self, service, username, password):
        FILE.write_text(json.dumps({**self.all(), f"{service} {username}": password}))
    def delete_password(self, service, username):
        FILE.write_text(json.dumps({k: v for k, v in self.all().items() if k != f"{service} {username}"}))
    def all(self):
        return json.loads(FILE.read_text()) if FILE.exists() else {}
class Broken(Ring):
    def set_password(self, service, username, password): raise OSError("locked")
"""


@pytest.fixture
def ring(tmp_path: Path) -> dict[str, str]:
    """A keyring that is asked with the user name only, as some systems' are; it keeps what it has in a file."""
    (tmp_path / "ring.py").write_text(RING)
    return {"PYTHON_KEYRING_BACKEND": "ring.Ring", "PYTHONPATH": str(tmp_path), "PYTHONWARNINGS": "default"}


def in_file(home: Path, url: str) -> tuple[str, str] | None:
    found = Settings.from_env({}, home).find_credentials(Index(url))
    return (found.username, found.password) if found else None


def login(otumat: Otumat, index: Any, *options: str, **environ: str) -> CompletedProcess[str]:
    who = ("--username", "alice", "--password-stdin")
    return otumat("login", *who, *options, stdin="wonderland\n", OTUMAT_INDEX=index.url, **environ)


def test_a_password_is_exchanged_for_a_token_and_only_that_is_kept(
    otumat: Otumat, index: Any, people: Any, home: Path
) -> None:
    done = login(otumat, index, "--save", "file", "--json")
    assert done.returncode == 0, done.stderr
    new = {"ok": True, "index": index.url, "user": "alice", "kept": "file", "token": "13"}
    assert json.loads(done.stdout) == new
    assert people.tokens["13"]["name"] == "otumat login"
    assert in_file(home, index.url) == ("__token__", people.tokens["13"]["text"])
    assert "wonderland" not in (home / ".pythonpackagerc").read_text() + done.stdout + done.stderr


def test_the_token_can_be_named_and_end(otumat: Otumat, index: Any, people: Any) -> None:
    before = time.time()
    login(otumat, index, "--save", "file", "--name", "laptop two", "--expires-days", "30")
    token = people.tokens["13"]
    ends = datetime.fromisoformat(token["expires_at"])
    assert token["name"] == "laptop two"
    assert before <= (ends - timedelta(days=30)).timestamp() <= time.time()


def test_a_token_is_verified_and_kept(otumat: Otumat, index: Any, people: Any, home: Path) -> None:
    done = otumat("login", "--token-stdin", "--save", "yes", stdin=OLD, OTUMAT_INDEX=index.url)
    assert done.returncode == 0, done.stderr
    assert in_file(home, index.url) == ("__token__", OLD)
    assert list(people.tokens) == ["12"]


def test_a_token_that_does_not_hold_is_not_kept(otumat: Otumat, index: Any, people: Any, home: Path) -> None:
    done = otumat("login", "--token-stdin", "--save", "file", stdin="nonsense", OTUMAT_INDEX=index.url)
    assert done.returncode == 1
    assert "nonsense" not in done.stdout + done.stderr
    assert list(home.iterdir()) == []


def test_at_a_terminal_login_asks_and_keeps_on_yes(at_a_terminal: Any, index: Any, people: Any, home: Path) -> None:
    child = at_a_terminal("login", OTUMAT_INDEX=index.url)
    child.expect_exact("User name at")
    child.sendline("alice")
    child.expect_exact("Password of alice: ")
    child.sendline("wonderland")
    child.expect_exact("Make an API token named 'otumat login' and keep it in ~/.pythonpackagerc")
    assert list(people.tokens) == ["12"]
    child.sendline("y")
    child.expect(pexpect.EOF)
    assert child.wait() == 0
    assert in_file(home, index.url) == ("__token__", people.tokens["13"]["text"])


def test_at_a_terminal_a_token_can_be_given_and_no_keeps_nothing(
    at_a_terminal: Any, index: Any, people: Any, home: Path
) -> None:
    child = at_a_terminal("login", OTUMAT_INDEX=index.url)
    child.expect_exact("User name at")
    child.sendline("")
    child.expect_exact("API token: ")
    child.sendline(OLD)
    child.expect_exact("Keep this API token in")
    child.sendline("no")
    child.expect_exact("Nothing is kept.")
    child.expect(pexpect.EOF)
    assert child.wait() == 0
    assert list(home.iterdir()) == []


def test_without_a_terminal_the_place_must_be_said_before_a_token_is_made(
    otumat: Otumat, index: Any, people: Any
) -> None:
    done = login(otumat, index)
    assert done.returncode == 2
    assert "Add --save keyring, --save file" in done.stderr
    assert people.asked == []


def test_without_anything_login_says_what_it_takes(otumat: Otumat, index: Any) -> None:
    done = otumat("login", OTUMAT_INDEX=index.url)
    assert done.returncode == 2
    assert "--token-stdin" in done.stderr


def test_the_keyring_comes_before_the_file(
    otumat: Otumat, index: Any, people: Any, home: Path, ring: dict[str, str]
) -> None:
    assert login(otumat, index, "--save", "file").returncode == 0
    done = login(otumat, index, "--save", "yes", **ring)
    assert done.returncode == 0, done.stderr
    assert "password" not in (home / ".pythonpackagerc").read_text()
    listed = otumat("token", "list", "--json", OTUMAT_INDEX=index.url, **ring)
    assert listed.returncode == 0, listed.stderr
    left = otumat("logout", OTUMAT_INDEX=index.url, **ring)
    assert left.returncode == 0, left.stderr
    assert sorted(people.tokens) == ["12", "13"]
    assert otumat("token", "list", OTUMAT_INDEX=index.url, **ring).returncode == 2


def test_a_token_that_was_kept_before_is_named(otumat: Otumat, index: Any, people: Any) -> None:
    login(otumat, index, "--save", "file")
    done = login(otumat, index, "--save", "file")
    assert "The API token that was kept before still holds; 'otumat token revoke 13' ends it." in done.stderr
    people.tokens.pop("14")
    assert "still holds" not in login(otumat, index, "--save", "file").stderr


def test_a_token_that_could_not_be_kept_is_revoked(
    otumat: Otumat, index: Any, people: Any, ring: dict[str, str]
) -> None:
    done = login(otumat, index, "--save", "keyring", **ring | {"PYTHON_KEYRING_BACKEND": "ring.Broken"})
    assert done.returncode == 1
    assert "The keyring refuses: locked." in done.stderr
    assert list(people.tokens) == ["12"]


def test_an_index_without_tokens_has_the_password_kept(otumat: Otumat, index: Any, people: Any, home: Path) -> None:
    index.doors.insert(0, lambda method, path, *_: (404, {}, {}) if path.endswith("/tokens") else None)
    done = login(otumat, index, "--save", "file")
    assert done.returncode == 0, done.stderr
    assert in_file(home, index.url) == ("alice", "wonderland")


def test_logout_revokes_and_forgets(otumat: Otumat, index: Any, people: Any, home: Path) -> None:
    login(otumat, index, "--save", "file")
    done = otumat("logout", "--json", OTUMAT_INDEX=index.url)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {"ok": True, "index": index.url, "forgotten": ["file"], "revoked": True}
    assert list(people.tokens) == ["12"]
    assert in_file(home, index.url) is None
    assert otumat("logout", OTUMAT_INDEX=index.url).returncode == 1


def test_logout_can_leave_the_token_alone(otumat: Otumat, index: Any, people: Any, home: Path) -> None:
    login(otumat, index, "--save", "file")
    assert otumat("logout", "--keep-token", OTUMAT_INDEX=index.url).returncode == 0
    assert sorted(people.tokens) == ["12", "13"]
    assert in_file(home, index.url) is None


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ((401, {}, {"ok": False}), "there is nothing to revoke"),
        ((403, {}, {"ok": False}), "Revoke it on your account page."),
    ],
)
def test_a_token_that_cannot_be_revoked_is_forgotten_and_told(
    otumat: Otumat, index: Any, people: Any, home: Path, answer: Any, words: str
) -> None:
    login(otumat, index, "--save", "file")
    people.next_answers = [answer]
    done = otumat("logout", OTUMAT_INDEX=index.url)
    assert done.returncode == 0, done.stderr
    assert words in done.stderr
    assert in_file(home, index.url) is None


def test_an_index_that_is_away_leaves_the_token_to_be_revoked_later(
    otumat: Otumat, index: Any, people: Any, home: Path
) -> None:
    login(otumat, index, "--save", "file")
    people.next_answers = [(503, {}, {"ok": False})]
    assert otumat("logout", OTUMAT_INDEX=index.url).returncode == 1
    assert in_file(home, index.url) is not None


def test_logout_tells_what_is_not_its_to_delete(otumat: Otumat, index: Any, people: Any, home: Path) -> None:
    (home / ".pypirc").write_text(f"[work]\nrepository = {index.url}\nusername = bob\npassword = b:uilder\n")
    login(otumat, index, "--save", "file")
    done = otumat("logout", OTUMAT_INDEX=index.url)
    assert "Still there, and not ours to delete: [work] in ~/.pypirc." in done.stderr
    assert "b:uilder" in (home / ".pypirc").read_text()


@pytest.fixture
def as_alice(index: Any) -> dict[str, str]:
    return {"OTUMAT_USERNAME": "alice", "OTUMAT_PASSWORD": "wonderland", "OTUMAT_INDEX": index.url}


def test_tokens_are_listed_in_columns(otumat: Otumat, people: Any, as_alice: dict[str, str]) -> None:
    made = ("--action", "upload", "--action", "yank", "--project", "roundup")
    otumat("token", "create", "ci", *made, **as_alice)
    lines = otumat("token", "list", **as_alice).stdout.splitlines()
    assert lines[0].split() == ["id", "name", "begins", "may", "projects", "expires", "last", "used"]
    assert lines[1].split() == ["12", "laptop", "otu-toke", "everything", "all", "never", "never"]
    assert lines[2].split() == ["13", "ci", "otumat-s", "upload,", "yank", "roundup", "never", "never"]


def test_a_new_token_is_the_only_line_of_the_result(otumat: Otumat, people: Any, as_alice: dict[str, str]) -> None:
    done = otumat("token", "create", "ci", "--expires-days", "7", **as_alice)
    assert done.stdout == f"{people.tokens['13']['text']}\n"
    assert people.tokens["13"]["text"] not in done.stderr


def test_a_new_token_as_json(otumat: Otumat, people: Any, as_alice: dict[str, str]) -> None:
    told = json.loads(otumat("token", "create", "ci", "--project", "roundup", "--json", **as_alice).stdout)
    assert (told["id"], told["token"], told["projects"]) == ("13", people.tokens["13"]["text"], ["roundup"])


def test_a_token_is_revoked(otumat: Otumat, people: Any, as_alice: dict[str, str]) -> None:
    assert otumat("token", "revoke", "12", **as_alice).stdout == "Revoked: API token 12.\n"
    assert people.tokens == {}
    done = otumat("token", "revoke", "12", "--json", **as_alice)
    assert (done.returncode, json.loads(done.stdout)["error"]["code"]) == (1, "not_found")


@pytest.mark.parametrize("days", ["0", "-1", "soon", "99999999999"])
def test_a_token_ends_after_whole_days(otumat: Otumat, days: str) -> None:
    done = otumat("token", "create", "ci", f"--expires-days={days}")
    assert done.returncode == 2
    assert f"'{days}' is no number of days" in done.stderr
