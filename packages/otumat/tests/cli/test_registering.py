"""`otumat register` for somebody who is nobody yet: the draft's three choices, at a terminal and without one."""

from __future__ import annotations

import json
import os
import stat
from typing import TYPE_CHECKING, Any

import pexpect  # type: ignore[import-untyped]
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from subprocess import CompletedProcess

    Otumat = Callable[..., CompletedProcess[str]]

PASSWORD = "correct horse battery"
NEW = ("--new-user", "--username", "carol", "--email", "carol@example.org", "--password-stdin")
BUSY: Any = (503, {}, {"ok": False})


@pytest.fixture
def pkg_info(tmp_path: Path) -> Path:
    path = tmp_path / "PKG-INFO"
    path.write_text("Metadata-Version: 2.1\nName: roundup\nVersion: 1.0\n")
    return path


@pytest.fixture
def start(at_a_terminal: Any, index: Any, people: Any, pkg_info: Path) -> Callable[..., Any]:
    """The command at a terminal, up to its menu."""

    def to_the_menu(*options: str) -> Any:
        child = at_a_terminal("register", pkg_info, *options, OTUMAT_INDEX=index.url)
        child.expect_exact("1. log in and submit")
        child.expect_exact("2. register as a new packager")
        child.expect_exact("3. send a password reminder")
        child.expect_exact("Your choice [1]: ")
        return child

    return to_the_menu


def say(child: Any, question: str, answer: str) -> None:
    child.expect_exact(question)
    child.sendline(answer)


def tell_details(child: Any, name: str = "carol", email: str = "carol@example.org", password: str = PASSWORD) -> None:
    say(child, "Login: ", name)
    say(child, "Address of mail: ", email)
    say(child, "Password (at least 10 characters): ", password)
    say(child, "The same again: ", password)


def ends(child: Any) -> int:
    child.expect(pexpect.EOF)
    code: int = child.wait()
    return code


def kept(home: Path) -> str:
    path = home / ".pythonpackagerc"
    return path.read_text() if path.exists() else ""


def test_D39_choice_1_logs_in_and_submits(start: Any, index: Any) -> None:
    child = start()
    child.sendline("1")
    say(child, "User name at", "alice")
    say(child, "Password of alice: ", "wonderland")
    child.expect_exact("Created")
    say(child, "[y/N]: ", "")
    assert ends(child) == 0
    assert list(index.releases) == [("roundup", "1.0")]


def test_D39_choice_2_registers_waits_for_the_confirmation_and_submits(start: Any, index: Any, people: Any) -> None:
    child = start()
    child.sendline("2")
    tell_details(child, name="Carol")
    child.expect_exact("A mail is on its way to carol@example.org.")
    child.expect("Waiting for the confirmation, 0:0[0-9]")
    assert index.releases == {}
    people.confirm("carol")
    child.expect_exact("Confirmed.")
    child.expect_exact("as carol")
    child.expect_exact("Created")
    say(child, "[y/N]: ", "n")
    assert ends(child) == 0
    form = next(sent for method, path, sent in people.asked if path == "/user")
    assert form == {
        ":action": "user",
        "name": "Carol",
        "email": "carol@example.org",
        "password": PASSWORD,
        "confirm": PASSWORD,
    }
    assert list(index.releases) == [("roundup", "1.0")]


def test_D39_choice_3_sends_a_reminder_and_nothing_else(start: Any, index: Any, people: Any) -> None:
    child = start()
    child.sendline("3")
    say(child, "Login or address of mail: ", "carol@example.org")
    child.expect_exact("a mail with a link to set a new password is on its way")
    assert ends(child) == 0
    assert people.reminded == [{":action": "password_reset", "email": "carol@example.org"}]
    assert index.posts == []


@pytest.mark.parametrize("answer", ["0", "q"])
def test_D39_quitting_sends_nothing(start: Any, index: Any, people: Any, answer: str) -> None:
    child = start()
    child.sendline("7")
    say(child, "'7' is no choice", answer)
    child.expect_exact("Nothing was sent.")
    assert ends(child) == 130
    assert index.posts == people.asked == []


def test_the_end_of_input_ends_the_questions(start: Any, people: Any) -> None:
    child = start()
    child.sendeof()
    child.expect_exact("Stopped.")
    assert ends(child) == 130
    assert people.asked == []


def test_D40_the_login_is_kept_only_on_yes_for_its_owner_alone(
    start: Any, at_a_terminal: Any, index: Any, home: Path, pkg_info: Path
) -> None:
    child = start()
    child.sendline("1")
    say(child, "User name at", "bob")
    say(child, "Password of bob: ", "b:uilder")
    child.expect_exact("Keep the login of bob in ~/.pythonpackagerc")
    assert kept(home) == ""
    say(child, "[y/N]: ", "yes")
    assert ends(child) == 0
    assert kept(home).endswith(f"repository = {index.url}\nusername = bob\npassword = b:uilder\n")
    if os.name == "posix":
        assert stat.S_IMODE((home / ".pythonpackagerc").stat().st_mode) == 0o600
    again = at_a_terminal("register", pkg_info, "--index", index.url)
    again.expect_exact("Updated")
    assert ends(again) == 0
    assert "Keep the login" not in again.before


@pytest.mark.parametrize("answer", ["", "n", "what?"])
def test_D40_anything_but_yes_keeps_nothing(start: Any, home: Path, answer: str) -> None:
    child = start()
    child.sendline("1")
    say(child, "User name at", "alice")
    say(child, "Password of alice: ", "wonderland")
    say(child, "[y/N]: ", answer)
    assert ends(child) == 0
    assert list(home.iterdir()) == []


def test_a_login_that_does_not_hold_is_not_offered_to_be_kept(start: Any, home: Path) -> None:
    child = start()
    child.sendline("1")
    say(child, "User name at", "alice")
    say(child, "Password of alice: ", "wanderlust")
    assert ends(child) == 1
    assert "Keep" not in child.before
    assert list(home.iterdir()) == []


def test_what_is_wrong_is_told_at_once_and_only_that_is_asked_again(start: Any, people: Any) -> None:
    people.refused = {"password": "This password is too common.", "email": "No mail is sent there."}
    child = start("--wait-s", "0")
    child.sendline("2")
    tell_details(child, password="1234567890")
    child.expect_exact("password: This password is too common.")
    child.expect_exact("email: No mail is sent there.")
    say(child, "Address of mail: ", "carol@example.net")
    say(child, "Password (at least 10 characters): ", PASSWORD)
    say(child, "The same again: ", PASSWORD)
    child.expect_exact("A mail is on its way to carol@example.net")
    assert ends(child) == 1
    assert (people.accounts["carol"].email, people.accounts["carol"].password) == ("carol@example.net", PASSWORD)


def test_short_and_differing_passwords_are_told_before_anything_is_sent(start: Any, people: Any) -> None:
    child = start("--wait-s", "0")
    child.sendline("2")
    say(child, "Login: ", "carol")
    say(child, "Address of mail: ", "carol at example.org")
    say(child, "Password (at least 10 characters): ", "short")
    say(child, "The same again: ", "shorn")
    child.expect_exact("These two differ")
    say(child, "Password (at least 10 characters): ", "short")
    say(child, "The same again: ", "short")
    child.expect_exact("'carol at example.org' is no address of mail.")
    child.expect_exact("The password has 5 characters; it needs at least 10.")
    assert people.asked == []
    say(child, "Address of mail: ", "carol@example.org")
    say(child, "Password (at least 10 characters): ", PASSWORD)
    say(child, "The same again: ", PASSWORD)
    child.expect_exact("A mail is on its way")
    assert ends(child) == 1


def test_D29_a_login_that_is_taken_is_told_and_another_asked_for(start: Any, people: Any) -> None:
    child = start("--wait-s", "0")
    child.sendline("2")
    tell_details(child, name="alice")
    child.expect_exact("The login 'alice' is taken.")
    say(child, "Login: ", "carol")
    child.expect_exact("A mail is on its way")
    assert ends(child) == 1
    assert people.accounts["alice"].password == "wonderland"
    assert people.accounts["carol"].password == PASSWORD


def test_control_c_while_waiting_loses_nothing_and_tells_how_to_go_on(start: Any, index: Any, people: Any) -> None:
    child = start()
    child.sendline("2")
    tell_details(child)
    child.expect_exact("Waiting for the confirmation")
    child.sendintr()
    child.expect_exact("The registration is kept. Open the link in the mail, then do this again and choose 1")
    assert ends(child) == 130
    assert "Traceback" not in child.before
    assert "carol" in people.accounts
    assert index.releases == {}


def test_an_index_that_is_busy_or_failing_is_waited_for(start: Any, index: Any, people: Any) -> None:
    people.next_answers = [BUSY, (429, {"Retry-After": "1"}, {"ok": False})]
    child = start()
    child.sendline("2")
    tell_details(child)
    child.expect_exact("A mail is on its way")
    people.confirm("carol")
    child.expect_exact("Created")
    say(child, "[y/N]: ", "")
    assert ends(child) == 0
    assert people.next_answers == []


def test_an_index_that_knows_no_such_login_ends_the_wait(start: Any, people: Any) -> None:
    people.next_answers = [(401, {}, {"ok": False})]
    child = start()
    child.sendline("2")
    tell_details(child)
    child.expect_exact("does not let 'carol' in with this password. Read the mail it has sent")
    assert ends(child) == 1


def test_flags_register_without_a_terminal(otumat: Otumat, index: Any, people: Any, pkg_info: Path) -> None:
    done = otumat("register", pkg_info, *NEW, "--wait-s", "0", stdin=f"{PASSWORD}\n", OTUMAT_INDEX=index.url)
    assert done.returncode == 1
    assert "A mail is on its way to carol@example.org." in done.stderr
    assert "is not confirmed yet. Open the link in the mail, then do this again without --new-user." in done.stderr
    assert people.accounts["carol"].password == PASSWORD
    people.confirm("carol")
    login = ("--username", "carol", "--password-stdin", "--save", "file")
    again = otumat("register", pkg_info, *login, stdin=f"{PASSWORD}\n", OTUMAT_INDEX=index.url)
    assert again.returncode == 0, again.stderr
    assert otumat("register", pkg_info, OTUMAT_INDEX=index.url).returncode == 0


def test_a_script_can_wait_for_the_confirmation(otumat: Otumat, index: Any, people: Any, pkg_info: Path) -> None:
    people.next_answers = [(200, {}, {"ok": True, "user": "carol", "credential": "password", "confirmed": True})]
    index.users["carol"] = PASSWORD
    done = otumat("register", pkg_info, *NEW, "--json", stdin=f"{PASSWORD}\n", OTUMAT_INDEX=index.url)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["action"] == "created"
    assert "Waiting for the confirmation, 600 s at most.\n" in done.stderr


def test_a_new_user_needs_no_project(otumat: Otumat, index: Any, people: Any) -> None:
    people.next_answers = [(200, {}, {"ok": True, "user": "carol", "credential": "password", "confirmed": True})]
    done = otumat("register", *NEW, "--json", stdin=f"{PASSWORD}\n", OTUMAT_INDEX=index.url)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {"ok": True, "action": "registered", "name": "carol", "index": index.url}
    assert "nothing was submitted" in done.stderr


@pytest.mark.parametrize(
    ("options", "missing"),
    [
        ((), "--username USER, --email ADDRESS, --password-stdin"),
        (("--username", "carol", "--password-stdin"), "--email ADDRESS"),
        (("--email", "carol@example.org", "--username", "carol"), "--password-stdin"),
    ],
)
def test_everything_that_is_missing_is_named_and_nothing_hangs(
    otumat: Otumat, index: Any, people: Any, options: tuple[str, ...], missing: str
) -> None:
    done = otumat("register", "--new-user", *options, OTUMAT_INDEX=index.url)
    assert done.returncode == 2
    assert f"it takes {missing} as well: there is no terminal to ask at." in done.stderr
    assert people.asked == []


def test_at_a_terminal_only_what_the_flags_leave_out_is_asked(at_a_terminal: Any, index: Any, people: Any) -> None:
    options = ("--new-user", "--username", "carol", "--email", "carol@example.org", "--wait-s", "0")
    child = at_a_terminal("register", *options, OTUMAT_INDEX=index.url)
    assert child.expect_exact(["Login: ", "Address of mail: ", "Password (at least"]) == 2
    child.sendline(PASSWORD)
    say(child, "The same again: ", PASSWORD)
    child.expect_exact("A mail is on its way")
    assert ends(child) == 1
    assert people.accounts["carol"].email == "carol@example.org"


@pytest.mark.parametrize("options", [(), ("--new-user",)])
def test_no_input_never_asks_even_at_a_terminal(
    at_a_terminal: Any, index: Any, pkg_info: Path, options: tuple[str, ...]
) -> None:
    child = at_a_terminal("register", pkg_info, "--no-input", *options, OTUMAT_INDEX=index.url)
    child.expect_exact("--no-input forbids to ask.")
    assert ends(child) == 2


def test_a_refusal_without_a_terminal_is_told_as_json(otumat: Otumat, index: Any, people: Any) -> None:
    people.refused = {"name": "Letters and digits only."}
    done = otumat("register", *NEW, "--json", stdin=f"{PASSWORD}\n", OTUMAT_INDEX=index.url)
    assert done.returncode == 1
    assert [each["message"] for each in json.loads(done.stdout)["problems"]] == ["Letters and digits only."]


def test_a_closed_index_says_so(otumat: Otumat, index: Any, people: Any) -> None:
    people.sign_up_is_open = False
    done = otumat("register", *NEW, stdin=f"{PASSWORD}\n", OTUMAT_INDEX=index.url)
    assert done.returncode == 1
    assert "This index takes no new users." in done.stderr


@pytest.mark.parametrize(
    ("given", "sent"), [("carol", {"name": "carol"}), ("carol@example.org", {"email": "carol@example.org"})]
)
def test_D35_a_reminder_needs_neither_project_nor_login(
    otumat: Otumat, index: Any, people: Any, given: str, sent: dict[str, str]
) -> None:
    done = otumat("register", "--remind", given, OTUMAT_INDEX=index.url)
    assert done.returncode == 0, done.stderr
    assert people.reminded == [{":action": "password_reset", **sent}]


def test_D40_without_yes_a_script_keeps_nothing(otumat: Otumat, index: Any, home: Path, pkg_info: Path) -> None:
    options = ("--username", "alice", "--password-stdin", "--index", index.url)
    assert otumat("register", pkg_info, *options, stdin="wonderland\n").returncode == 0
    assert list(home.iterdir()) == []


def test_a_keyring_that_is_not_there_is_told(otumat: Otumat, index: Any, pkg_info: Path) -> None:
    options = ("--username", "alice", "--password-stdin", "--save", "keyring", "--index", index.url)
    done = otumat("register", pkg_info, *options, stdin="wonderland\n")
    assert done.returncode == 2
    assert "There is no keyring" in done.stderr
    assert index.posts == []
