"""Groups, trusted publishers, webhooks and mail preferences by command, against a started index."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.artifacts import make_wheel
from harness.clients import Home
from harness.server import Index
from harness.waiting import until

pytestmark = pytest.mark.clients

Otumat = Callable[..., str]
ISSUER = "https://builds.example.org"


@pytest.fixture(scope="module")
def index(start_index: Callable[..., Index]) -> Index:
    return start_index(workers=1, TRUSTED_ISSUERS=f"other={ISSUER}")


@pytest.fixture
def otumat_as(index: Index, tmp_path: Path) -> Callable[[str], Otumat]:
    """The command, run by somebody with a home folder."""

    def become(name: str) -> Otumat:
        folder = tmp_path / f"home of {name}"
        folder.mkdir(exist_ok=True)
        home, url, password = Home(folder), index.url, index.create_user(name)
        words_of = {"OTUMAT_INDEX": url, "OTUMAT_USERNAME": name, "OTUMAT_PASSWORD": password}
        return lambda *words: home.run("otumat", *words, cwd=None, stdin="", **words_of).ok()

    return become


@pytest.fixture
def alice(otumat_as: Callable[[str], Otumat], index: Index, new_name: Callable[[str], str], tmp_path: Path) -> Otumat:
    return otumat_as("alice")


@pytest.fixture
def name(alice: Otumat, new_name: Callable[[str], str], tmp_path: Path) -> str:
    """A project of Alice's."""
    made = new_name("rowing")
    alice("publish", make_wheel(made).write(tmp_path))
    return made


def test_a_group_from_its_making_to_its_end(
    alice: Otumat, otumat_as: Callable[[str], Otumat], name: str, index: Index
) -> None:
    bob = otumat_as("bob")
    alice("group", "create", "crew", "--name", "The crew")
    alice("group", "create", "cooks", "--parent", "crew")
    assert "bob may join crew" in alice("group", "add", "crew", "bob")
    alice("role", "set", name, "group:crew", "maintainer")
    assert "asked to join" in bob("group", "list")
    assert index.api("GET", f"/project/{name}/roles", "bob").status == 403
    bob("group", "join", "crew")
    assert "group:crew" in bob("role", "list", name)
    assert "bob is member of cooks" in alice("group", "add", "cooks", "bob")
    alice("group", "rename", "crew", "Everybody in the boat")
    shown = json.loads(bob("group", "show", "crew", "--json"))
    assert (shown["name"], shown["teams"]) == ("Everybody in the boat", ["cooks"])
    assert [each["user"] for each in shown["members"]] == ["alice", "bob"]
    alice("group", "remove", "crew", "bob")
    assert index.api("GET", f"/project/{name}/roles", "bob").status == 403
    alice("group", "add", "crew", "bob")
    bob("group", "join", "crew")
    bob("group", "leave", "crew")
    assert "There are none." in bob("group", "list")
    alice("group", "delete", "crew", "--yes")
    assert "group:crew" not in alice("role", "list", name)


def test_publishers_of_a_project_and_pending_ones(alice: Otumat, name: str) -> None:
    assert "The token's “sub”, exactly." in alice("publisher", "issuers")
    made = json.loads(alice("publisher", "add", name, "sub=job:1", "--claim", "branch=main", "--json"))["publisher"]
    assert made["claims"] == {"sub": "job:1", "extra": {"branch": "main"}}
    assert "sub=job:1 branch=main" in alice("publisher", "list", name)
    alice("publisher", "remove", name, made["id"])
    assert "There are none." in alice("publisher", "list", name)
    waiting = json.loads(alice("publisher", "add", f"{name}-next", "sub=job:2", "--pending", "--json"))["publisher"]
    assert f"{name}-next" in alice("publisher", "list")
    alice("publisher", "remove", f"{name}-next", waiting["id"], "--pending")
    assert "There are none." in alice("publisher", "list")


def test_a_webhook_that_cannot_be_reached(alice: Otumat, name: str) -> None:
    made = json.loads(alice("webhook", "add", name, "https://nobody.invalid/hook", "--json"))
    hook = made["webhook"]["id"]
    assert made["secret"].startswith("otumat-hook-")
    assert "everything" in alice("webhook", "list", name)
    alice("webhook", "test", name, hook)

    def tried() -> dict[str, object]:
        found = json.loads(alice("webhook", "deliveries", name, hook, "--json"))["deliveries"]
        delivery: dict[str, object] = found[0] if found else {}
        return delivery if delivery.get("tries") else {}

    until(tried)
    (delivery,) = json.loads(alice("webhook", "deliveries", name, hook, "--json"))["deliveries"]
    assert (delivery["action"], delivery["status"], bool(delivery["problem"])) == ("webhook.test", 0, True)
    alice("webhook", "redeliver", name, hook, delivery["id"])
    alice("webhook", "remove", name, hook)
    assert "There are none." in alice("webhook", "list", name)


def test_mail_is_chosen(alice: Otumat, name: str) -> None:
    assert "others" in alice("notifications", "set", "others")
    assert "none" in alice("notifications", "set", "none", name)
    assert json.loads(alice("notifications", "show", "--json"))["projects"] == {name: "none"}
    alice("notifications", "set", "default", name)
    assert json.loads(alice("notifications", "show", name, "--json"))["general"] == "others"
    alice("notifications", "set", "all")
