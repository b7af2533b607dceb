"""Route 1 and the device grant: a person answers, and the copy gets its tokens."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from django.test import Client
from django.utils import timezone

from harness.consent import DEVICE, LINK, REDIRECT, VERIFIER
from otumat_index.accounts.models import User
from otumat_index.journal.actor import command
from otumat_index.publish import actions as publish
from otumat_index.publish.models import Project
from otumat_index.usage.actions import enrolments
from otumat_index.usage.actions.installs import open_project
from otumat_index.usage.models import Enrolment, Install, Manifest

pytestmark = pytest.mark.django_db(databases="__all__")
GRANT = "urn:ietf:params:oauth:grant-type:device_code"
HTML = {"Accept": "text/html"}


def said(client: Client, answer: str, **more: str) -> dict[str, str]:
    """Answer on the consent page: what its redirect carries."""
    form = {**LINK, "answer": answer, **more}
    response = client.post("/api/usage-install", form, **FORM)
    assert response.status_code == 303, response.content
    assert response["Location"].startswith(f"{REDIRECT}?")
    return dict(parse_qsl(urlsplit(response["Location"]).query))


FORM: dict[str, Any] = {"headers": HTML}


@pytest.fixture(autouse=True)
def _forms_as_browsers_send_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """Django's client sends multipart; a browser's plain form is url-encoded."""
    from urllib.parse import urlencode

    plain = Client.post

    def post(self: Client, path: str, data: Any = None, **more: Any) -> Any:
        if isinstance(data, dict) and "content_type" not in more and path != "/legacy/":
            return plain(self, path, urlencode(data), content_type="application/x-www-form-urlencoded", **more)
        return plain(self, path, data, **more)

    monkeypatch.setattr(Client, "post", post)


def exchange(client: Client, code: str, **more: str) -> Any:
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": REDIRECT, "code_verifier": VERIFIER}
    return client.post("/auth/token", {**form, "client_id": "otumat-usage", **more})


def test_the_page_says_who_asks_what_and_how_to_undo_it(project: Any, client: Client) -> None:
    page = client.get("/user/usage-install", LINK, headers=HTML)
    text = page.content.decode()
    assert page.status_code == 200
    for words in ("To learn which features are used.", "How often data are read.", "mysql", "otumat usage erase"):
        assert words in text
    assert "form-action 'self' http://127.0.0.1:49152" in page["Content-Security-Policy"]


def test_a_link_that_was_cut_is_told_once_with_the_way_to_another(project: Any, client: Client) -> None:
    for sent in ({}, {"response_type": "code"}):
        page = client.get("/user/usage-install", sent, headers=HTML)
        text = page.content.decode()
        assert page.status_code == 400
        assert "otumat usage on PACKAGE --browser" in text
        assert text.count("<li><strong>") == 1
        assert ("client_id" in text, "malformed" in text) == (True, False)
    wrong = client.get("/user/usage-install", {**LINK, "state": "short"}, headers=HTML).content.decode()
    assert "state is malformed." in wrong


def test_a_yes_gives_a_code_that_gives_tokens_once(project: Any, client: Client) -> None:
    told = said(client, "yes")
    assert (told["state"], told["iss"]) == (LINK["state"], "http://localhost:8000")
    answer = exchange(client, told["code"])
    assert answer.status_code == 200, answer.content
    assert Install.objects.get().name == answer.json()["install"]
    assert exchange(client, told["code"]).json()["error"] == "invalid_grant"
    refresh = {"grant_type": "refresh_token", "refresh_token": answer.json()["refresh_token"]}
    again = client.post("/auth/token", {**refresh, "client_id": "otumat-usage"})
    assert again.json()["error"] == "invalid_grant"  # RFC 6749, 4.1.2: who used it twice ended it


@pytest.mark.parametrize("way", ["link", "code"])
def test_what_is_kept_of_a_yes_is_what_the_page_showed(project: Project, client: Client, way: str) -> None:
    """A program may ask for a manifest that this index has never seen; its person saw, and answered, another."""
    unseen = "sha256:" + "0" * 64
    if way == "link":
        page = client.get("/user/usage-install", {**LINK, "manifest": unseen}, headers=HTML).content.decode()
        form = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', page))
        told = client.post("/api/usage-install", {**form, "answer": "yes"}, **FORM)
        assert exchange(client, dict(parse_qsl(urlsplit(told["Location"]).query))["code"]).status_code == 200
    else:
        asked = client.post("/oauth/device", {**DEVICE, "manifest": unseen}).json()
        client.post("/device", {"user_code": asked["user_code"], "answer": "yes"}, **FORM)
        poll = {"grant_type": GRANT, "device_code": asked["device_code"], "client_id": "otumat-usage"}
        assert client.post("/auth/token", poll).status_code == 200
    assert Install.objects.get().manifest == Manifest.objects.get().digest


def test_a_no_is_told_and_makes_nothing(project: Any, client: Client) -> None:
    assert said(client, "no")["error"] == "access_denied"
    assert not Enrolment.objects.exists()


@pytest.mark.parametrize(
    "wrong",
    [
        {"code_verifier": "w" * 43},
        {"code_verifier": ""},
        {"redirect_uri": REDIRECT.replace("49152", "49153")},
        {"code": "unknown"},
        {"client_id": "else"},
    ],
)
def test_a_code_is_good_for_who_asked_alone(project: Any, client: Client, wrong: dict[str, str]) -> None:
    code = said(client, "yes")["code"]
    assert exchange(client, wrong.get("code", code), **{k: v for k, v in wrong.items() if k != "code"}).status_code in (
        400,
        401,
    )
    assert not Install.objects.exists()


def test_a_code_is_good_for_ten_minutes(project: Any, client: Client) -> None:
    code = said(client, "yes")["code"]
    Enrolment.objects.update(expires_at=timezone.now())
    assert exchange(client, code).json()["error"] == "invalid_grant"


@pytest.mark.parametrize(
    "wrong",
    [
        {"redirect_uri": "https://evil.example.org/usage-consented"},
        {"redirect_uri": "http://127.0.0.1.evil.example.org:1/usage-consented"},
        {"redirect_uri": "http://localhost:49152/usage-consented"},
        {"redirect_uri": "http://127.0.0.1:49152/elsewhere"},
        {"redirect_uri": "http://127.0.0.1:49152/usage-consented?x=1"},
        {"code_challenge_method": "plain"},
        {"code_challenge": ""},
        {"state": ""},
        {"client_id": "else"},
        {"response_type": "token"},
    ],
)
def test_A90_a_link_that_leads_elsewhere_leads_nowhere(project: Any, client: Client, wrong: dict[str, str]) -> None:
    for answer in (
        client.get("/user/usage-install", {**LINK, **wrong}, headers=HTML),
        client.post("/api/usage-install", {**LINK, **wrong, "answer": "yes"}, headers=HTML),
    ):
        assert answer.status_code == 400
        assert "Location" not in answer
    assert not Enrolment.objects.exists()


def test_the_answer_of_another_site_is_not_taken(project: Any) -> None:
    strict = Client(enforce_csrf_checks=True)
    assert strict.post("/api/usage-install", {**LINK, "answer": "yes"}, headers=HTML).status_code == 403
    page = strict.get("/user/usage-install", LINK, headers=HTML).content.decode()
    found = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page)
    assert found is not None
    sent = {**LINK, "answer": "no", "csrfmiddlewaretoken": found[1]}
    assert strict.post("/api/usage-install", sent, headers=HTML).status_code == 303


def sign_in(client: Client, user: User) -> None:
    client.force_login(user, backend="allauth.account.auth_backends.AuthenticationBackend")


def test_a_copy_is_linked_to_an_account_only_if_its_person_says_so(project: Any, client: Client, charlie: User) -> None:
    sign_in(client, charlie)
    for link, user in (("", None), ("yes", charlie)):
        Install.objects.all().delete()
        assert exchange(client, said(client, "yes", link=link)["code"]).status_code == 200
        assert Install.objects.get().user == user


def test_a_project_that_wants_a_person_sends_strangers_to_sign_in(
    upload: Any, wheel: Any, alice: User, charlie: User, client: Client
) -> None:
    manifest = b'project = "roundup"\npurpose = "x"\naccount = "required"\n'
    upload(alice, wheel(members={"roundup/otumat-usage.toml": manifest}))
    assert client.get("/user/usage-install", LINK, headers=HTML)["Location"].startswith("/account/login/")
    assert client.post("/api/usage-install", {**LINK, "answer": "yes"}, headers=HTML).status_code == 403
    sign_in(client, charlie)
    assert exchange(client, said(client, "yes", link="yes")["code"]).status_code == 200


def test_a_private_project_asks_holders_of_a_role_alone(
    project: Any, client: Client, alice: User, charlie: User, now: Any
) -> None:
    publish.set_visibility(project, is_private=True, by=command(), at=now)
    for user, status in ((None, 404), (charlie, 404), (alice, 200)):
        if user:
            sign_in(client, user)
        assert client.get("/user/usage-install", LINK, headers=HTML).status_code == status


def device(client: Client) -> dict[str, Any]:
    answer = client.post("/oauth/device", DEVICE)
    assert answer.status_code == 200, answer.content
    told: dict[str, Any] = answer.json()
    return told


def poll(client: Client, told: dict[str, Any]) -> Any:
    Enrolment.objects.update(polled_at=timezone.now() - timedelta(seconds=60))
    return hasty_poll(client, told)


def hasty_poll(client: Client, told: dict[str, Any]) -> Any:
    form = {"grant_type": GRANT, "device_code": told["device_code"], "client_id": "otumat-usage"}
    return client.post("/auth/token", form)


def test_a_device_waits_until_somebody_says_yes(project: Any, client: Client) -> None:
    told = device(client)
    assert re.fullmatch(r"[B-DF-HJ-NP-TV-XZ]{4}-[B-DF-HJ-NP-TV-XZ]{4}", told["user_code"])
    assert poll(client, told).json()["error"] == "authorization_pending"
    typed = told["user_code"].lower().replace("-", " ")
    page = client.get("/device", {"user_code": typed}, headers=HTML).content.decode()
    assert "To learn which features are used." in page
    assert "Say yes only if it is a program that you started yourself" in page
    assert client.post("/device", {"user_code": typed, "answer": "yes"}, headers=HTML).status_code == 200
    assert poll(client, told).json()["install"] == Install.objects.get().name
    assert poll(client, told).json()["error"] == "expired_token"


def test_a_device_is_told_a_no_and_its_end(project: Any, client: Client) -> None:
    told = device(client)
    client.post("/device", {"user_code": told["user_code"], "answer": "no"}, headers=HTML)
    assert poll(client, told).json()["error"] == "access_denied"
    other = device(client)
    Enrolment.objects.update(expires_at=timezone.now())
    assert poll(client, other).json()["error"] == "expired_token"
    assert not Install.objects.exists()


def test_who_answers_a_code_second_is_told_that_it_was_answered(
    project: Any, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A yes must not hear that it counts when a no came between its look and its word."""
    told = device(client)

    def overtaken(*args: Any, **words: Any) -> Any:
        Enrolment.objects.update(state=Enrolment.State.DENIED)
        return open_project(*args, **words)

    monkeypatch.setattr(enrolments, "open_project", overtaken)
    late = client.post("/device", {"user_code": told["user_code"], "answer": "yes"}, headers=HTML)
    assert late.status_code == 404
    assert poll(client, told).json()["error"] == "access_denied"


def test_who_polls_too_soon_is_slowed_down_for_good(project: Any, client: Client) -> None:
    told = device(client)
    assert [hasty_poll(client, told).json()["error"] for _ in range(3)] == [
        "authorization_pending",
        "slow_down",
        "slow_down",
    ]
    assert Enrolment.objects.get().interval_s == 15


def test_codes_cannot_be_guessed_at_leisure(project: Any, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    from otumat_index.usage import limits
    from otumat_index.web.pace import Pace

    monkeypatch.setattr(limits, "GUESSES", Pace(at_once=3, per_s=0.01))
    guess = {"user_code": "BBBB-BBBB"}
    found = [client.get("/device", guess, headers=HTML, REMOTE_ADDR=f"2001:db8::{n}").status_code for n in range(1, 6)]
    assert found == [404, 404, 404, 429, 429]  # though every one came from another address of that customer


def test_the_page_for_a_code_asks_for_one(client: Client) -> None:
    assert "Enter a code" in client.get("/device", headers=HTML).content.decode()


def test_a_revoked_token_ends_its_family(copy: Any, today: str) -> None:
    one = copy()
    assert one.client.post("/oauth/revoke", {"token": one.told["refresh_token"]}).status_code == 200
    assert one.refresh(one.told["refresh_token"]).status_code == 400
    assert one.send(one.batch([today, "import", {}, 1])).status_code == 401
