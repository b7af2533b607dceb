"""Choosing what mail one gets, by page and by API."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from otumat_index.accounts.models import MailPreference, User
from otumat_index.journal.models import Entry
from otumat_index.publish.models import Project

pytestmark = pytest.mark.django_db
JSON = {"content_type": "application/json"}
BACKEND = "allauth.account.auth_backends.AuthenticationBackend"


def said() -> list[tuple[str, str]]:
    return sorted(MailPreference.objects.values_list("topic", "level"))


def test_the_page_shows_my_projects_and_keeps_my_choice(alice: User, bob: User, submit: Any, client: Client) -> None:
    submit(alice)
    submit(bob, name="bobs-own")
    client.force_login(alice, backend=BACKEND)
    page = client.get("/account/mail/").content.decode()
    assert "roundup" in page
    assert "bobs-own" not in page
    assert client.post("/account/mail/", {"topic": "", "level": "others"}).status_code == 302
    assert client.post("/account/mail/", {"topic": "roundup", "level": "none"}).status_code == 302
    assert said() == [("", "others"), ("roundup", "none")]
    assert client.post("/account/mail/", {"topic": "roundup", "level": "default"}).status_code == 302
    assert said() == [("", "others")]


@pytest.mark.parametrize(
    "form",
    [{"topic": "bobs-own", "level": "none"}, {"topic": "", "level": "loud"}, {"topic": "", "level": "default"}, {}],
)
def test_what_cannot_be_chosen_changes_nothing(
    alice: User, bob: User, submit: Any, client: Client, form: dict[str, str]
) -> None:
    submit(bob, name="bobs-own")
    client.force_login(alice, backend=BACKEND)
    assert client.post("/account/mail/", form).status_code == 400
    assert said() == []
    assert not Entry.objects.filter(action="mail.preference").exists()


def test_nobody_chooses_without_signing_in(client: Client) -> None:
    assert client.get("/account/mail/").status_code == 302
    assert client.post("/account/mail/", {"topic": "", "level": "none"})["Location"].startswith("/account/login/")


def test_the_api_does_the_same(alice: User, submit: Any, client: Client, auth: Any) -> None:
    submit(alice)
    headers = auth(alice)
    path = "/api/v1/project/Round.Up/notifications".replace("Round.Up", "ROUNDUP")
    assert client.get(path, headers=headers).json() == {"level": "default", "default": "all"}
    assert client.put(path, {"level": "none"}, headers=headers, **JSON).json()["level"] == "none"
    assert client.put("/api/v1/notifications", {"level": "others"}, headers=headers, **JSON).status_code == 200
    assert client.get("/api/v1/notifications", headers=headers).json() == {
        "level": "others",
        "projects": {"roundup": "none"},
    }
    refused = client.put(path, {"level": "loud"}, headers=headers, **JSON)
    assert refused.status_code == 400
    assert "'loud' is no amount of mail." in refused.content.decode()
    assert client.get(path, headers=auth(alice, projects=["other"])).status_code == 403


def test_A86_a_hidden_project_and_a_missing_one_have_no_preference(
    alice: User, bob: User, submit: Any, client: Client, auth: Any
) -> None:
    submit(alice)
    Project.objects.update(is_private=True)
    for name in ("roundup", "missing"):
        answer = client.put(f"/api/v1/project/{name}/notifications", {"level": "none"}, headers=auth(bob), **JSON)
        assert answer.status_code == 404
    assert said() == []
