"""The security page: what it shows, what it asks for again, and whom it tells."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from django.contrib.sessions.models import Session
from django.core import mail
from django.test import Client
from django.utils import timezone

from harness.second_factors import PASSWORD, with_app
from otumat_index.accounts import actions
from otumat_index.accounts.credentials import of_user
from otumat_index.accounts.models import Token, User
from otumat_index.journal.models import Entry

pytestmark = pytest.mark.django_db


@pytest.mark.django_db(transaction=True)
def test_the_first_factor_ends_older_sessions(alice: User) -> None:
    old, client = Client(), Client()
    for each in (old, client):
        each.post("/account/login/", {"login": "alice", "password": PASSWORD})
    client.post("/account/reauthenticate/", {"password": PASSWORD})
    client.get("/account/factors/totp/activate/")
    first = format_hotp_value(hotp_value(client.session["mfa.totp.secret"], int(timezone.now().timestamp()) // 30))
    client.post("/account/factors/totp/activate/", {"code": first})
    assert old.get("/account/security/").status_code == 302
    assert client.get("/account/security/").status_code == 200
    assert client.get("/account/factors/recovery-codes/").status_code == 200  # the app was shown just now


def test_one_signs_out_everywhere_else(alice: User) -> None:
    here, there = Client(headers={"User-Agent": "Mozilla/5.0 (X11; Linux) Firefox/130"}), Client()
    for each in (here, there):
        each.post("/account/login/", {"login": "alice", "password": PASSWORD})
    page = here.get("/account/security/").content.decode()
    assert "Firefox on Linux" in page
    assert page.count("since") == 2
    assert here.get("/account/security/sessions").status_code == 405
    assert here.post("/account/security/sessions").status_code == 302
    assert there.get("/account/security/").status_code == 302
    assert here.get("/account/security/").status_code == 200
    assert Session.objects.count() == 1
    assert Entry.objects.filter(action="user.sessions", subject="alice").count() == 1


def test_A50_a_new_password_ends_other_sessions_and_a_login_changes_the_sessions_key(alice: User) -> None:
    here, there = Client(), Client()
    here.get("/account/login/")
    for each in (here, there):
        each.post("/account/login/", {"login": "alice", "password": PASSWORD})
    key = here.session.session_key
    new = {"oldpassword": PASSWORD, "password1": "quite another sentence", "password2": "quite another sentence"}
    assert here.post("/account/password/change/", new).status_code == 302
    assert here.session.session_key != key
    assert here.get("/account/security/").status_code == 200
    assert there.get("/account/security/").status_code == 302
    assert Entry.objects.filter(action="user.password", subject="alice", actor="alice").count() == 1


def test_A50_a_session_from_before_the_login_is_not_the_one_after_it(alice: User) -> None:
    client = Client()
    client.get("/account/factors/webauthn/login/", headers={"Accept": "application/json"})
    fixed = client.session.session_key
    client.post("/account/login/", {"login": "alice", "password": PASSWORD})
    assert client.session.session_key != fixed
    kept = client.session.session_key
    client.post("/account/logout/")
    assert not Session.objects.filter(session_key=kept).exists()


def test_changing_factors_asks_again_who_one_is(alice: User) -> None:
    client = Client()
    client.post("/account/login/", {"login": "alice", "password": PASSWORD})
    for path in ("totp/activate/", "webauthn/add/"):
        assert client.get(f"/account/factors/{path}")["Location"].startswith("/account/reauthenticate/")
        assert client.post(f"/account/factors/{path}", {"code": "1"})["Location"].startswith("/account/reauthenticate/")
    with_app(alice)
    for path in ("totp/deactivate/", "webauthn/add/", "recovery-codes/generate/"):
        again = client.get(f"/account/factors/{path}")["Location"]
        assert again.startswith("/account/factors/reauthenticate/")  # the factor itself: the password is not enough
    assert client.get("/account/security/password/remove/").status_code in (302, 409)
    again = client.post("/account/tokens/", {"name": "laptop"})["Location"]
    assert again.startswith("/account/factors/reauthenticate/")
    assert not alice.tokens.exists()


def test_a_session_alone_does_not_give_itself_a_password(alice: User) -> None:
    Authenticator.objects.create(user=alice, type="webauthn", data={"name": "key"})
    alice.set_unusable_password()
    alice.save()
    client = Client()
    client.force_login(alice)
    new = {"password1": "quite another sentence", "password2": "quite another sentence"}
    answer = client.post("/account/password/set/", new)
    assert answer["Location"].startswith("/account/factors/webauthn/reauthenticate/")
    alice.refresh_from_db()
    assert not alice.has_usable_password()


def test_the_last_way_in_stays(alice: User) -> None:
    client = Client()
    client.force_login(alice)
    assert client.post("/account/security/password/remove/").status_code == 302  # asks again who one is
    alice.refresh_from_db()
    assert alice.has_usable_password()


@pytest.mark.parametrize("path", ["edit", "remove"])
def test_A45_nobody_touches_the_passkey_of_another(alice: User, bob: User, path: str) -> None:
    key = Authenticator.objects.create(user=alice, type="webauthn", data={"name": "key"})
    client = Client()
    client.post("/account/login/", {"login": "bob", "password": PASSWORD})
    client.get("/account/reauthenticate/")
    client.post("/account/reauthenticate/", {"password": PASSWORD})
    answer = client.post(f"/account/factors/webauthn/keys/{key.pk}/{path}/", {"name": "mine"})
    assert answer.status_code == 404
    key.refresh_from_db()
    assert key.data["name"] == "key"


def test_A45_nobody_changes_the_address_of_another(alice: User, bob: User) -> None:
    client = Client()
    client.post("/account/login/", {"login": "bob", "password": PASSWORD})
    client.post("/account/reauthenticate/", {"password": PASSWORD})
    for act in ("action_remove", "action_primary", "action_send"):
        client.post("/account/email/", {"email": "alice@example.org", act: ""})
    alice.refresh_from_db()
    assert alice.email == "alice@example.org"
    assert EmailAddress.objects.get(user=alice).verified


def test_an_account_without_password_or_factor_is_led_to_a_passkey(alice: User) -> None:
    alice.set_unusable_password()
    alice.save()
    client = Client()
    client.force_login(alice)
    answer = client.get("/account/", follow=True)
    assert answer.redirect_chain == [("/account/security/", 302)]
    assert "Make a passkey now" in answer.content.decode()


def test_tokens_of_the_shut_out_die_at_once(alice: User, auth: Any) -> None:
    header = auth(alice)
    assert Client().get("/api/v1/whoami", headers=header).status_code == 200
    User.objects.update(is_active=False)
    assert Client().get("/api/v1/whoami", headers=header).status_code == 401
    User.objects.all().delete()
    assert Client().get("/api/v1/whoami", headers=header).status_code == 401
    assert not Token.objects.exists()


def test_a_token_tells_whether_a_factor_stood_behind_it(alice: User, now: Any) -> None:
    by = of_user(alice, "session")
    first = actions.create_token(alice, name="a", by=by, at=now)[0]
    with_app(alice)
    second = actions.create_token(alice, name="b", expires_at=now + timedelta(days=1), by=by, at=now)[0]
    assert (first.with_factor, second.with_factor) == (False, True)


def test_one_changes_the_address_on_the_web_by_a_link_to_the_new_one(alice: User) -> None:
    client = Client()
    client.post("/account/login/", {"login": "alice", "password": PASSWORD})
    page = client.post("/account/email/", {"email": "New@Example.org", "action_add": ""})
    assert page["Location"].startswith("/account/reauthenticate/")
    client.post("/account/reauthenticate/?next=/account/email/", {"password": PASSWORD, "next": "/account/email/"})
    with_app(alice)  # a second factor hinders nobody from moving
    client.post("/account/email/", {"email": "New@Example.org", "action_add": ""})
    assert mail.outbox[-1].to == ["new@example.org"]
    assert "new@example.org" in client.get("/account/security/").content.decode()
    assert "new@example.org" in client.get("/account/email/").content.decode()
    link = re.findall(r"http://localhost:8000(/account/confirm-email/\S+)", str(mail.outbox[-1].body))[0]
    client.post(link)
    assert list(EmailAddress.objects.filter(user=alice).values_list("email", "verified", "primary")) == [
        ("new@example.org", True, True)
    ]
    told = list(Entry.objects.filter(subject="alice", action__startswith="user.").values_list("action", flat=True))
    assert told[-2:] == ["user.address", "user.email"]
