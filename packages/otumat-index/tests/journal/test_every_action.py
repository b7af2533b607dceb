"""A88: every action leaves exactly one journal row, and every row can be read by the people concerned as a sentence."""

from __future__ import annotations

import ast
import inspect
import re
import types
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.test import Client

import otumat_index
from otumat.errors import OtumatError
from otumat_index.accounts import actions as accounts
from otumat_index.accounts import administration
from otumat_index.accounts.credentials import of_user
from otumat_index.accounts.groups import actions as groups
from otumat_index.accounts.models import Group, User
from otumat_index.journal.actor import NOBODY, Actor, command
from otumat_index.journal.models import Entry
from otumat_index.journal.sentences import SENTENCES, told
from otumat_index.publish import actions as publish
from otumat_index.publish.models import Classifier, File, Project

pytestmark = pytest.mark.django_db
WHEEL = "roundup-1.0-py3-none-any.whl"
SOURCE = Path(otumat_index.__file__).parent


def by(user: User) -> Actor:
    return of_user(user, "session")


class World:
    """Alice's project and group; Bob is asked to join and offered a role; Dora is admin."""

    def __init__(self, alice: User, bob: User, charlie: User, dora: User, now: datetime) -> None:
        self.alice, self.bob, self.charlie, self.dora, self.at = alice, bob, charlie, dora, now
        self.project = Project.objects.get()
        me = by(alice)
        publish.assign_role(self.project, charlie, "maintainer", by=command(), at=now)
        self.offer = publish.invite(self.project, "reader", user=bob, by=me, at=now)
        self.crew = groups.create_group("crew", "Crew", by=me, at=now)
        groups.add_member(self.crew, bob, by=me, at=now)
        self.token, _ = accounts.create_token(alice, name="ci", by=me, at=now)


Act = Callable[[World, Actor], Any]
ACTS: dict[str, tuple[str, Act]] = {
    "create_user": (
        "dora",
        lambda w, a: accounts.create_user(
            "erin", email="e@example.org", password=None, confirmed=True, admin=True, by=a, at=w.at
        ),
    ),
    "create_token": ("alice", lambda w, a: accounts.create_token(w.alice, name="x", by=a, at=w.at)),
    "revoke_token": ("alice", lambda w, a: accounts.revoke_token(w.alice, w.token.pk, by=a, at=w.at)),
    "deactivate": ("dora", lambda w, a: administration.deactivate(w.bob, by=a, at=w.at)),
    "reactivate": ("dora", lambda w, a: (quiet_end(w.bob), administration.reactivate(w.bob, by=a, at=w.at))),
    "set_admin": ("dora", lambda w, a: administration.set_admin(w.bob, True, by=a, at=w.at)),
    "reset_factors": ("dora", lambda w, a: (quiet_factor(w.bob), administration.reset_factors(w.bob, by=a, at=w.at))),
    "close_account": ("bob", lambda w, a: administration.close_account(w.bob, by=a, at=w.at)),
    "create_group": ("bob", lambda w, a: groups.create_group("other", "Other", by=a, at=w.at)),
    "rename_group": ("alice", lambda w, a: groups.rename_group(w.crew, "Oarsmen", by=a, at=w.at)),
    "delete_group": ("alice", lambda w, a: groups.delete_group(w.crew, by=a, at=w.at)),
    "add_member": ("alice", lambda w, a: groups.add_member(w.crew, w.charlie, by=a, at=w.at)),
    "join_group": ("bob", lambda w, a: groups.join_group(w.crew, by=a, at=w.at)),
    "set_manager": ("alice", lambda w, a: groups.set_manager(w.crew, w.bob, True, by=a, at=w.at)),
    "remove_member": ("alice", lambda w, a: groups.remove_member(w.crew, w.bob, by=a, at=w.at)),
    "assign_role": ("alice", lambda w, a: publish.assign_role(w.project, w.charlie, "reader", by=a, at=w.at)),
    "remove_role": ("alice", lambda w, a: publish.remove_role(w.project, w.charlie, by=a, at=w.at)),
    "assign_name": ("dora", lambda w, a: publish.assign_name("brand-new", w.bob, by=a, at=w.at)),
    "invite": ("alice", lambda w, a: publish.invite(w.project, "reader", email="x@example.org", by=a, at=w.at)),
    "withdraw": ("alice", lambda w, a: publish.withdraw(w.project, w.offer.pk, by=a, at=w.at)),
    "accept": ("bob", lambda w, a: publish.accept(w.offer.pk, by=a, at=w.at)),
    "decline": ("bob", lambda w, a: publish.decline(w.offer.pk, by=a, at=w.at)),
    "set_status": ("alice", lambda w, a: publish.set_status(w.project, "archived", reason="", by=a, at=w.at)),
    "set_visibility": ("alice", lambda w, a: publish.set_visibility(w.project, is_private=True, by=a, at=w.at)),
    "require_second_factor": (
        "dora",
        lambda w, a: (quiet_factor(w.dora), publish.require_second_factor(w.project, required=True, by=a, at=w.at)),
    ),
    "yank_release": ("alice", lambda w, a: publish.yank_release(w.project, "1.0", reason="", by=a, at=w.at)),
    "unyank_release": (
        "alice",
        lambda w, a: (quiet_yank(w), publish.unyank_release(w.project, "1.0", by=a, at=w.at)),
    ),
    "yank_file": ("alice", lambda w, a: publish.yank_file(w.project, WHEEL, reason="", by=a, at=w.at)),
    "unyank_file": ("alice", lambda w, a: (quiet_yank(w), publish.unyank_file(w.project, WHEEL, by=a, at=w.at))),
    "remove_file": ("alice", lambda w, a: publish.remove_file(w.project, WHEEL, by=a, at=w.at)),
    "add_classifiers": ("dora", lambda w, a: publish.add_classifiers(["Acme :: Team"], by=a, at=w.at)),
    "remove_classifier": (
        "dora",
        lambda w, a: (quiet_classifier(), publish.remove_classifier("Acme :: Team", by=a, at=w.at)),
    ),
    "submit_release": (
        "alice",
        lambda w, a: publish.submit_release([("name", "roundup"), ("version", "2.0")], by=a, at=w.at),
    ),
}
ELSEWHERE = {
    "publish_file": "test_upload.py counts its rows",
    "become_first_admin": "calls create_user with a one-time link",
    "offer_first_admin": "only makes the link; nothing is changed until it is used",
}
"""Actions that another test looks at, and why not this one."""
NO_ACTOR = ("offer_first_admin", "become_first_admin")


def quiet_end(user: User) -> int:
    return User.objects.filter(pk=user.pk).update(is_active=False)


def quiet_factor(user: User) -> Any:
    return Authenticator.objects.bulk_create([Authenticator(user=user, type="totp", data={})])


def quiet_classifier() -> Any:
    return Classifier.objects.create(text="Acme :: Team", is_own=True)


def quiet_yank(world: World) -> int:
    File.objects.filter(release__project=world.project).update(is_yanked=True)
    return world.project.releases.update(is_yanked=True)


def action_names(module: types.ModuleType) -> set[str]:
    """Public functions of a module that take who and when."""
    found = {name: each for name, each in vars(module).items() if inspect.isfunction(each) and not name.startswith("_")}
    return {
        name
        for name, each in found.items()
        if {"by", "at"} <= inspect.signature(each).parameters.keys()
        and inspect.unwrap(each).__module__.startswith(module.__name__)
    }


@pytest.fixture
def world(upload: Any, wheel: Any, alice: User, bob: User, charlie: User, admin: User, now: datetime) -> World:
    assert upload(alice, wheel()).status_code == 200
    return World(alice, bob, charlie, admin, now)


def test_A88_every_action_is_walked_here() -> None:
    known = {*ACTS, *ELSEWHERE}
    found = set().union(*(action_names(module) for module in (accounts, administration, groups)))
    assert found | set(publish.__all__) - {"NOT_METADATA", "Upload"} == known - set(NO_ACTOR)


@pytest.mark.parametrize("name", ACTS)
def test_A88_every_action_leaves_exactly_one_row(world: World, name: str) -> None:
    who, act = ACTS[name]
    actor = by(getattr(world, who))
    before = set(Entry.objects.values_list("serial", flat=True))
    act(world, actor)
    (row,) = Entry.objects.exclude(serial__in=before)
    assert (row.actor, row.credential) == (actor.name, "session")
    assert "{" not in told(row).sentence
    assert row.action in SENTENCES


@pytest.mark.parametrize("name", ACTS)
def test_A88_a_refused_action_leaves_none(world: World, name: str) -> None:
    before = Entry.objects.count()
    if name in ("create_user", "create_token", "revoke_token", "submit_release"):
        return  # what may call them is decided at their doors, or by the name
    with pytest.raises(OtumatError):
        ACTS[name][1](world, NOBODY)
    assert Entry.objects.count() == before


def test_every_action_that_is_written_has_a_sentence() -> None:
    written = set()
    for path in SOURCE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in ("journal.write", "write") and node.args:
                texts = [each.value for each in ast.walk(node.args[0]) if isinstance(each, ast.Constant)]
                written |= {text for text in texts if isinstance(text, str) and re.fullmatch(r"[a-z_]+\.[a-z_]+", text)}
    assert len(written) > 30
    assert written <= SENTENCES.keys()


def test_A88_no_door_writes_to_the_journal(client: Client, world: World, admin: User, auth: Any) -> None:
    serial = Entry.objects.earliest("serial").serial
    for path in (
        "/api/v1/journal",
        f"/api/v1/journal/{serial}",
        "/api/v1/project/roundup/journal",
        "/api/v1/admin/journal",
    ):
        for method in ("POST", "PUT", "PATCH", "DELETE"):
            answer = client.generic(method, path, "{}", content_type="application/json", headers=auth(admin))
            assert answer.status_code in (404, 405), (method, path)


def test_the_journal_is_read_by_the_people_concerned(client: Client, world: World, auth: Any, person: Any) -> None:
    publish.remove_role(world.project, world.charlie, by=by(world.alice), at=world.at)
    mine = client.get("/api/v1/journal", headers=auth(world.charlie)).json()["entries"]
    assert [(row["action"], row["actor"]) for row in mine if row["project"]] == [
        ("role.remove", "alice"),
        ("role.assign", "cli"),
    ]
    assert "alice took the role of charlie away" in [f"{row['actor']} {row['sentence']}" for row in mine]
    assert client.get("/api/v1/project/roundup/journal", headers=auth(world.charlie)).status_code == 403
    whole = client.get("/api/v1/project/roundup/journal", headers=auth(world.alice)).json()["entries"]
    assert {row["project"] for row in whole} == {"roundup"}
    stranger = person("roundup")  # called like a project
    assert [row["action"] for row in client.get("/api/v1/journal", headers=auth(stranger)).json()["entries"]] == [
        "token.create",
        "user.create",
    ]


def test_the_journal_is_paged_by_serial(client: Client, world: World, auth: Any) -> None:
    for _ in range(120):
        publish.set_status(world.project, "active", reason="", by=by(world.alice), at=world.at)
    serials: list[int] = []
    path, headers = "/api/v1/project/roundup/journal", auth(world.alice)
    before: int | None = None
    for _ in range(10):
        answer = client.get(path, {"before": before} if before else {}, headers=headers).json()
        serials += [row["serial"] for row in answer["entries"]]
        if (before := answer["next"]) is None:
            break
    assert serials == sorted(Entry.objects.filter(topic="roundup").values_list("serial", flat=True), reverse=True)
    client.force_login(world.alice)
    page = client.get("/manage/project/roundup/journal/").content.decode()
    assert page.count("set the status to active") == 50
    assert client.get(f"/manage/project/roundup/journal/?before={serials[50]}").status_code == 200
    assert client.get("/manage/project/roundup/journal/?before=-1").status_code == 200


def test_pages_of_the_journal_word_what_strangers_wrote_as_text(client: Client, world: World) -> None:
    publish.set_status(world.project, "active", reason="<script>{subject}", by=by(world.alice), at=world.at)
    client.force_login(world.alice)
    for path in ("/manage/project/roundup/journal/", "/account/journal/"):
        assert "&lt;script&gt;{subject}" in client.get(path).content.decode()
    assert Group.objects.exists()
