"""Who is behind a request: passwords, tokens, and what neither tells (A38, A41, A44, A48)."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.hashers import Argon2PasswordHasher
from django.test import Client
from django.utils import timezone

from otumat.errors import Conflict, Invalid, Refused
from otumat_index.accounts import actions, credentials, rules
from otumat_index.accounts.models import Token, User
from otumat_index.accounts.passwords import RecentlyChecked
from otumat_index.journal.actor import Actor, command
from otumat_index.journal.models import Entry
from otumat_index.publish.models import Project

pytestmark = pytest.mark.django_db
PASSWORD = "correct horse battery"
WHOAMI = "/api/v1/whoami"


def basic(name: str, password: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()}


@pytest.fixture(autouse=True)
def _no_password_is_remembered() -> Iterator[None]:
    credentials.RECENT.entries.clear()
    yield
    credentials.RECENT.entries.clear()


@pytest.fixture
def frozen(charlie: User) -> User:
    charlie.is_active = False
    charlie.save()
    return charlie


def counted(original: Callable[..., Any], ran: list[str]) -> Callable[..., Any]:
    def run(*args: Any, **words: Any) -> Any:
        ran.append("argon2")
        return original(*args, **words)

    return run


@pytest.fixture
def hashings(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every time argon2 really runs."""
    ran: list[str] = []
    for name in ("encode", "verify"):
        monkeypatch.setattr(Argon2PasswordHasher, name, counted(getattr(Argon2PasswordHasher, name), ran))
    return ran


def test_a_password_and_a_token_say_who_one_is(client: Client, alice: User, token_of: Any) -> None:
    text = token_of(alice)
    for headers in (
        basic("alice", PASSWORD),
        basic("ALICE", PASSWORD),
        basic("alice@example.org", PASSWORD),
        basic("__token__", text),
        basic("alice", text),
        basic("", text),
        {"Authorization": f"Bearer {text}"},
        {"Authorization": f"bearer {text} "},
    ):
        assert client.get(WHOAMI, headers=headers).json()["user"] == "alice"


@pytest.mark.parametrize("accept", ["application/json", "text/html", "*/*"])
def test_A38_unknown_known_frozen_and_privileged_logins_get_one_answer(
    client: Client, alice: User, frozen: User, admin: User, hashings: list[str], accept: str
) -> None:
    answers, costs = set(), []
    for name, password in (
        ("nobody", "wrong wrong"),
        ("alice", "wrong wrong"),
        ("dora", "wrong wrong"),
        ("charlie", "wrong wrong"),
        ("charlie", PASSWORD),
    ):
        hashings.clear()
        response = client.get("/simple/absent/", headers={"Accept": accept, **basic(name, password)})
        answers.add((response.status_code, response.content, response.reason_phrase, response["WWW-Authenticate"]))
        costs.append(len(hashings))
    assert len(answers) == 1
    assert costs == [1] * 5  # argon2 runs once, for unknown names as well: the time tells nothing


def test_A38_an_account_without_password_costs_the_same(client: Client, alice: User, hashings: list[str]) -> None:
    alice.set_unusable_password()
    alice.save()
    hashings.clear()
    assert client.get(WHOAMI, headers=basic("alice", PASSWORD)).status_code == 401
    assert len(hashings) == 1


def test_only_the_right_password_tells_that_an_account_is_not_confirmed(client: Client, alice: User) -> None:
    alice.emailaddress_set.update(verified=False)  # type: ignore[attr-defined]
    assert client.get(WHOAMI, headers=basic("alice", "wrong wrong")).status_code == 401
    response = client.get(WHOAMI, headers=basic("alice", PASSWORD))
    assert (response.status_code, response.json()["error"]["code"]) == (403, "unconfirmed")


def test_a_password_just_checked_is_not_hashed_again_until_it_changes(
    client: Client, alice: User, hashings: list[str]
) -> None:
    for _ in range(3):
        assert client.get(WHOAMI, headers=basic("alice", PASSWORD)).status_code == 200
    assert len(hashings) == 1
    alice.set_password("another horse battery")
    alice.save()
    assert client.get(WHOAMI, headers=basic("alice", PASSWORD)).status_code == 401
    alice.is_active = False
    alice.save()
    assert client.get(WHOAMI, headers=basic("alice", "another horse battery")).status_code == 401


def test_what_is_remembered_holds_no_password_and_is_bounded() -> None:
    memory = RecentlyChecked(kept_s=60, most=10)
    for n in range(100):
        memory.remember(f"user{n}", PASSWORD, "stored")
    assert len(memory.entries) <= 10
    assert all(PASSWORD.encode() not in key for key in memory.entries)
    expired = RecentlyChecked(kept_s=-1)
    expired.remember("alice", PASSWORD, "stored")
    assert not expired.knows("alice", PASSWORD, "stored")


@pytest.mark.parametrize(
    "header",
    [
        "Basic",
        "Basic ",
        "Basic !!!",
        "Basic YWxpY2U=",  # no colon
        "Basic " + base64.b64encode(b"\xff\xfe:x").decode(),
        "Basic " + base64.b64encode(b"al\0ice:x").decode(),
        "Basic " + base64.b64encode(b"alice:x\r\ny").decode(),
        "Basic " + base64.b64encode(b"a" * 300 + b":x").decode(),
        "Basic " + base64.b64encode(b"alice:" + b"x" * 4096).decode(),  # A74
        "Basic " + "A" * 100_000,
        "Bearer",
        "Bearer otumat-x",
        "Bearer " + "x" * 10_000,
        "Digest username=alice",
        "Token abc",
        "\x7f",
    ],
)
@pytest.mark.parametrize("method", ["get", "post"])
def test_headers_that_say_nothing_are_nobody(client: Client, alice: User, header: str, method: str) -> None:
    path = WHOAMI if method == "get" else "/submit"
    response = getattr(client, method)(path, headers={"Authorization": header})
    assert response.status_code == 401
    assert response["WWW-Authenticate"] == 'Basic realm="Otumat", charset="UTF-8"'


def test_A41_a_guesser_is_locked_out_and_nobody_else(client: Client, alice: User, bob: User, token_of: Any) -> None:
    text = token_of(alice)
    spellings = ["alice", "ALICE", "Alice", "aLiCe"]
    for n in range(12):
        response = client.get(WHOAMI, headers=basic(spellings[n % 4], f"guess number {n}"))
    assert (response.status_code, response.json()["error"]["code"]) == (429, "locked_out")
    # The right password does not help the guesser, from that address; a token, another person, another address do.
    assert client.get(WHOAMI, headers=basic("alice", PASSWORD)).status_code == 429
    assert client.get(WHOAMI, headers=basic("__token__", text)).status_code == 200
    assert client.get(WHOAMI, headers=basic("bob", PASSWORD)).status_code == 200
    assert client.get(WHOAMI, headers=basic("alice", PASSWORD), REMOTE_ADDR="203.0.113.9").status_code == 200


def test_A89_failed_logins_keep_nothing_of_what_was_posted(client: Client, alice: User) -> None:
    from axes.models import AccessAttempt

    form = {"name": "roundup", "version": "1.0", "description": "private thoughts"}
    client.post("/submit?secret=in-query", form, headers=basic("alice", "wrong wrong"))
    attempt = AccessAttempt.objects.get()
    kept = " ".join(str(value) for value in vars(attempt).values())
    assert "private thoughts" not in kept
    assert "wrong wrong" not in kept
    assert "in-query" not in kept


# Tokens.


@pytest.mark.parametrize("reason", ["revoked", "expired", "inactive", "deleted", "mistyped", "cut"])
def test_A44_a_token_that_does_not_hold_is_nobody(
    client: Client, alice: User, token_of: Any, now: Any, reason: str
) -> None:
    text = token_of(alice)
    token = Token.objects.get()
    if reason == "revoked":
        actions.revoke_token(alice, token.pk, by=credentials.of_user(alice, "session"), at=now)
    elif reason == "expired":
        Token.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    elif reason == "inactive":
        User.objects.update(is_active=False)
    elif reason == "deleted":
        alice.delete()
    elif reason == "mistyped":
        text = text[:-1] + ("0" if text[-1] != "0" else "1")
    else:
        text = text[:-9]
    for headers in (basic("__token__", text), basic("alice", text), {"Authorization": f"Bearer {text}"}):
        response = client.get(WHOAMI, headers=headers)
        assert response.status_code == 401
        assert text not in response.content.decode()


def test_A44_a_token_is_kept_as_its_digest_alone(alice: User, token_of: Any) -> None:
    text = token_of(alice)
    token = Token.objects.get()
    kept = [str(value) for value in vars(token).values()]
    assert token.sha256 == rules.digest(text)
    assert text not in kept
    assert text.startswith(token.hint)
    assert len(token.hint) <= len(rules.TOKEN_PREFIX) + 4
    assert all(text not in str(row.data) for row in Entry.objects.all())


def test_A44_a_token_limited_to_a_project_reaches_no_other(
    client: Client, alice: User, auth: Any, upload: Any, wheel: Any
) -> None:
    headers = {"Accept": "application/json", **auth(alice, projects=["Round.Up"])}
    assert Token.objects.get().projects == ["round-up"]
    right = client.post("/submit", {"name": "round_up", "version": "1"}, headers=headers)
    assert right.status_code == 200
    wrong = client.post("/submit", {"name": "another", "version": "1"}, headers=headers)
    assert (wrong.status_code, wrong.json()["error"]["code"]) == (403, "token_scope")
    assert Project.objects.count() == 1


@pytest.mark.parametrize("action", rules.ACTIONS)
def test_A44_a_token_limited_to_an_action_does_no_other(
    client: Client, alice: User, auth: Any, submit: Any, wheel: Any, upload: Any, action: str
) -> None:
    upload(alice, wheel())
    headers = {"Accept": "application/json", **auth(alice, actions=[action])}
    asked: dict[str, Callable[[], Any]] = {
        "submit": lambda: client.post("/submit", {"name": "roundup", "version": "2"}, headers=headers),
        "yank": lambda: client.put("/api/v1/project/roundup/1.0/yank", {}, "application/json", headers=headers),
        "manage": lambda: client.put(
            "/api/v1/project/roundup/status", {"status": "archived"}, "application/json", headers=headers
        ),
    }
    for name, ask in asked.items():
        assert ask().status_code == (200 if name == action else 403), name
    assert client.get("/api/v1/tokens", headers=headers).status_code == 403


def test_A44_a_token_opens_no_page_of_the_account(client: Client, alice: User, auth: Any) -> None:
    for path in ("/account/", "/account/tokens/", "/account/email/", "/account/password/change/"):
        response = client.get(path, headers=auth(alice))
        assert response.status_code == 302
        assert "/account/login/" in response["Location"]


def test_A44_an_admins_project_token_is_no_admin(
    client: Client, admin: User, alice: User, auth: Any, submit: Any
) -> None:
    submit(alice)
    headers = auth(admin, projects=["roundup"])
    body = {"status": "quarantined"}
    assert client.get(WHOAMI, headers=headers).json()["admin"] is False
    assert client.put("/api/v1/project/roundup/status", body, "application/json", headers=headers).status_code == 403
    assert (
        client.put("/api/v1/project/roundup/status", body, "application/json", headers=auth(admin)).status_code == 200
    )


def test_A45_a_token_of_somebody_else_cannot_be_revoked(client: Client, alice: User, charlie: User, auth: Any) -> None:
    auth(alice)
    theirs = Token.objects.get()
    assert client.delete(f"/api/v1/tokens/{theirs.pk}", headers=auth(charlie)).status_code == 404
    assert client.delete("/api/v1/tokens/99999999999999999999", headers=auth(charlie)).status_code in (404, 400)
    assert Token.objects.filter(pk=theirs.pk).exists()


def test_A88_making_and_revoking_a_token_leave_one_row_each(client: Client, alice: User) -> None:
    headers = {"Accept": "application/json", **basic("alice", PASSWORD)}
    Entry.objects.all().delete()
    made = client.post("/api/v1/tokens", {"name": "ci"}, "application/json", headers=headers).json()
    assert made["ok"]
    assert client.delete(f"/api/v1/tokens/{made['id']}", headers=headers).status_code == 200
    rows = Entry.objects.order_by("serial")
    assert [(row.action, row.actor, row.credential) for row in rows] == [
        ("token.create", "alice", "password"),
        ("token.revoke", "alice", "password"),
    ]
    assert made["token"] not in str([row.data for row in rows])


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "x" * 101}, "name"),
        ({"name": "nul\0"}, "name"),
        ({"name": "ok", "actions": ["fly"]}, "actions"),
        ({"name": "ok", "actions": []}, "actions"),
        ({"name": "ok", "projects": []}, "projects"),
        ({"name": "ok", "projects": ["not a name!"]}, "projects"),
        ({"name": "ok", "projects": [f"p{n}" for n in range(1001)]}, "projects"),
        ({"name": "ok", "expires_at": "2001-01-01T00:00:00"}, "expires_at"),
        ({"name": "ok", "expires_at": "2001-01-01T00:00:00Z"}, "expires_at"),
        ({"name": "ok", "expires_at": "soon"}, "expires_at"),
        ({}, "name"),
    ],
)
def test_a_token_asked_for_wrongly_is_told_why(client: Client, alice: User, body: Any, field: str) -> None:
    headers = {"Accept": "application/json", **basic("alice", PASSWORD)}
    response = client.post("/api/v1/tokens", body, "application/json", headers=headers)
    assert response.status_code == 400
    assert field in {problem["field"] for problem in response.json()["problems"]}
    assert not Token.objects.exists()


def test_a_limited_token_makes_none(alice: User, now: Any) -> None:
    limited = Actor(name="alice", user_id=alice.pk, credential="token:1", actions=frozenset({"upload"}))
    with pytest.raises(Refused):
        actions.create_token(alice, name="more", by=limited, at=now)


def test_a_person_has_a_bounded_number_of_tokens(alice: User, now: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(actions, "TOKENS_MAX", 2)
    by = credentials.of_user(alice, "session")
    for _ in range(2):
        actions.create_token(alice, name="x", by=by, at=now)
    with pytest.raises(Conflict, match="the most there may be"):
        actions.create_token(alice, name="x", by=by, at=now)


def test_a_tokens_last_use_is_noted(client: Client, alice: User, auth: Any) -> None:
    client.get(WHOAMI, headers=auth(alice))
    used = Token.objects.get().last_used_at
    assert used is not None


# Accounts.


@pytest.mark.parametrize(
    ("name", "words", "code"),
    [
        ("Alice", {}, "login_taken"),
        ("alice2", {"email": "ALICE@example.org"}, "address_taken"),
    ],
)
def test_a_login_and_a_confirmed_address_belong_to_one_account(
    alice: User, now: Any, name: str, words: dict[str, str], code: str
) -> None:
    asked: dict[str, Any] = {"email": "new@example.org", "password": None, "confirmed": True, "admin": False, **words}
    with pytest.raises(Conflict) as caught:
        actions.create_user(name, **asked, by=command(), at=now)
    assert caught.value.code == code
    assert User.objects.count() == 1


def test_everything_wrong_with_a_new_account_is_told_at_once(db: None, now: Any) -> None:
    with pytest.raises(Invalid) as caught:
        actions.create_user(
            "no spaces", email="nope", password="short", confirmed=True, admin=False, by=command(), at=now
        )
    assert {problem.field for problem in caught.value.problems} >= {"username", "email", "password"}


def test_A74_a_very_long_password_is_refused_quickly(db: None, now: Any) -> None:
    with pytest.raises(Invalid) as caught:
        actions.create_user(
            "someone", email="s@example.org", password="x" * 5000, confirmed=True, admin=False, by=command(), at=now
        )
    assert any("longer than" in problem.message for problem in caught.value.problems)


def test_the_first_admins_link_works_once(db: None, now: Any) -> None:
    secret = actions.offer_first_admin(at=now)
    assert secret is not None
    words: dict[str, Any] = {"email": "root@example.org", "password": PASSWORD}
    with pytest.raises(Refused):
        actions.become_first_admin("guess", "mallory", **words, at=now)
    with pytest.raises(Refused):
        actions.become_first_admin(secret, "late", **words, at=now + timedelta(days=8))
    assert actions.become_first_admin(secret, "root", **words, at=now).is_superuser
    with pytest.raises(Refused):
        actions.become_first_admin(secret, "again", email="a@example.org", password=PASSWORD, at=now)
    assert actions.offer_first_admin(at=now) is None
