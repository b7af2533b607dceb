"""Signing up, in and out; tokens; the first admin: by a browser's requests."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from django.core import mail
from django.test import Client
from django.utils import timezone

from otumat_index.accounts import actions
from otumat_index.accounts.credentials import of_user
from otumat_index.accounts.models import Token, User
from otumat_index.journal.models import Entry
from otumat_index.publish.models import Project

pytestmark = pytest.mark.django_db
PASSWORD = "correct horse battery"
ELSEWHERE = {"Host": "evil.example"}


def link_in(message: Any) -> str:
    """The path of the only link that is not the index's own address."""
    paths = re.findall(r"http://localhost:8000(/\S+)", message.body)
    assert "evil.example" not in message.body
    assert len(paths) == 1
    return str(paths[0])


def test_a_stranger_signs_up_confirms_and_signs_in(client: Client) -> None:
    form = {"username": "dana", "email": "dana@example.org", "password1": PASSWORD, "password2": PASSWORD}
    response = client.post("/account/signup/", form, headers=ELSEWHERE)
    assert (response.status_code, response["Location"]) == (302, "/account/confirm-email/")
    assert "Look into your mail" in client.get("/account/confirm-email/").content.decode()
    path = link_in(mail.outbox[0])
    assert mail.outbox[0].subject == "[Otumat] Please confirm your address"
    page = client.get(path).content.decode()
    assert "dana@example.org" in page
    assert client.post(path).status_code == 302
    signed_in = client.post("/account/login/", {"login": "dana", "password": PASSWORD})
    assert (signed_in.status_code, signed_in["Location"]) == (302, "/account/")
    assert client.get("/account/").status_code == 200


def test_mails_greet_by_name_and_name_this_index(client: Client, alice: User) -> None:
    client.post("/account/password/reset/", {"email": "alice@example.org"}, headers=ELSEWHERE)
    body = mail.outbox[0].body
    assert body.startswith("Hello alice,\n")
    assert body.rstrip().endswith("Yours,\nOtumat\nhttp://localhost:8000")
    assert "Your login name is alice." in body


def test_A39_a_forgotten_password_is_replaced_by_a_link_that_works_once(client: Client, alice: User) -> None:
    client.post("/account/password/reset/", {"email": "alice@example.org"}, headers=ELSEWHERE)
    path = link_in(mail.outbox[0])
    page = client.get(path, follow=True)
    new = {"password1": "quite another sentence", "password2": "quite another sentence"}
    done = client.post(page.redirect_chain[-1][0], new, follow=True)
    assert "Your password is changed" in done.content.decode()
    alice.refresh_from_db()
    assert alice.check_password("quite another sentence")
    assert "expired or was used before" in Client().get(path, follow=True).content.decode()


def test_A38_sign_up_and_reset_say_the_same_for_known_and_unknown_addresses(client: Client, alice: User) -> None:
    answers = []
    for address in ("alice@example.org", "nobody@example.org"):
        reset = Client().post("/account/password/reset/", {"email": address}, follow=True)
        form = {"username": f"new-{address[:3]}", "email": address, "password1": PASSWORD, "password2": PASSWORD}
        signed = Client().post("/account/signup/", form)
        answers.append((reset.content, signed.status_code, signed["Location"]))
    assert answers[0] == answers[1]
    told = next(message for message in mail.outbox if "already" in message.subject)
    assert "http://localhost:8000/account/password/reset/" in told.body


@pytest.mark.parametrize("path", ["login", "signup", "password/reset", "confirm-email", "password/reset/done"])
def test_every_page_for_strangers_wears_our_clothes(client: Client, path: str) -> None:
    page = client.get(f"/account/{path}/")
    assert page.status_code == 200
    assert '<main id="main"' in page.content.decode()
    assert "style=" not in page.content.decode()


@pytest.mark.parametrize("path", ["", "tokens/", "email/", "password/change/", "logout/"])
def test_every_page_of_an_account_opens_for_its_owner_alone(client: Client, alice: User, path: str) -> None:
    stranger = client.get(f"/account/{path}")
    assert stranger.status_code == 302
    client.force_login(alice)
    page = client.get(f"/account/{path}")
    assert page.status_code == 200
    assert '<main id="main"' in page.content.decode()


def test_wrong_input_is_told_beside_its_field(client: Client) -> None:
    form = {"username": "-x", "email": "no address", "password1": "short", "password2": "other"}
    page = client.post("/account/signup/", form).content.decode()
    assert page.count('class="errorlist"') >= 3
    assert 'value="no address"' in page
    assert 'value="short"' not in page


def test_A49_signing_out_needs_the_forms_secret(alice: User) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(alice)
    assert strict.post("/account/logout/").status_code == 403
    assert strict.get("/account/").status_code == 200


def test_my_projects_are_listed_with_my_role(client: Client, submit: Any, alice: User, bob: User) -> None:
    submit(alice)
    submit(bob, name="other")
    client.force_login(alice)
    page = client.get("/account/").content.decode()
    assert "/manage/project/roundup/" in page
    assert "other" not in page


def test_a_token_is_shown_once_and_works(client: Client, alice: User, submit: Any) -> None:
    submit(alice)
    client.force_login(alice)
    form = {"name": "laptop", "reach": "some", "actions": ["upload"], "projects": ["roundup"], "lifetime_days": "30"}
    asked = client.post("/account/tokens/", form)
    assert asked["Location"] == "/account/reauthenticate/?next=%2Faccount%2Ftokens%2F"
    assert not Token.objects.filter(name="laptop").exists()
    response = client.post("/account/reauthenticate/", {"password": PASSWORD, "next": "/account/tokens/"})
    shown = re.search(r'<span class="word">(otumat-[^<]+)</span>', response.content.decode())
    assert shown is not None
    assert "no-store" in response["Cache-Control"]
    token = Token.objects.get(name="laptop")
    assert (token.actions, token.projects) == (["upload"], ["roundup"])
    assert token.expires_at is not None
    assert shown[1] not in client.get("/account/tokens/").content.decode()
    who = Client().get("/api/v1/whoami", headers={"Authorization": f"Bearer {shown[1]}"}).json()
    assert (who["user"], who["actions"], who["projects"]) == ("alice", ["upload"], ["roundup"])


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": ""},
        {"reach": "some"},
        {"reach": "some", "actions": ["fly"]},
        {"projects": ["of-somebody-else"]},
        {"lifetime_days": "100000"},
    ],
)
def test_a_token_form_with_a_mistake_makes_none(
    client: Client, alice: User, submit: Any, wrong: dict[str, Any]
) -> None:
    submit(alice)
    made_before = Token.objects.count()
    client.force_login(alice)
    form = {"name": "laptop", "reach": "everything", "lifetime_days": "", **wrong}
    client.post("/account/reauthenticate/", {"password": PASSWORD})
    response = client.post("/account/tokens/", form)
    assert response.status_code == 400
    assert 'class="errorlist"' in response.content.decode()
    assert Token.objects.count() == made_before


def test_A45_nobody_revokes_the_token_of_another(client: Client, alice: User, bob: User, token_of: Any) -> None:
    token_of(alice)
    token = Token.objects.get()
    client.force_login(bob)
    assert client.post(f"/account/tokens/{token.pk}/revoke").status_code == 404
    client.force_login(alice)
    assert client.get(f"/account/tokens/{token.pk}/revoke").status_code == 405
    assert client.post(f"/account/tokens/{token.pk}/revoke").status_code == 302
    assert not Token.objects.exists()


def test_the_first_admin_comes_by_a_link_that_works_once(client: Client) -> None:
    secret = actions.offer_first_admin(at=timezone.now())
    path = f"/account/first-admin/{secret}/"
    assert client.get(path).status_code == 200
    form = {"name": "dora", "email": "dora@example.org", "password": PASSWORD, "again": PASSWORD}
    wrong = client.post(path, {**form, "name": "-", "password": "password12", "again": "password12"})
    assert wrong.status_code == 400
    assert wrong.content.decode().count('class="errorlist"') == 2
    assert client.post(path, form)["Location"] == "/account/"
    assert User.objects.get().is_superuser
    assert "admin of this index" in client.get("/account/").content.decode()
    for again in (client.get(path), client.post(path, form), client.get("/account/first-admin/guessed/")):
        assert again.status_code == 404
    assert Entry.objects.filter(action="user.create").count() == 1


def test_account_pages_ask_few_questions(
    client: Client,
    submit: Any,
    token_of: Callable[..., str],
    alice: User,
    now: datetime,
    django_assert_num_queries: Any,
) -> None:
    for number in range(5):
        submit(alice, name=f"project-{number}")
    assert Project.objects.count() == 5
    assert of_user(alice, "session").is_known
    client.force_login(alice)
    for path, queries in (("/account/", 5), ("/account/tokens/", 4)):
        with django_assert_num_queries(queries):
            client.get(path)
