"""The actions of roles, visibility, status and yank, without HTTP: who may, and that the last owner stays."""

from __future__ import annotations

from typing import Any

import pytest

from otumat.errors import Conflict, Invalid, NotFound, Refused
from otumat_index.accounts.credentials import of_user
from otumat_index.accounts.models import User
from otumat_index.journal.actor import NOBODY, Actor, command
from otumat_index.journal.models import Entry
from otumat_index.publish import actions
from otumat_index.publish.models import Project, Release, Role

pytestmark = pytest.mark.django_db


@pytest.fixture
def project(submit: Any, alice: User, bob: User, now: Any) -> Project:
    submit(alice)
    found = Project.objects.get()
    actions.assign_role(found, bob, "maintainer", by=command(), at=now)
    return found


def actor(user: User) -> Actor:
    return of_user(user, "session")


def test_D31_D32_an_admin_assigns_roles_and_an_owner_changes_them(
    project: Project, alice: User, charlie: User, admin: User, now: Any
) -> None:
    assert actions.assign_role(project, charlie, "reader", by=actor(admin), at=now).kind == "reader"
    assert actions.assign_role(project, charlie, "owner", by=actor(alice), at=now).kind == "owner"
    assert Role.objects.filter(user=charlie).count() == 1  # changed, not added
    rows = Entry.objects.filter(action="role.assign", subject="charlie")
    assert [(row.actor, row.data["role"]) for row in rows] == [("dora", "reader"), ("alice", "owner")]


def test_D32_an_owner_puts_no_role_on_somebody_who_was_not_asked(
    project: Project, alice: User, charlie: User, now: Any
) -> None:
    with pytest.raises(Refused) as told:
        actions.assign_role(project, charlie, "maintainer", by=actor(alice), at=now)
    assert told.value.code == "role_needs_invitation"
    assert not Role.objects.filter(user=charlie).exists()


@pytest.mark.parametrize("who", ["maintainer", "reader", "stranger", "nobody"])
@pytest.mark.parametrize(
    "act",
    ["assign", "remove", "status", "visibility", "remove_file"],
)
def test_D32_D34_nobody_else_manages(
    project: Project, alice: User, bob: User, charlie: User, now: Any, who: str, act: str
) -> None:
    if who == "reader":
        actions.assign_role(project, charlie, "reader", by=command(), at=now)
    by = {"maintainer": actor(bob), "reader": actor(charlie), "stranger": actor(charlie), "nobody": NOBODY}[who]
    rows = Entry.objects.count()
    acts: dict[str, Any] = {
        "assign": lambda: actions.assign_role(project, charlie, "owner", by=by, at=now),
        "remove": lambda: actions.remove_role(project, alice, by=by, at=now),
        "status": lambda: actions.set_status(project, "archived", reason="", by=by, at=now),
        "visibility": lambda: actions.set_visibility(project, is_private=True, by=by, at=now),
        "remove_file": lambda: actions.remove_file(project, "x.whl", by=by, at=now),
    }
    with pytest.raises(Refused):
        acts[act]()
    assert Entry.objects.count() == rows


def test_D33_a_maintainer_submits_for_that_name_only(submit: Any, project: Project, alice: User, bob: User) -> None:
    submit(alice, name="another")
    assert submit(bob, version="2.0").status_code == 200
    assert submit(bob, name="another", version="2.0").status_code == 403


def test_a_reader_does_not_submit(submit: Any, project: Project, alice: User, charlie: User, now: Any) -> None:
    actions.assign_role(project, charlie, "reader", by=command(), at=now)
    assert submit(charlie).status_code == 403


def test_A48_the_last_owner_stays(project: Project, alice: User, bob: User, admin: User, now: Any) -> None:
    for by in (actor(alice), actor(admin), command()):
        with pytest.raises(Conflict, match="last owner"):
            actions.remove_role(project, alice, by=by, at=now)
        with pytest.raises(Conflict, match="last owner"):
            actions.assign_role(project, alice, "maintainer", by=by, at=now)
    actions.assign_role(project, bob, "owner", by=actor(alice), at=now)
    actions.remove_role(project, alice, by=actor(bob), at=now)
    assert list(Role.objects.values_list("user__username", "kind")) == [("bob", "owner")]


def test_a_role_that_is_none_is_refused(project: Project, alice: User, charlie: User, now: Any) -> None:
    with pytest.raises(Invalid):
        actions.assign_role(project, charlie, "emperor", by=actor(alice), at=now)
    with pytest.raises(NotFound):
        actions.remove_role(project, charlie, by=actor(alice), at=now)


def test_only_an_admin_quarantines_and_lifts_it(project: Project, alice: User, admin: User, now: Any) -> None:
    with pytest.raises(Refused, match="Only an admin"):
        actions.set_status(project, "quarantined", reason="", by=actor(alice), at=now)
    actions.set_status(project, "quarantined", reason="malware", by=actor(admin), at=now)
    for status in ("active", "archived", "deprecated"):
        with pytest.raises(Refused, match="Only an admin"):
            actions.set_status(project, status, reason="", by=actor(alice), at=now)
    actions.set_status(project, "active", reason="", by=actor(admin), at=now)
    assert Project.objects.get().status == "active"


@pytest.mark.parametrize("status", ["archived", "quarantined"])
def test_nothing_is_added_to_what_is_archived_or_quarantined(
    submit: Any, upload: Any, wheel: Any, project: Project, alice: User, admin: User, now: Any, status: str
) -> None:
    actions.set_status(project, status, reason="", by=actor(admin), at=now)
    for response in (submit(alice, version="2.0"), upload(alice, wheel(version="2.0"))):
        assert (response.status_code, response.json()["error"]["code"]) == (403, "project_status")
    assert Release.objects.count() == 1


@pytest.mark.parametrize("reason", ["two\nlines", "x" * 501, "\x1b[0m"])
def test_A35_reasons_are_one_short_line(project: Project, alice: User, now: Any, reason: str) -> None:
    with pytest.raises(Invalid):
        actions.yank_release(project, "1.0", reason=reason, by=actor(alice), at=now)
    with pytest.raises(Invalid):
        actions.set_status(project, "archived", reason=reason, by=actor(alice), at=now)


def test_the_newest_release_passes_over_yanked_and_pre_releases(
    submit: Any, project: Project, alice: User, now: Any
) -> None:
    for version in ("2.0", "3.0rc1", "1.10"):
        submit(alice, version=version)

    def newest() -> str:
        found = Project.objects.select_related("latest").get().latest
        return found.version if found else ""

    assert newest() == "2.0"
    actions.yank_release(project, "2.0.0", reason="broken", by=actor(alice), at=now)
    assert newest() == "1.10"
    actions.unyank_release(project, "2", by=actor(alice), at=now)
    assert newest() == "2.0"


def test_what_is_not_there_cannot_be_yanked(project: Project, alice: User, now: Any) -> None:
    for act in (
        lambda: actions.yank_release(project, "9.9", reason="", by=actor(alice), at=now),
        lambda: actions.yank_file(project, "x.whl", reason="", by=actor(alice), at=now),
        lambda: actions.remove_file(project, "x.whl", by=actor(alice), at=now),
    ):
        with pytest.raises(NotFound):
            act()


def test_a_file_of_another_project_is_out_of_reach(
    project: Project, upload: Any, wheel: Any, alice: User, charlie: User, now: Any
) -> None:
    upload(charlie, wheel("victim"))
    for act in (actions.remove_file, lambda *a, **w: actions.yank_file(*a, reason="", **w)):
        with pytest.raises(NotFound):
            act(project, "victim-1.0-py3-none-any.whl", by=actor(alice), at=now)
