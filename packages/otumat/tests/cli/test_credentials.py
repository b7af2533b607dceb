from __future__ import annotations

import argparse
import io
from typing import TYPE_CHECKING, Any

import pexpect  # type: ignore[import-untyped]
import pytest

from otumat.cli.console import Console
from otumat.cli.credentials import choose, for_reading
from otumat.settings import Index, Settings

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from subprocess import CompletedProcess

    Otumat = Callable[..., CompletedProcess[str]]


@pytest.fixture
def pkg_info(tmp_path: Path) -> Path:
    path = tmp_path / "PKG-INFO"
    path.write_text("Metadata-Version: 2.1\nName: roundup\nVersion: 1.0\n")
    return path


def sent_by(index: Any) -> str:
    import base64

    return base64.b64decode(index.posts[-1].headers["authorization"].removeprefix("Basic ")).decode()


def test_a_password_comes_from_standard_input(otumat: Otumat, index: Any, pkg_info: Path) -> None:
    options = ("--index", index.url, "--username", "bob", "--password-stdin")
    done = otumat("register", pkg_info, *options, stdin="b:uilder\n", OTUMAT_TOKEN="other")
    assert done.returncode == 0, done.stderr
    assert sent_by(index) == "bob:b:uilder"


def test_a_token_comes_from_standard_input(otumat: Otumat, index: Any, pkg_info: Path) -> None:
    done = otumat("register", pkg_info, "--index", index.url, "--token-stdin", stdin="otu-token-of-alice\r\n")
    assert done.returncode == 0, done.stderr
    assert sent_by(index) == "__token__:otu-token-of-alice"


def test_credentials_in_pypirc_are_used_for_the_named_index(
    otumat: Otumat, index: Any, pkg_info: Path, home: Path
) -> None:
    (home / ".pypirc").write_text(f"[work]\nrepository={index.url}/legacy/\nusername=alice\npassword=wonderland\n")
    assert otumat("register", pkg_info, "--index", "work").returncode == 0
    assert sent_by(index) == "alice:wonderland"


def test_credentials_in_the_address_are_used_and_never_shown(otumat: Otumat, index: Any, pkg_info: Path) -> None:
    url = index.url.replace("://", "://bob:b%3Auilder@")
    done = otumat("register", pkg_info, "--index", url)
    assert done.returncode == 0, done.stderr
    assert sent_by(index) == "bob:b:uilder"
    assert "uilder" not in done.stdout + done.stderr


def test_wrong_credentials_are_told_and_never_shown(otumat: Otumat, index: Any, pkg_info: Path) -> None:
    environ = {"OTUMAT_INDEX": index.url, "OTUMAT_USERNAME": "alice", "OTUMAT_PASSWORD": "wanderlust"}
    done = otumat("register", pkg_info, **environ)
    assert done.returncode == 1
    assert "The user name or password is wrong." in done.stderr
    assert "wanderlust" not in done.stdout + done.stderr


def test_without_a_terminal_nobody_is_asked(otumat: Otumat, index: Any, pkg_info: Path) -> None:
    done = otumat("register", pkg_info, "--index", index.url, stdin="alice\nwonderland\n")
    assert done.returncode == 2
    assert "--password-stdin" in done.stderr
    assert "OTUMAT_TOKEN" in done.stderr
    assert index.posts == []


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--password-stdin"], "--password-stdin needs a user name. Add --username USER."),
        (["--username", "alice", "--password-stdin"], "--password-stdin found standard input empty."),
        (["--password-stdin", "--token-stdin"], "not allowed with"),
        (["--password", "wonderland"], "unrecognized arguments"),
    ],
)
def test_misused_options_are_told(otumat: Otumat, index: Any, pkg_info: Path, options: list[str], message: str) -> None:
    done = otumat("register", pkg_info, "--index", index.url, *options)
    assert done.returncode == 2
    assert message in done.stderr


def test_a_person_at_a_terminal_is_asked_and_the_password_is_not_shown(
    at_a_terminal: Any, index: Any, pkg_info: Path
) -> None:
    child = at_a_terminal("register", pkg_info, OTUMAT_INDEX=index.url)
    child.expect("Your choice")
    child.sendline("1")
    child.expect("User name at http://127.0.0.1:[0-9]+: ")
    child.sendline("alice")
    child.expect("Password of alice: ")
    child.sendline("wonderland")
    child.expect("Keep the login")
    assert "wonderland" not in child.before
    child.sendline("")
    child.expect(pexpect.EOF)
    assert child.wait() == 0
    assert sent_by(index) == "alice:wonderland"


def test_a_known_user_name_is_not_asked_for_again(at_a_terminal: Any, index: Any, pkg_info: Path, home: Path) -> None:
    (home / ".pypirc").write_text(f"[work]\nrepository={index.url}\nusername=alice\n")
    child = at_a_terminal("register", pkg_info, "--index", "work")
    assert child.expect(["User name", "Password of alice: "]) == 1
    child.sendline("")
    child.expect("nothing is sent")
    child.expect(pexpect.EOF)
    assert child.wait() == 2


def test_control_c_stops_without_a_traceback(at_a_terminal: Any, index: Any, pkg_info: Path) -> None:
    child = at_a_terminal("register", pkg_info, OTUMAT_INDEX=index.url)
    child.expect("Your choice")
    child.sendintr()
    child.expect("Stopped.")
    child.expect(pexpect.EOF)
    assert "Traceback" not in child.before
    assert child.wait() == 130


def test_the_keyring_is_asked_when_nothing_else_knows(
    otumat: Otumat, index: Any, pkg_info: Path, tmp_path: Path
) -> None:
    (tmp_path / "ring.py").write_text(
        "from keyring.backend import KeyringBackend\n"
        "from keyring.credentials import SimpleCredential\n"
        "class Ring(KeyringBackend):\n"
        "    priority = 1\n"
        "    def get_credential(self, service, username):\n"
        f"        return SimpleCredential('alice', 'wonderland') if service == {index.url!r} else None\n"
        "    def get_password(self, service, username): return None\n"
        "    def set_password(self, service, username, password): raise NotImplementedError\n"
    )
    environ = {"PYTHON_KEYRING_BACKEND": "ring.Ring", "PYTHONPATH": str(tmp_path), "PYTHONWARNINGS": "default"}
    done = otumat("register", pkg_info, "--index", index.url, **environ)
    assert done.returncode == 0, done.stderr
    assert sent_by(index) == "alice:wonderland"


def test_a_broken_keyring_is_no_reason_to_fail_otherwise(otumat: Otumat, index: Any, pkg_info: Path) -> None:
    done = otumat("register", pkg_info, "--index", index.url, PYTHON_KEYRING_BACKEND="no.such.Backend")
    assert done.returncode == 2
    assert "There are no credentials" in done.stderr


@pytest.mark.parametrize(("url", "warned"), [("http://index.example.org", True), ("http://localhost:8000", False)])
def test_a_password_that_travels_unencrypted_is_warned_of(url: str, warned: bool) -> None:
    told = io.StringIO()
    console = Console(io.StringIO(), io.StringIO(), told, environ={})
    options = argparse.Namespace(token_stdin=False, password_stdin=False, username="")
    settings = Settings(username="alice", password="wonderland")
    assert choose(options, settings, Index(url), console).username == "alice"
    assert ("unencrypted" in told.getvalue()) is warned
    assert "wonderland" not in told.getvalue()


def test_reading_never_sends_a_password_unencrypted() -> None:
    settings = Settings(username="alice", password="wonderland")
    assert for_reading(settings, Index("http://index.example.org")) is None
    assert for_reading(settings, Index("https://index.example.org")) is not None


def test_a_user_without_a_home_can_use_the_command(otumat: Otumat, index: Any) -> None:
    done = otumat("classifiers", "--index", index.url, HOME="/dev/null")
    assert done.returncode == 0, done.stderr


def test_colours_are_for_terminals_only(at_a_terminal: Any, otumat: Otumat, index: Any, pkg_info: Path) -> None:
    environ = {"OTUMAT_INDEX": index.url, "OTUMAT_USERNAME": "alice", "OTUMAT_PASSWORD": "wonderland"}
    for more, coloured in (({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)):
        child = at_a_terminal("register", pkg_info, **environ, **more)
        child.expect(pexpect.EOF)
        assert ("\x1b[" in child.before) is coloured
        child.wait()
    assert "\x1b[" not in otumat("register", pkg_info, **environ, FORCE_COLOR="0").stdout


def test_a_terminal_sees_how_far_an_upload_is(at_a_terminal: Any, index: Any, make_wheel: Any) -> None:
    import random

    environ = {"OTUMAT_INDEX": index.url, "OTUMAT_USERNAME": "alice", "OTUMAT_PASSWORD": "wonderland"}
    child = at_a_terminal("publish", make_wheel(content=random.Random(1).randbytes(500_000)), **environ)
    child.expect(pexpect.EOF)
    assert " % of 50" in child.before
    assert "100 %" in child.before
    assert child.wait() == 0
