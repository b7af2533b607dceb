"""The draft's `user` and `password_reminder`, and the same from the web; and that strangers learn nothing."""

from __future__ import annotations

import base64
import dataclasses
from datetime import timedelta
from typing import Any

import pytest
from allauth.account.models import EmailAddress, EmailConfirmation
from django.contrib.auth.hashers import Argon2PasswordHasher
from django.core import mail
from django.test import Client
from django.utils import timezone

from harness.registering import DANA, JSON, NEW, links, post
from otumat_index.accounts import limits
from otumat_index.accounts.models import User
from otumat_index.journal.models import Entry

pytestmark = pytest.mark.django_db
PASSWORD = "correct horse battery"


def basic(name: str, password: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()}


@pytest.fixture
def hashed(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How often argon2 was run; it runs all the same."""
    count = [0]
    whole, verified = Argon2PasswordHasher.encode, Argon2PasswordHasher.verify

    def encode(self: Any, *args: Any) -> str:
        count[0] += 1
        return whole(self, *args)

    def verify(self: Any, *args: Any) -> bool:
        count[0] += 1
        return bool(verified(self, *args))

    monkeypatch.setattr(Argon2PasswordHasher, "encode", encode)
    monkeypatch.setattr(Argon2PasswordHasher, "verify", verify)
    return count


# Three steps.


@pytest.mark.parametrize(
    ("path", "more"), [("/user", {}), ("/legacy/", {":action": "user"}), ("/pypi", {":action": "user"})]
)
def test_D30_a_stranger_registers_in_three_steps(path: str, more: dict[str, str]) -> None:
    answer = post(path, {**DANA, **more})
    assert (answer.status_code, answer.json()["action"], answer.json()["name"]) == (200, "registered", "dana")
    assert mail.outbox[0].to == ["dana@example.org"]
    waiting = Client().get("/api/v1/whoami", headers=basic("dana", NEW))
    assert (waiting.status_code, waiting.json()["error"]["code"]) == (403, "unconfirmed")

    link = links()[0]
    key = link.rstrip("/").rpartition("/")[2]
    assert len(key) == 64  # far more than 128 bits
    assert "dana@example.org" in Client().get(link).content.decode()  # opening it does nothing yet
    assert not EmailAddress.objects.get().verified
    assert Client().post(link).status_code == 302
    who = Client().get("/api/v1/whoami", headers=basic("dana", NEW)).json()
    assert (who["user"], who["confirmed"], who["second_factor"]) == ("dana", True, False)
    assert list(Entry.objects.values_list("action", flat=True)) == ["user.create", "user.confirm"]


def test_D30_A40_a_link_works_once_expires_and_cannot_be_guessed() -> None:
    post("/user", DANA)
    link = links()[0]
    for wrong in (link.replace(link[-10:-1], "a" * 9), "/account/confirm-email/x/", "/account/confirm-email/%00/"):
        assert Client().post(wrong).status_code == 404
    EmailConfirmation.objects.update(sent=timezone.now() - timedelta(days=2, minutes=1))
    assert Client().post(link).status_code == 404
    EmailConfirmation.objects.update(sent=timezone.now())
    assert Client().post(link).status_code == 302
    assert Client().post(link).status_code == 404
    assert not EmailConfirmation.objects.exists()


def test_A39_a_link_dies_when_another_address_is_given(alice: User) -> None:
    update = {"name": "alice", "password": NEW, "confirm": NEW}
    assert post("/user", {**update, "email": "one@example.org"}, **basic("alice", PASSWORD)).status_code == 200
    first = links()[0]
    assert post("/user", {**update, "email": "two@example.org"}, **basic("alice", NEW)).status_code == 200
    assert Client().post(first).status_code == 404
    assert Client().post(links()[0]).status_code == 302
    assert list(EmailAddress.objects.filter(user=alice).values_list("email", "verified", "primary")) == [
        ("two@example.org", True, True)
    ]


@pytest.mark.parametrize("missing", ["name", "password", "confirm", "email"])
def test_D26_each_field_is_needed(missing: str) -> None:
    answer = post("/user", {**DANA, missing: ""})
    assert answer.status_code == 400
    assert missing in {problem["field"] for problem in answer.json()["problems"]}
    assert not User.objects.exists()


def test_everything_wrong_is_told_at_once() -> None:
    answer = post("/user", {"name": "-x", "password": "short", "confirm": "other", "email": "nowhere"})
    assert answer.status_code == 400
    assert {problem["field"] for problem in answer.json()["problems"]} == {"name", "password", "confirm", "email"}
    assert "short" not in answer.content.decode().replace("characters", "")
    assert post("/user", {}).status_code == 400


@pytest.mark.parametrize(
    "password", ["short", "password123", "Football!!", "dana@example.org", "1234567890", "x" * 1001]
)
def test_A74_weak_and_endless_passwords_are_refused_with_advice(password: str) -> None:
    answer = post("/user", {**DANA, "password": password, "confirm": password})
    assert answer.status_code == 400
    assert "password" in {problem["field"] for problem in answer.json()["problems"]}
    assert not User.objects.exists()


@pytest.mark.parametrize("name", ["name", "password", "confirm", "email"])
def test_text_no_database_takes_is_no_error_of_ours(name: str) -> None:
    assert post("/user", {**DANA, name: "a\0b"}).status_code == 400
    assert post("/password_reminder", {name: "a\0b"}).status_code == 400


def test_D37_no_password_is_taken_over_plain_http_where_that_is_refused(settings: Any) -> None:
    settings.CONFIG = dataclasses.replace(settings.CONFIG, require_https=True)
    assert post("/user", DANA).json()["error"]["code"] == "https_required"


def test_sign_up_can_be_closed(settings: Any) -> None:
    settings.CONFIG = dataclasses.replace(settings.CONFIG, sign_up=False)
    answer = post("/user", DANA)
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "sign_up_closed")
    assert not User.objects.exists()


# Existing users.


def test_D28_an_existing_user_changes_password_and_address(alice: User) -> None:
    session = Client()
    session.force_login(alice)
    token_free = Entry.objects.count()
    form = {"name": "Alice", "password": NEW, "confirm": NEW, "email": "alice@example.com"}
    answer = post("/user", form, **basic("alice", PASSWORD))
    assert (answer.status_code, answer.json()["action"]) == (200, "updated")
    alice.refresh_from_db()
    assert alice.check_password(NEW)
    assert alice.email == "alice@example.org"  # until the new one is confirmed
    assert session.get("/account/").status_code == 302  # A50: every session ended
    assert Client().post(links()[0]).status_code == 302
    alice.refresh_from_db()
    assert alice.email == "alice@example.com"
    rows = list(Entry.objects.order_by("serial").values_list("action", "actor", "data"))[token_free:]
    assert [row[:2] for row in rows] == [("user.password", "alice"), ("user.address", "alice"), ("user.email", "alice")]
    assert rows[2][2] == {"old": "alice@example.org", "new": "alice@example.com"}


@pytest.mark.parametrize(
    "header", [{}, basic("alice", "wrong"), basic("bob", PASSWORD), {"Authorization": "Basic !!!"}]
)
@pytest.mark.parametrize("path", ["/user", "/legacy/"])
def test_D29_without_valid_credentials_the_login_is_taken(
    alice: User, bob: User, header: dict[str, str], path: str
) -> None:
    before = list(User.objects.order_by("pk").values_list("username", "password", "email"))
    form = {**DANA, "name": "ALICE", ":action": "user"}
    answer = post(path, form, **header)
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "login_taken")
    assert list(User.objects.order_by("pk").values_list("username", "password", "email")) == before
    assert mail.outbox == []


def test_a_token_changes_no_password(alice: User, auth: Any) -> None:
    answer = post("/user", {**DANA, "name": "alice"}, **auth(alice))
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "token_scope")
    alice.refresh_from_db()
    assert alice.check_password(PASSWORD)


def test_a_mistyped_address_is_mended_before_it_was_confirmed() -> None:
    post("/user", {**DANA, "email": "dama@example.org"})
    first = links()[0]
    assert post("/user", DANA, **basic("dana", NEW)).json()["action"] == "updated"
    assert Client().post(first).status_code == 404
    assert Client().post(links()[0]).status_code == 302
    assert EmailAddress.objects.get().email == "dana@example.org"


def test_a_login_never_confirmed_is_free_again_once_its_link_has_expired(alice: User) -> None:
    post("/user", DANA)
    assert post("/user", {**DANA, "email": "other@example.org"}).status_code == 409
    User.objects.update(date_joined=timezone.now() - timedelta(days=3))
    assert post("/user", {**DANA, "email": "other@example.org"}).status_code == 200
    assert User.objects.get(username="dana").email == "other@example.org"
    assert post("/user", {**DANA, "name": "alice"}).status_code == 409  # confirmed ones stay


# Nothing for strangers.


def test_A38_an_address_of_somebody_else_is_not_told_by_answer_work_or_second_try(
    alice: User, hashed: list[int], django_assert_num_queries: Any
) -> None:
    seen = []
    for address in ("alice@example.org", "nobody@example.org"):
        name = f"new-{address[:5].strip('@')}"
        form = {**DANA, "name": name, "email": address}
        hashed[0] = 0
        first = post("/user", form)
        work, again = hashed[0], post("/user", form)
        mailed = [message.to for message in mail.outbox]
        mail.outbox.clear()
        bodies = [each.content.decode().replace(name, "NAME") for each in (first, again)]
        seen.append((bodies, first.status_code, again.status_code, work, mailed == [[address]]))
    assert seen[0] == seen[1]
    assert seen[0][1:] == (200, 409, 1, True)


def test_A38_the_owner_of_the_address_is_told_and_keeps_it(alice: User) -> None:
    post("/user", {**DANA, "email": "Alice@Example.org"})
    assert "already" in mail.outbox[0].subject
    assert links() == ["/account/password/reset/"]
    signed = Client().post("/account/login/", {"login": "dana", "password": NEW})
    assert signed["Location"] == "/account/confirm-email/"
    assert EmailAddress.objects.get(verified=True).user == alice


def test_A38_the_web_form_does_the_same_work_for_known_and_unknown_addresses(alice: User, hashed: list[int]) -> None:
    seen = []
    for number, address in enumerate(("alice@example.org", "nobody@example.org")):
        form = {"username": f"new{number}", "email": address, "password1": NEW, "password2": NEW}
        hashed[0] = 0
        first = Client().post("/account/signup/", form)
        work = hashed[0]
        again = Client().post("/account/signup/", form)
        seen.append((first.status_code, first["Location"], work, again.status_code))
    assert seen == [(302, "/account/confirm-email/", 1, 200)] * 2


def test_A38_a_reminder_says_the_same_to_everybody(alice: User, bob: User) -> None:
    bob.is_active = False
    bob.save()
    known = ({"name": "alice"}, {"email": "alice@example.org"}, {"name": "Alice"}, {"name": "alice@example.org"})
    unknown = ({"name": "nobody"}, {"email": "nobody@example.org"}, {"name": "bob"}, {"email": "b\r\nBcc: x@y.z"})
    answers = {post("/password_reminder", form).content for form in (*known, *unknown)}
    assert len(answers) == 1
    assert [message.to for message in mail.outbox] == [["alice@example.org"]] * 4


def test_A38_what_a_reminder_does_waits_until_after_the_answer(
    alice: User, settings: Any, django_capture_on_commit_callbacks: Any, django_assert_max_num_queries: Any
) -> None:
    settings.LATER = "thread"
    with django_capture_on_commit_callbacks() as later:
        post("/password_reminder", {"name": "alice"})
        post("/password_reminder", {"name": "nobody"})
    assert len(later) == 2
    assert mail.outbox == []


@pytest.mark.parametrize("path", ["/password_reminder", "/legacy/"])
def test_D35_a_reminder_mails_a_link_never_a_password(alice: User, path: str) -> None:
    answer = post(path, {"name": "alice", ":action": "password_reset"})
    assert (answer.status_code, answer.json()["action"]) == (200, "reminded")
    body = str(mail.outbox[0].body)
    assert PASSWORD not in body
    assert alice.password not in body
    assert links()[0].startswith("/account/password/reset/key/")


def test_D35_an_account_that_waits_for_its_confirmation_gets_that_link_again() -> None:
    post("/user", DANA)
    post("/password_reminder", {"email": "dana@example.org"})
    assert links()[0].startswith("/account/confirm-email/")


@pytest.mark.parametrize("change", ["used", "password", "login", "address", "expired"])
def test_A39_a_reset_link_dies_with(alice: User, change: str, settings: Any) -> None:
    post("/password_reminder", {"name": "alice"})
    link = links()[0]
    new = {"password1": NEW, "password2": NEW}
    if change == "used":
        client = Client()
        client.post(client.get(link, follow=True).redirect_chain[-1][0], new)
    elif change == "password":
        alice.set_password("something else entirely")
        alice.save()
    elif change == "login":
        Client().post("/account/login/", {"login": "alice", "password": PASSWORD})
    elif change == "address":
        post(
            "/user", {"name": "alice", "password": NEW, "confirm": NEW, "email": "x@y.org"}, **basic("alice", PASSWORD)
        )
        Client().post(links()[0])
    else:
        settings.PASSWORD_RESET_TIMEOUT = -1
    assert "expired or was used before" in Client().get(link, follow=True).content.decode()


def test_A53_no_link_goes_to_a_domain_that_changed_hands(alice: User, settings: Any) -> None:
    settings.CONFIG = dataclasses.replace(settings.CONFIG, lost_domains="lost.example, Example.ORG")
    assert post("/password_reminder", {"name": "alice"}).status_code == 200
    assert post("/user", {**DANA, "email": "dana@mail.example.org"}).status_code == 200
    assert mail.outbox == []


# Limits.


def test_A38_mail_about_one_account_is_limited_alike_for_known_and_unknown(alice: User) -> None:
    for name in ("alice", "nobody"):
        answers = [post("/password_reminder", {"name": name}, **{"X-Forwarded-For": "1.2.3.4"}) for _ in range(7)]
        assert [answer.status_code for answer in answers] == [200] * 5 + [429] * 2
        assert answers[-1].json()["error"]["code"] == "too_many"
    assert len(mail.outbox) == 5


def test_plus_tags_reach_one_mailbox_and_count_as_one(alice: User) -> None:
    codes = [post("/user", {**DANA, "name": f"d{n}", "email": f"d+{n}@example.org"}).status_code for n in range(7)]
    assert codes == [200] * 5 + [429] * 2


def test_one_client_asks_twenty_times_an_hour() -> None:
    codes = [post("/password_reminder", {"name": f"n{n}"}).status_code for n in range(22)]
    assert codes == [200] * 20 + [429] * 2


def test_all_mail_with_links_is_limited_together(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(limits.LIMITS, "everybody", "2/h/key")
    for n in range(4):
        post("/user", {**DANA, "name": f"d{n}", "email": f"d{n}@example.org"})
    assert len(mail.outbox) == 2


def test_A70_a_long_form_of_a_stranger_is_not_read() -> None:
    assert post("/user", {**DANA, "more": "x" * 30_000}).status_code == 413


@pytest.mark.parametrize("path", ["/user", "/password_reminder"])
def test_A49_a_cookie_is_nobody_here(alice: User, path: str) -> None:
    client = Client()
    client.force_login(alice)
    assert client.get(path).status_code == 405
    answer = client.post(path, {**DANA, "name": "alice"}, headers=JSON)
    assert answer.status_code == (409 if path == "/user" else 200)
