"""A44, A47, A48, A86, A88: what admins do to accounts, and leaving for good."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.test import Client

from otumat.errors import Conflict, Refused
from otumat_index.accounts import actions as accounts
from otumat_index.accounts import administration
from otumat_index.accounts.credentials import of_user
from otumat_index.accounts.models import User
from otumat_index.journal import actions as journal
from otumat_index.journal.actor import Actor, command
from otumat_index.journal.models import Entry
from otumat_index.journal.sentences import told
from otumat_index.publish import actions as publish
from otumat_index.publish.models import Project, Role

pytestmark = pytest.mark.django_db
PASSWORD = "correct horse battery"


def by(user: User) -> Actor:
    return of_user(user, "session")


def sign_in(user: User) -> Client:
    browser = Client()
    answer = browser.post("/account/login/", {"login": user.username, "password": PASSWORD})
    assert answer.status_code == 302, answer.content
    return browser


def test_every_door_closes_at_once(
    client: Client, submit: Any, alice: User, bob: User, admin: User, auth: Any, now: datetime
) -> None:
    submit(alice)
    project = Project.objects.get()
    publish.assign_role(project, bob, "owner", by=command(), at=now)
    publish.set_visibility(project, is_private=True, by=by(alice), at=now)
    token, browser = auth(bob), sign_in(bob)
    import base64

    basic = {"Authorization": "Basic " + base64.b64encode(f"bob:{PASSWORD}".encode()).decode()}

    def seen() -> list[int]:
        ways: list[tuple[Client, Any]] = [(client, token), (client, basic), (browser, {})]
        return [asking.get("/simple/roundup/", headers=headers).status_code for asking, headers in ways]

    assert seen() == [200, 200, 200]
    administration.deactivate(bob, by=by(admin), at=now)
    assert seen() == [401, 401, 404]
    assert browser.get("/account/").status_code == 302
    answer = Client().post("/account/login/", {"login": "bob", "password": PASSWORD})
    assert "/account/inactive/" in answer.get("Location", "") or answer.status_code == 200
    administration.reactivate(bob, by=by(admin), at=now)
    assert seen() == [401, 200, 404]  # neither the token nor the session comes back
    rows = Entry.objects.filter(subject="bob", action__startswith="user.").order_by("serial")
    assert [(row.action, row.actor) for row in rows][-2:] == [("user.deactivate", "dora"), ("user.reactivate", "dora")]


def test_A48_a_last_owner_is_deactivated_only_on_purpose(submit: Any, alice: User, admin: User, now: datetime) -> None:
    submit(alice)
    with pytest.raises(Conflict) as told:
        administration.deactivate(alice, by=by(admin), at=now)
    assert told.value.code == "last_owner"
    assert "roundup" in told.value.message
    alice.refresh_from_db()
    assert alice.is_active
    administration.deactivate(alice, anyway=True, by=by(admin), at=now)
    assert Entry.objects.get(action="user.deactivate").data["anyway"] is True


def test_A88_admin_flags_are_written_down_and_the_last_admin_stays(bob: User, admin: User, now: datetime) -> None:
    for act in (
        lambda: administration.set_admin(admin, False, by=by(admin), at=now),
        lambda: administration.deactivate(admin, by=by(admin), at=now),
        lambda: administration.close_account(admin, by=by(admin), at=now),
    ):
        with pytest.raises(Conflict) as told:
            act()
        assert told.value.code == "last_admin"
    administration.set_admin(bob, True, by=by(admin), at=now)
    bob.refresh_from_db()
    administration.set_admin(admin, False, by=by(bob), at=now)
    rows = Entry.objects.filter(action="user.admin").order_by("serial")
    assert [(row.actor, row.subject, row.data) for row in rows] == [
        ("dora", "bob", {"is_admin": True}),
        ("bob", "dora", {"is_admin": False}),
    ]


def test_nobody_else_does_that(alice: User, bob: User, admin: User, now: datetime) -> None:
    limited = Actor(name="dora", user_id=admin.pk, credential="token:1", is_admin=True, actions=frozenset({"read"}))
    for who in (by(alice), limited):
        for act in (administration.deactivate, administration.reactivate):
            with pytest.raises(Refused):
                act(bob, by=who, at=now)
        with pytest.raises(Refused):
            administration.set_admin(alice, True, by=who, at=now)
    with pytest.raises(Refused):
        administration.close_account(bob, by=by(admin), at=now)


def test_closing_an_account_leaves_the_login_name_alone(
    client: Client, submit: Any, alice: User, bob: User, auth: Any, now: datetime
) -> None:
    submit(alice)
    project = Project.objects.get()
    publish.assign_role(project, bob, "maintainer", by=command(), at=now)
    token, browser = auth(bob), sign_in(bob)
    assert "/account/reauthenticate/" in browser.get("/account/delete/")["Location"]
    browser.post("/account/reauthenticate/", {"password": PASSWORD})
    assert "Type your login name" in browser.get("/account/delete/").content.decode()
    assert browser.post("/account/delete/", {"again": "alice"}).status_code == 400
    before = Entry.objects.count()
    assert browser.post("/account/delete/", {"again": "bob"}).status_code == 302
    assert Entry.objects.count() == before + 1
    assert client.get("/api/v1/whoami", headers=token).status_code == 401
    assert browser.get("/account/").status_code == 302
    bob.refresh_from_db()
    assert (bob.is_active, bob.email, bob.closed_at is not None) == (False, "", True)
    assert not EmailAddress.objects.filter(user=bob).exists()
    assert not Role.objects.filter(user=bob).exists()
    row = Entry.objects.get(action="user.close")
    assert (row.subject, row.data) == ("bob", {"roles": 1, "tokens": 1})
    # Nobody takes the name and passes for him.
    with pytest.raises(Conflict):
        accounts.create_user(
            "Bob", email="x@example.org", password=None, confirmed=True, admin=False, by=command(), at=now
        )
    with pytest.raises(Conflict):
        administration.reactivate(bob, by=command(), at=now)


def test_A48_a_last_owner_does_not_close_the_account(submit: Any, alice: User, now: datetime) -> None:
    submit(alice)
    with pytest.raises(Conflict) as told:
        administration.close_account(alice, by=by(alice), at=now)
    assert told.value.code == "last_owner"
    alice.refresh_from_db()
    assert alice.is_active
    assert Role.objects.filter(user=alice).exists()
    assert EmailAddress.objects.filter(user=alice).exists()


def test_admin_pages(submit: Any, alice: User, bob: User, admin: User, now: datetime) -> None:
    submit(alice)
    browser = Client()
    browser.force_login(admin)
    home = browser.get("/admin/").content.decode()
    assert "registered roundup 1.0" in home
    assert settings.SECRET_KEY not in home
    assert "alice@example.org" in browser.get("/admin/users/?q=ALICE@").content.decode()
    assert "bob" not in browser.get("/admin/users/?q=alice").content.decode().replace("bob@", "bob")
    page = browser.post("/admin/users/alice/deactivate", follow=True).content.decode()
    assert "last owner of roundup" in page
    browser.post("/admin/users/alice/deactivate", {"anyway": "1"})
    names = browser.get("/admin/projects/").content.decode()
    assert 'href="/manage/project/roundup/"' in names
    assert browser.post("/admin/projects/", {"name": "roundup", "user": "nobody"}).status_code == 404
    assert browser.post("/admin/projects/", {"name": "json", "user": "bob"}).status_code == 400
    browser.post("/admin/projects/", {"name": "roundup", "user": "bob"})
    assert Role.objects.get(user=bob).kind == "owner"
    assert "made bob owner" in browser.get("/admin/journal/").content.decode()
    browser.post("/admin/users/bob/make-admin")
    assert browser.post("/admin/users/bob/fly").status_code == 404
    bob.refresh_from_db()
    assert bob.is_superuser


def test_admins_by_api(client: Client, alice: User, bob: User, admin: User, auth: Any) -> None:
    headers = auth(admin)

    def put(path: str, **body: Any) -> Any:
        return client.put(f"/api/v1/admin/{path}", json.dumps(body), "application/json", headers=headers)

    assert [row["user"] for row in client.get("/api/v1/admin/users?q=bob", headers=headers).json()["users"]] == ["bob"]
    assert put("users/bob", admin=True).json()["admin"] is True
    assert put("users/bob", admin=True).status_code == 409
    assert put("users/bob", active=False).json()["active"] is False
    assert put("users/bob", active=True).json()["active"] is True
    assert put("users/bob").status_code == 400
    assert put("users/bob", active=True, admin=True).status_code == 400
    assert put("users/nobody", active=True).status_code == 404
    assert put("names/free-name", user="alice").status_code == 200
    assert put("names/free-name", user="bob").status_code == 409
    assert client.get("/api/v1/admin/projects", headers=headers).json() == {"ownerless": [], "quarantined": []}
    assert client.get("/api/v1/admin/journal", headers=headers).json()["entries"][0]["action"] == "project.assign"


def test_an_admin_takes_lost_factors_off_and_every_session_ends(
    client: Client, bob: User, admin: User, auth: Any, now: datetime
) -> None:
    browser, office = sign_in(bob), sign_in(admin)
    page = "/admin/users/bob/reset-factors"
    assert "has no second factor" in office.post(page, {"sure": "1"}, follow=True).content.decode()
    for _ in range(2):
        Authenticator.objects.bulk_create([Authenticator(user=bob, type="totp", data={"secret": ""})])
        assert browser.post(page).status_code == 404, "not for Bob himself"
        assert "Remove second factors" in office.get("/admin/users/?q=bob").content.decode()
        assert "Nothing was changed" in office.post(page, follow=True).content.decode()
        office.post(page, {"sure": "1"})
        assert not Authenticator.objects.exists()
        assert browser.get("/account/").status_code == 302
        browser = sign_in(bob)
    Authenticator.objects.bulk_create([Authenticator(user=bob, type="totp", data={})])
    answer = client.delete("/api/v1/admin/users/bob/factors", headers=auth(admin))
    assert answer.json() == {"ok": True, "user": "bob", "removed": 1}
    assert client.delete("/api/v1/admin/users/bob/factors", headers=auth(admin)).status_code == 409
    assert [row.actor for row in Entry.objects.filter(action="user.factors", subject="bob")] == ["dora"] * 3


def test_A88_of_who_left_no_address_stays_in_the_journal(bob: User, alice: User, now: datetime) -> None:
    for user in (bob, alice):
        old, new = f"old-{user.username}@example.org", user.email
        journal.write("user.email", user.username, by=by(user), at=now, old=old, new=new)
    administration.close_account(bob, by=by(bob), at=now)
    assert "bob@" not in str([row.data for row in Entry.objects.all()])
    assert Entry.objects.get(action="user.email", subject="alice").data["new"] == alice.email
    assert told(Entry.objects.get(action="user.email", subject="bob")).sentence == "changed the mail addresses of bob"
    assert told(Entry.objects.get(action="user.close")).sentence.endswith("its mail addresses are out of this journal")
