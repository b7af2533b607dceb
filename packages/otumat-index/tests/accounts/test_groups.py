"""A47, A48: groups hold roles for their members; who leaves loses them at once, and nothing is left without anybody."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from django.test import Client

from otumat.errors import Conflict, Invalid, NotFound, Refused
from otumat_index.accounts import administration
from otumat_index.accounts.credentials import of_user
from otumat_index.accounts.groups import actions, queries
from otumat_index.accounts.models import Group, GroupMember, User
from otumat_index.journal.actor import Actor, command
from otumat_index.journal.models import Entry
from otumat_index.publish import actions as publish
from otumat_index.publish import rules
from otumat_index.publish.models import Project, Role
from otumat_index.publish.queries import standing_of

pytestmark = pytest.mark.django_db


def by(user: User) -> Actor:
    return of_user(user, "session")


@pytest.fixture
def crew(alice: User, now: datetime) -> Group:
    """Alice's group."""
    return actions.create_group("crew", "The crew", by=by(alice), at=now)


@pytest.fixture
def join(crew: Group, alice: User, now: datetime) -> Callable[..., GroupMember]:
    def act(user: User, group: Group | None = None, **words: Any) -> GroupMember:
        member = actions.add_member(group or crew, user, by=by(alice), at=now, **words)
        return member if member.joined_at else actions.join_group(group or crew, by=by(user), at=now)

    return act


@pytest.fixture
def project(submit: Any, alice: User, crew: Group, now: datetime) -> Project:
    """Alice's; her crew maintains it."""
    submit(alice)
    made = Project.objects.get()
    publish.assign_role(made, crew, "maintainer", by=by(alice), at=now)
    return made


def role_of(user: User) -> str:
    return standing_of(by(user), "roundup").role


def test_nobody_gets_a_role_through_a_group_without_saying_yes(
    crew: Group, project: Project, alice: User, bob: User, now: datetime
) -> None:
    actions.add_member(crew, bob, by=by(alice), at=now)
    assert role_of(bob) == ""
    actions.join_group(crew, by=by(bob), at=now)
    assert role_of(bob) == "maintainer"
    assert [row.action for row in Entry.objects.filter(subject="bob").exclude(action="user.create")] == [
        "member.invite",
        "member.join",
    ]


def test_the_strongest_role_wins(crew: Group, project: Project, join: Any, bob: User, now: datetime) -> None:
    join(bob)
    for kind, strongest in (("reader", "maintainer"), ("owner", "owner")):
        Role.objects.update_or_create(project=project, user=bob, defaults={"kind": kind, "granted_at": now})
        assert role_of(bob) == strongest


def test_A47_who_leaves_the_group_loses_its_roles_on_every_path(
    client: Client,
    crew: Group,
    project: Project,
    join: Any,
    alice: User,
    bob: User,
    submit: Any,
    auth: Any,
    now: datetime,
) -> None:
    join(bob)
    publish.set_visibility(project, is_private=True, by=by(alice), at=now)
    headers, browser = auth(bob), Client()
    browser.force_login(bob, backend="allauth.account.auth_backends.AuthenticationBackend")

    def seen() -> list[int]:
        answers = [client.get(path, headers=headers) for path in ("/simple/roundup/", "/api/v1/project/roundup/roles")]
        answers += [browser.get(path) for path in ("/project/roundup/", "/manage/project/roundup/")]
        return [answer.status_code for answer in answers] + [submit(bob, version="2.0").status_code]

    assert seen() == [200] * 5
    assert "roundup" in browser.get("/account/").content.decode()
    actions.remove_member(crew, bob, by=by(alice), at=now)
    assert seen() == [404] * 4 + [403]
    assert "roundup" not in browser.get("/account/").content.decode()


def test_out_of_a_group_is_out_of_its_teams(
    crew: Group, project: Project, join: Any, alice: User, bob: User, now: datetime
) -> None:
    team = actions.create_group("crew-web", "Web", parent=crew, by=by(alice), at=now)
    with pytest.raises(Conflict) as told:
        actions.add_member(team, bob, by=by(alice), at=now)
    assert told.value.code == "not_in_parent"
    join(bob)
    assert join(bob, team).joined_at
    actions.remove_member(crew, bob, by=by(alice), at=now)
    assert not GroupMember.objects.filter(user=bob).exists()
    assert Entry.objects.get(action="member.remove").data == {"group": "crew", "teams": ["crew-web"]}


def test_a_team_has_no_teams_and_a_slug_is_one_groups(crew: Group, alice: User, bob: User, now: datetime) -> None:
    team = actions.create_group("crew-web", "Web", parent=crew, by=by(alice), at=now)
    with pytest.raises(Invalid):
        actions.create_group("deeper", "Deeper", parent=team, by=by(alice), at=now)
    with pytest.raises(Conflict):
        actions.create_group("crew", "Ours", by=by(bob), at=now)
    with pytest.raises(Refused):
        actions.create_group("crew-ours", "Ours", parent=crew, by=by(bob), at=now)
    for slug, name in (
        ("Crew", "x"),
        ("-x", "x"),
        ("", "x"),
        ("x", ""),
        ("x", "a\nb"),
        ("x" * 65, "x"),
        ("group:x", "x"),
    ):
        with pytest.raises(Invalid):
            actions.create_group(slug, name, by=by(bob), at=now)


def test_only_managers_change_a_group(
    crew: Group, join: Any, alice: User, bob: User, charlie: User, now: datetime
) -> None:
    join(bob)
    for who in (bob, charlie):
        for act in (
            lambda who=who: actions.add_member(crew, charlie, by=by(who), at=now),
            lambda who=who: actions.set_manager(crew, bob, True, by=by(who), at=now),
            lambda who=who: actions.remove_member(crew, alice, by=by(who), at=now),
            lambda who=who: actions.delete_group(crew, by=by(who), at=now),
        ):
            with pytest.raises(Refused):
                act()
    with pytest.raises(NotFound):
        actions.join_group(crew, by=by(charlie), at=now)
    assert set(queries.member_names(crew)) == {"alice", "bob"}


def test_the_last_manager_stays(crew: Group, join: Any, alice: User, bob: User, now: datetime) -> None:
    join(bob)
    for act in (
        lambda: actions.remove_member(crew, alice, by=by(alice), at=now),
        lambda: actions.set_manager(crew, alice, False, by=by(alice), at=now),
        lambda: administration.close_account(alice, by=by(alice), at=now),
    ):
        with pytest.raises(Conflict) as told:
            act()
        assert told.value.code == "last_manager"
    actions.set_manager(crew, bob, True, by=by(alice), at=now)
    actions.remove_member(crew, alice, by=by(alice), at=now)


def test_A48_a_group_that_owns_a_project_alone_keeps_somebody(
    crew: Group, project: Project, join: Any, alice: User, bob: User, charlie: User, now: datetime
) -> None:
    team = actions.create_group("crew-web", "Web", parent=crew, by=by(alice), at=now)
    join(bob)
    join(bob, team)
    publish.assign_role(project, team, "owner", by=by(alice), at=now)
    publish.remove_role(project, alice, by=by(bob), at=now)
    publish.remove_role(project, crew, by=by(bob), at=now)
    actions.remove_member(team, alice, by=by(alice), at=now)
    for act in (
        lambda: actions.remove_member(team, bob, by=by(bob), at=now),
        lambda: actions.remove_member(crew, bob, by=by(alice), at=now),
        lambda: actions.delete_group(team, by=by(alice), at=now),
        lambda: actions.delete_group(crew, by=by(alice), at=now),
        lambda: publish.remove_role(project, team, by=by(bob), at=now),
        lambda: publish.assign_role(project, team, "reader", by=by(bob), at=now),
        lambda: administration.deactivate(bob, by=command(), at=now),
        lambda: administration.close_account(bob, by=by(bob), at=now),
    ):
        with pytest.raises(Conflict) as told:
            act()
        assert told.value.code == "last_owner"
    assert role_of(bob) == "owner"
    assert rules.may(by(bob), "manage", standing_of(by(bob), "roundup"))


def test_an_owner_gives_roles_to_own_groups_only(
    submit: Any, crew: Group, bob: User, alice: User, admin: User, now: datetime
) -> None:
    submit(bob)
    project = Project.objects.get()
    with pytest.raises(Refused) as told:
        publish.assign_role(project, crew, "maintainer", by=by(bob), at=now)
    assert told.value.code == "role_needs_invitation"
    publish.assign_role(project, crew, "maintainer", by=by(admin), at=now)
    publish.assign_role(project, crew, "reader", by=by(bob), at=now)  # held already: his to change
    assert Entry.objects.filter(action="role.assign", subject="group:crew").count() == 2


def test_A86_a_group_is_not_there_for_others(client: Client, crew: Group, charlie: User, auth: Any) -> None:
    for slug in ("crew", "nothing"):
        for method, path in (
            ("GET", f"/api/v1/groups/{slug}"),
            ("DELETE", f"/api/v1/groups/{slug}"),
            ("PUT", f"/api/v1/groups/{slug}/members/charlie"),
            ("DELETE", f"/api/v1/groups/{slug}/members/alice"),
        ):
            answer = client.generic(method, path, "{}", content_type="application/json", headers=auth(charlie))
            assert answer.status_code == 404
            assert answer.json()["error"]["message"] == f"There is no group {slug!r}, or you are not in it."
    client.force_login(charlie)
    assert client.get("/account/groups/crew/").status_code == 404
    assert client.post("/account/groups/crew/", {"act": "dissolve", "again": "crew"}).status_code == 404
    assert Group.objects.exists()


def test_groups_by_api(client: Client, alice: User, bob: User, auth: Any) -> None:
    def ask(user: User, method: str, path: str, **body: Any) -> Any:
        import json

        answer = client.generic(
            method, f"/api/v1{path}", json.dumps(body), content_type="application/json", headers=auth(user)
        )
        assert answer.status_code == 200, answer.content
        return answer.json()

    ask(alice, "POST", "/groups", slug="crew", name="The crew")
    asked = ask(alice, "PUT", "/groups/crew/members/bob", manager=False)
    assert asked["joined_at"] is None
    assert ask(bob, "GET", "/groups")["groups"][0]["joined"] is False
    assert ask(bob, "PUT", "/groups/crew/members/bob")["joined_at"]
    assert ask(alice, "PUT", "/groups/crew/members/bob", manager=True)["manager"] is True
    ask(alice, "POST", "/groups", slug="crew-web", name="Web", parent="crew")
    found = ask(bob, "GET", "/groups/crew")
    assert (found["teams"], [row["user"] for row in found["members"]]) == (["crew-web"], ["alice", "bob"])
    ask(bob, "DELETE", "/groups/crew/members/bob")
    ask(alice, "DELETE", "/groups/crew")
    assert not Group.objects.exists()


def test_groups_by_page(client: Client, alice: User, bob: User) -> None:
    backend = "allauth.account.auth_backends.AuthenticationBackend"
    client.force_login(alice, backend=backend)
    client.post("/account/groups/", {"slug": "crew", "name": "<b>Crew</b>"})
    page = client.post("/account/groups/crew/", {"act": "add", "user": "Bob"}, follow=True).content.decode()
    assert "asked, has not answered" in page
    assert "&lt;b&gt;Crew&lt;/b&gt;" in page
    assert client.post("/account/groups/crew/", {"act": "leave"}).status_code == 409
    assert client.post("/account/groups/crew/", {"act": "dissolve", "again": "x"}).status_code == 404
    browser = Client()
    browser.force_login(bob, backend=backend)
    assert "asks you to join the group crew" in browser.get("/account/invitations/").content.decode()
    browser.post("/account/groups/crew/", {"act": "join"})
    assert "crew" in browser.get("/account/groups/").content.decode()
    assert browser.post("/account/groups/crew/", {"act": "promote", "user": "bob"}).status_code == 403
    client.post("/account/groups/crew/", {"act": "promote", "user": "bob"})
    client.post("/account/groups/crew/", {"act": "leave"})
    assert client.get("/account/groups/crew/").status_code == 404
    browser.post("/account/groups/crew/", {"act": "dissolve", "again": "crew"})
    assert not Group.objects.exists()


def test_a_manager_renames_a_group_by_page_and_by_api(
    client: Client, auth: Any, crew: Group, join: Any, alice: User, bob: User
) -> None:
    join(bob)
    client.force_login(alice)
    page = client.post("/account/groups/crew/", {"act": "rename", "name": " Oars "}, follow=True)
    assert "The group is called Oars now." in page.content.decode()
    path, typed = "/api/v1/groups/crew", "application/json"
    renamed = client.patch(path, {"name": "Sails"}, content_type=typed, headers=auth(alice))
    assert renamed.json() == {"ok": True, "slug": "crew", "name": "Sails", "parent": ""}
    assert client.patch(path, {"name": "Mine"}, content_type=typed, headers=auth(bob)).status_code == 403
    assert client.patch(path, {"name": " "}, content_type=typed, headers=auth(alice)).status_code == 400
    crew.refresh_from_db()
    assert crew.name == "Sails"
    rows = Entry.objects.filter(action="group.rename")
    assert [(row.subject, row.data["old"], row.data["name"]) for row in rows] == [
        ("group:crew", "The crew", "Oars"),
        ("group:crew", "Oars", "Sails"),
    ]
