"""`otumat role`, `otumat invite`, `otumat invitations`, `otumat yank` and `otumat journal`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from subprocess import CompletedProcess

    Otumat = Callable[..., CompletedProcess[str]]


def test_roles_and_open_invitations_are_listed_together(alice: Otumat) -> None:
    alice("invite", "roundup", "charlie@example.org")
    lines = alice("role", "list", "roundup").stdout.splitlines()
    assert [line.split(maxsplit=1) for line in lines] == [
        ["who", "role"],
        ["alice", "owner"],
        ["group:core", "maintainer"],
        ["charlie@example.org", "maintainer, invited"],
    ]


def test_roles_as_json(alice: Otumat) -> None:
    told = json.loads(alice("role", "list", "roundup", "--json").stdout)
    assert told["roles"][0] == {"user": "alice", "role": "owner"}
    assert told["invitations"] == []


def test_somebody_who_may_not_see_invitations_sees_the_roles(otumat: Otumat, index: Any, people: Any) -> None:
    bob = {"OTUMAT_USERNAME": "bob", "OTUMAT_PASSWORD": "b:uilder"}
    done = otumat("role", "list", "roundup", OTUMAT_INDEX=index.url, **bob)
    assert done.returncode == 0, done.stderr
    assert "alice" in done.stdout


def test_D32_a_role_is_set_for_a_user_or_a_group(alice: Otumat, people: Any) -> None:
    assert alice("role", "set", "roundup", "bob", "maintainer").returncode == 0
    done = alice("role", "set", "roundup", "group:core", "reader")
    assert done.stdout == "Set: group:core is reader of roundup.\n"
    assert people.roles == {"alice": "owner", "bob": "maintainer", "group:core": "reader"}


def test_a_role_is_removed(alice: Otumat, people: Any) -> None:
    assert alice("role", "remove", "roundup", "group:core", "--json").returncode == 0
    assert people.roles == {"alice": "owner"}
    assert alice("role", "remove", "roundup", "group:core").returncode == 1


def test_there_is_no_such_role(alice: Otumat, people: Any) -> None:
    assert alice("role", "set", "roundup", "bob", "king").returncode == 2
    assert people.asked == []


@pytest.mark.parametrize(
    ("invitee", "sent"), [("bob", {"user": "bob"}), ("charlie@example.org", {"email": "charlie@example.org"})]
)
def test_an_invitation_goes_to_a_login_or_an_address(
    alice: Otumat, people: Any, invitee: str, sent: dict[str, str]
) -> None:
    done = alice("invite", "roundup", invitee, "--role", "owner")
    assert done.stdout.startswith(
        f"Invited: {invitee} to be owner of roundup; it is theirs once they accept by 2030-01"
    )
    assert people.asked[-1] == ("POST", "/api/v1/project/roundup/invitations", {**sent, "role": "owner"})


def test_a_whole_project_is_offered(alice: Otumat, people: Any) -> None:
    done = alice("invite", "roundup", "bob", "--transfer")
    assert done.stdout == (
        "Invited: bob to be the only owner (all other grants end) of roundup; it is theirs once they accept.\n"
    )
    assert people.asked[-1] == ("POST", "/api/v1/project/roundup/transfer", {"user": "bob"})
    assert alice("invite", "roundup", "bob", "--transfer", "--role", "reader").returncode == 2


def test_an_invitation_is_withdrawn(alice: Otumat, people: Any) -> None:
    alice("invite", "roundup", "bob")
    assert alice("invite", "roundup", "BOB", "--withdraw").returncode == 0
    assert people.invitations == []
    done = alice("invite", "roundup", "bob", "--withdraw")
    assert (done.returncode, "has no open invitation for bob" in done.stderr) == (1, True)


def test_invitations_are_listed(alice: Otumat) -> None:
    assert alice("invitations").stderr == "There are none.\n"
    alice("invite", "roundup", "bob")
    assert alice("invitations").stdout.splitlines()[1].split() == ["7", "roundup", "maintainer", "alice", "2030-01-08"]
    (told,) = json.loads(alice("invitations", "--json").stdout)["invitations"]
    assert (told["id"], told["by"], told["invitee"]) == ("7", "alice", "bob")


@pytest.mark.parametrize(("word", "done"), [("accept", "Accepted"), ("decline", "Declined")])
def test_an_invitation_is_answered(alice: Otumat, people: Any, word: str, done: str) -> None:
    alice("invite", "roundup", "bob")
    assert alice("invitations", word, "7").stdout == f"{done}: invitation 7.\n"
    assert people.asked[-1][:2] == ("POST", f"/api/v1/invitations/7/{word}")


def test_an_answer_needs_an_invitation(alice: Otumat, people: Any) -> None:
    done = alice("invitations", "accept")
    assert done.returncode == 2
    assert "'otumat invitations' lists them" in done.stderr
    assert people.asked == []


def test_a_release_is_yanked_and_taken_back(alice: Otumat, people: Any) -> None:
    assert alice("yank", "roundup", "1.0", "--reason", "loses issues").stdout.startswith("Yanked: roundup 1.0;")
    assert people.yanked == {"1.0": "loses issues"}
    told = json.loads(alice("yank", "roundup", "1.0", "--undo", "--json").stdout)
    assert (told["yanked"], people.yanked) == (False, {})


@pytest.mark.parametrize(("words", "path"), [([], "/api/v1/journal"), (["roundup"], "/api/v1/project/roundup/journal")])
def test_the_journal_is_a_table_that_rewrites_no_terminal(
    alice: Otumat, people: Any, words: list[str], path: str
) -> None:
    done = alice("journal", *words)
    assert people.asked[-1][1] == path
    row = "2030-01-01 12:00:00  bob  password  roundup  yanked roundup 1.0 (\\x1b[2J)"
    assert done.stdout.splitlines()[1] == row
    assert "add --before 8." in done.stderr
    told = json.loads(alice("journal", *words, "--before", "9", "--json").stdout)
    assert (told["entries"][0]["serial"], told["next"]) == (8, 8)
    assert people.asked[-1][1] == f"{path}?before=9"


def test_a_name_cannot_leave_its_place_in_the_address(alice: Otumat, people: Any) -> None:
    assert alice("yank", "../tokens", "1?x=/y").returncode == 1
    assert people.asked[-1][1] == "/api/v1/project/..%2Ftokens/1%3Fx%3D%2Fy/yank"


@pytest.mark.parametrize(
    "words", [("role", "list", "roundup"), ("yank", "roundup", "1"), ("journal",), ("token", "list")]
)
def test_without_credentials_nobody_is_asked_to_hang(otumat: Otumat, index: Any, words: tuple[str, ...]) -> None:
    done = otumat(*words, OTUMAT_INDEX=index.url)
    assert done.returncode == 2
    assert "OTUMAT_TOKEN" in done.stderr
