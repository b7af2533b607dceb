"""`otumat group`, `otumat publisher`, `otumat webhook` and `otumat notifications`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from subprocess import CompletedProcess

    Otumat = Callable[..., CompletedProcess[str]]

API = "/api/v1"
CREW = {"slug": "crew", "name": "The \x1b[2J crew", "parent": ""}
ISSUERS = [
    {
        "issuer": "https://builds.example.org",
        "kind": "other",
        "fields": [{"name": "sub", "needed": True, "help": "The subject."}],
    }
]
PUBLISHER = {
    "id": 7,
    "project": "roundup",
    "issuer": "https://builds.example.org",
    "claims": {"sub": "job", "extra": {"branch": "main"}},
    "added_by": "alice",
    "expires_at": None,
    "last_used_at": "2030-01-02T00:00:00Z",
    "sleeps": "",
}
WEBHOOK = {
    "id": 3,
    "url": "https://ci.example.org/hook",
    "actions": None,
    "is_active": True,
    "disabled_because": "",
    "created_by": "alice",
}


def sent(people: Any) -> tuple[str, str, dict[str, Any]]:
    """The newest question."""
    method, path, body = people.asked[-1]
    return method, path.removeprefix(API), body


def test_groups_are_listed_and_rewrite_no_terminal(alice: Otumat, people: Any) -> None:
    people.says["GET groups"] = {"groups": [{**CREW, "manager": True, "joined": True}]}
    assert alice("group", "list").stdout.splitlines()[1].split(maxsplit=2) == ["crew", "manager", "The \\x1b[2J crew"]
    (told,) = json.loads(alice("group", "list", "--json").stdout)["groups"]
    assert told == {**CREW, "is_manager": True, "has_joined": True}


def test_a_group_is_shown_with_teams_and_members(alice: Otumat, people: Any) -> None:
    members = [
        {"user": "alice", "manager": True, "joined_at": "2030-01-01T00:00:00Z"},
        {"user": "bob", "manager": False, "joined_at": None},
    ]
    people.says["GET groups/crew"] = {**CREW, "teams": ["cooks"], "members": members}
    lines = [line.split() for line in alice("group", "show", "crew").stdout.splitlines()]
    assert lines[1] == ["teams", "cooks"]
    assert lines[3:] == [["alice", "manager", "2030-01-01"], ["bob", "member,", "asked"]]


@pytest.mark.parametrize(
    ("words", "asked", "said"),
    [
        (
            ("create", "crew"),
            ("POST", "/groups", {"slug": "crew", "name": "crew", "parent": ""}),
            "Made: the group crew.\n",
        ),
        (
            ("rename", "crew", "Oars"),
            ("PATCH", "/groups/crew", {"name": "Oars"}),
            "Renamed: crew is called “The \\x1b[2J crew” now.\n",
        ),
        (("delete", "crew", "--yes"), ("DELETE", "/groups/crew", {}), "Dissolved: crew, its teams and their roles.\n"),
        (
            ("add", "crew", "bob"),
            ("PUT", "/groups/crew/members/bob", {"manager": False}),
            "Asked: bob may join crew, with 'otumat group join crew'.\n",
        ),
        (
            ("remove", "crew", "bob"),
            ("DELETE", "/groups/crew/members/bob", {}),
            "Removed: bob is not in crew any more.\n",
        ),
        (("leave", "crew"), ("DELETE", "/groups/crew/members/alice", {}), "Left: crew.\n"),
    ],
)
def test_a_group_is_changed(alice: Otumat, people: Any, words: tuple[str, ...], asked: Any, said: str) -> None:
    people.says |= dict.fromkeys(("POST groups", "PATCH groups/crew"), CREW)
    people.says |= {f"DELETE groups/crew{rest}": {} for rest in ("", "/members/alice", "/members/bob")}
    people.says |= {"PUT groups/crew/members/bob": {"user": "bob", "manager": False, "joined_at": None}}
    done = alice("group", *words)
    assert (done.stdout, done.returncode) == (said, 0), done.stderr
    assert sent(people) == asked


def test_a_group_is_not_dissolved_without_a_word(alice: Otumat, people: Any, at_a_terminal: Any) -> None:
    done = alice("group", "delete", "crew")
    assert (done.returncode, "add --yes" in done.stderr) == (2, True)
    who = {"OTUMAT_INDEX": people.index.url, "OTUMAT_USERNAME": "alice", "OTUMAT_PASSWORD": "wonderland"}
    child = at_a_terminal("group", "delete", "crew", **who)
    child.expect_exact("Dissolve crew, its teams and the roles they hold? [y/N]: ")
    child.sendline("")
    child.expect_exact("Nothing was dissolved.")
    assert people.asked == []


def test_only_who_was_asked_joins_a_group(alice: Otumat, people: Any) -> None:
    people.says["GET groups"] = {"groups": [{**CREW, "manager": True, "joined": True}]}
    assert "that asked you to join" in alice("group", "join", "crew").stderr
    assert sent(people)[0] == "GET", "a manager who joins again stays one"
    people.says["GET groups"] = {"groups": [{**CREW, "manager": False, "joined": False}]}
    people.says["PUT groups/crew/members/alice"] = {"user": "alice"}
    assert alice("group", "join", "crew").stdout == "Joined: crew; you hold its roles now.\n"
    assert sent(people)[:2] == ("PUT", "/groups/crew/members/alice")


def test_publishers_are_listed_with_what_their_tokens_say(alice: Otumat, people: Any) -> None:
    people.says["GET project/roundup/publishers"] = {"publishers": [PUBLISHER], "issuers": ISSUERS}
    line = alice("publisher", "list", "roundup").stdout.splitlines()[1]
    assert line.split() == ["7", "roundup", ISSUERS[0]["issuer"], "sub=job", "branch=main", "alice", "2030-01-02"]
    people.says["GET publishers"] = {"publishers": [], "issuers": ISSUERS}
    assert alice("publisher", "list").stderr == "There are none.\n"
    assert json.loads(alice("publisher", "issuers", "--json").stdout)["issuers"][0]["fields"][0]["is_needed"] is True


def test_a_publisher_is_added_for_the_only_issuer(alice: Otumat, people: Any) -> None:
    people.says["GET publishers"] = {"publishers": [], "issuers": ISSUERS}
    people.says["POST project/roundup/publishers"] = PUBLISHER
    done = alice("publisher", "add", "roundup", "sub=job", "--claim", "branch=main")
    assert done.stdout == "Added: publisher 7 of roundup: sub=job branch=main at https://builds.example.org.\n"
    body = {"issuer": "https://builds.example.org", "claims": {"sub": "job", "extra": {"branch": "main"}}}
    assert sent(people) == ("POST", "/project/roundup/publishers", body)
    people.says["GET publishers"] = {"publishers": [], "issuers": [*ISSUERS, *ISSUERS]}
    done = alice("publisher", "add", "roundup", "sub=job")
    assert (done.returncode, "Add --issuer with one of" in done.stderr) == (2, True)


def test_a_pending_publisher_claims_a_name(alice: Otumat, people: Any) -> None:
    ends = {"expires_at": "2030-02-01T00:00:00Z"}
    people.says |= {"POST publishers": {**PUBLISHER, **ends}, "DELETE publishers/7": {}}
    done = alice("publisher", "add", "new", "sub=job", "--pending", "--issuer", "https://builds.example.org")
    assert done.stdout.endswith("which claims the name with its first upload by 2030-02-01.\n")
    assert sent(people)[2]["project"] == "new"
    assert alice("publisher", "remove", "new", "7", "--pending").stdout == "Removed: publisher 7 of new.\n"
    assert sent(people)[:2] == ("DELETE", "/publishers/7")
    assert alice("publisher", "add", "new", "sub").returncode == 2


def test_the_secret_of_a_webhook_is_the_only_line(alice: Otumat, people: Any) -> None:
    people.says["POST project/roundup/webhooks"] = {**WEBHOOK, "secret": "otumat-hook-1"}
    done = alice("webhook", "add", "roundup", WEBHOOK["url"], "--action", "release.create")
    assert done.stdout == "otumat-hook-1\n"
    assert "shown this once" in done.stderr
    assert sent(people)[2] == {"url": WEBHOOK["url"], "actions": ["release.create"]}
    assert json.loads(alice("webhook", "add", "roundup", WEBHOOK["url"], "--json").stdout)["secret"] == "otumat-hook-1"


def test_webhooks_and_their_deliveries_are_listed(alice: Otumat, people: Any) -> None:
    failed = {
        "id": "2f0c",
        "action": "file.publish",
        "state": "failed",
        "tries": 6,
        "status": 500,
        "problem": "It broke.",
    }
    people.says["GET project/roundup/webhooks"] = {"webhooks": [WEBHOOK]}
    people.says["GET project/roundup/webhooks/3/deliveries"] = {"deliveries": [failed]}
    line = alice("webhook", "list", "roundup").stdout.splitlines()[1]
    assert line.split() == ["3", WEBHOOK["url"], "everything", "alice"]
    line = alice("webhook", "deliveries", "roundup", "3").stdout.splitlines()[1]
    assert line.split() == ["2f0c", "file.publish", "failed", "6", "500", "It", "broke."]


@pytest.mark.parametrize(
    ("words", "method", "path", "said"),
    [
        (("remove", "roundup", "3"), "DELETE", "3", "Removed: webhook 3 of roundup.\n"),
        (("enable", "roundup", "3"), "POST", "3/enable", "Enabled: webhook 3 of roundup.\n"),
        (("test", "roundup", "3"), "POST", "3/test", "Sent: a test for webhook 3 of roundup.\n"),
        (
            ("redeliver", "roundup", "3", "2f0c"),
            "POST",
            "3/deliveries/2f0c/redeliver",
            "Sent again: delivery 2f0c of webhook 3 of roundup.\n",
        ),
    ],
)
def test_a_webhook_is_looked_after(
    alice: Otumat, people: Any, words: tuple[str, ...], method: str, path: str, said: str
) -> None:
    people.says[f"{method} project/roundup/webhooks/{path}"] = {}
    assert alice("webhook", *words).stdout == said
    assert sent(people)[:2] == (method, f"/project/roundup/webhooks/{path}")


def test_mail_is_chosen_in_general_and_for_a_project(alice: Otumat, people: Any) -> None:
    people.says["GET notifications"] = {"level": "others", "projects": {"roundup": "none"}}
    rows = [line.split()[:2] for line in alice("notifications", "show").stdout.splitlines()]
    assert rows == [["project", "level"], ["in", "general"], ["roundup", "none"]]
    people.says["PUT project/roundup/notifications"] = {"level": "default", "default": "others"}
    done = alice("notifications", "set", "default", "roundup")
    assert done.stdout == "Set: about roundup: default, as in general: changes that others make.\n"
    assert sent(people) == ("PUT", "/project/roundup/notifications", {"level": "default"})
    assert alice("notifications", "set", "loud").returncode == 2
