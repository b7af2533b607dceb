"""Signing in, and what attackers try there: guessing, redirects, forged forms; passwords of another day."""

from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.contrib.auth.hashers import identify_hasher, make_password
from django.core.cache import cache
from django.test import Client
from django.utils import timezone

from otumat_index.accounts import credentials, importing, limits
from otumat_index.accounts.models import Token, User
from otumat_index.cli import main
from otumat_index.journal.actor import command
from otumat_index.journal.models import Entry

pytestmark = pytest.mark.django_db
PASSWORD = "correct horse battery"


def basic(name: str, password: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()}


def log_in(name: str, password: str, *, ip: str = "10.0.0.1", **more: str) -> Any:
    """The answer to the form."""
    return Client(REMOTE_ADDR=ip).post("/account/login/", {"login": name, "password": password, **more})


# Guessing.


@pytest.mark.parametrize("name", ["alice", "nobody"])
def test_A41_a_guesser_is_stopped_and_its_victim_is_not(alice: User, name: str) -> None:
    answers = [log_in(name, f"guess {n}").status_code for n in range(12)]
    assert answers[:9] == [200] * 9
    assert answers[-1] == 429
    assert log_in("alice", PASSWORD).status_code == (429 if name == "alice" else 302)
    assert log_in("alice", PASSWORD, ip="10.0.0.2")["Location"] == "/account/"


def test_A41_many_guessers_do_not_lock_anybody_out(alice: User) -> None:
    for n in range(40):
        log_in("alice", "guess", ip=f"10.0.{n}.1")
    assert log_in("alice", PASSWORD, ip="10.1.0.1")["Location"] == "/account/"


def test_A41_one_client_does_not_try_every_account(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(limits.LIMITS, "failed", "5/h/ip")
    credentials.RECENT.entries.clear()
    client = Client(REMOTE_ADDR="10.0.0.1")
    codes = [client.get("/api/v1/whoami", headers=basic(f"n{n}", "guess")).status_code for n in range(7)]
    assert codes == [401] * 5 + [429] * 2
    assert client.get("/api/v1/whoami", headers=basic("alice", PASSWORD)).status_code == 429
    other = Client(REMOTE_ADDR="10.0.0.2")
    assert other.get("/api/v1/whoami", headers=basic("alice", PASSWORD)).status_code == 200


def test_A41_the_form_counts_by_client_as_well(alice: User) -> None:
    codes = [log_in(f"n{n}", "guess").status_code for n in range(25)]
    assert codes.count(302) == 0
    assert "Too many" in log_in("n99", "guess").content.decode() or 429 in codes


def test_counted_tries_and_used_codes_are_not_pushed_out_of_the_cache(alice: User) -> None:
    cache.set("zzz-first", 1, 600)
    cache.set("aaa-first", 1, 600)
    for n in range(400):  # Django's own default keeps 300
        cache.set(f"flood-{n}", 1, 600)
    assert (cache.get("aaa-first"), cache.get("zzz-first")) == (1, 1)


# Where one is sent afterwards.


@pytest.mark.parametrize(
    "target",
    [
        "//evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "https://evil.example/",
        "https:evil.example",
        "///evil.example",
        "/\t/evil.example",
        "http://localhost:8000@evil.example/",
        "javascript:alert(1)",
        "/account/%0d%0aSet-Cookie:x=y",
        "/account/\r\nSet-Cookie: x=y",
    ],
)
def test_A51_nobody_is_sent_elsewhere(alice: User, target: str) -> None:
    for answer in (log_in("alice", PASSWORD, next=target), posted(alice, "/account/logout/", target)):
        assert answer.status_code == 302
        place = answer["Location"]
        assert place.startswith("/")
        assert not place.startswith(("//", "/\\"))
        assert "\r" not in place
        assert "\n" not in place
        assert "evil" not in place.partition("?")[0]
        assert "x" not in answer.cookies


def posted(user: User, path: str, target: str) -> Any:
    client = Client()
    client.force_login(user)
    return client.post(path, {"next": target})


def test_A51_one_is_sent_where_one_wanted_to_go(alice: User) -> None:
    assert log_in("alice", PASSWORD, next="/account/tokens/")["Location"] == "/account/tokens/"


# Forged forms.


@pytest.mark.parametrize(
    "path",
    [
        "/account/login/",
        "/account/signup/",
        "/account/logout/",
        "/account/email/",
        "/account/password/change/",
        "/account/password/reset/",
        "/account/reauthenticate/",
        "/account/tokens/",
        "/account/tokens/1/revoke",
        "/account/security/sessions",
        "/account/security/password/remove/",
        "/account/factors/totp/activate/",
        "/account/factors/totp/deactivate/",
        "/account/factors/webauthn/add/",
        "/account/factors/webauthn/login/",
        "/account/factors/webauthn/keys/1/remove/",
        "/account/factors/webauthn/keys/1/edit/",
        "/account/factors/recovery-codes/generate/",
        "/account/factors/reauthenticate/",
        "/manage/project/roundup/second-factor",
    ],
)
def test_A49_no_form_works_from_another_site(alice: User, path: str) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(alice)
    before = Entry.objects.count()
    assert client.post(path, {"name": "x"}).status_code == 403
    assert Entry.objects.count() == before


# Passwords of another day.


def sha1(password: str) -> str:
    return hashlib.sha1(password.encode()).hexdigest()


def record(**words: Any) -> str:
    return json.dumps({"login": "old", "email": "old@example.org", "confirmed": True, **words})


def test_D27_an_old_sha1_is_accepted_once_and_never_kept_bare() -> None:
    assert importing.import_users([record(sha1=sha1("guido's password"))], by=command(), at=moment()) == (1, [])
    user = User.objects.get()
    assert sha1("guido's password") not in user.password
    assert identify_hasher(user.password).algorithm == "old_sha1"
    assert len(user.password) <= 128
    assert Client().get("/api/v1/whoami", headers=basic("old", sha1("guido's password"))).status_code == 401
    assert Client().get("/api/v1/whoami", headers=basic("old", "wrong")).status_code == 401
    assert Client().get("/api/v1/whoami", headers=basic("old", "guido's password")).status_code == 200
    user.refresh_from_db()
    assert identify_hasher(user.password).algorithm == "argon2"
    assert log_in("old", "guido's password").status_code == 302


def test_argon2_hashes_and_none_are_taken_as_they_are() -> None:
    argon = make_password(PASSWORD).removeprefix("argon2")
    lines = [record(argon2=argon), "", record(login="none", email="none@example.org", confirmed=False)]
    assert importing.import_users(lines, by=command(), at=moment()) == (2, [])
    assert log_in("old", PASSWORD).status_code == 302
    assert not User.objects.get(username="none").has_usable_password()
    assert not EmailAddress.objects.get(user__username="none").verified


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("nonsense", "JSON"),
        ("[]", "JSON"),
        (record(sha1="abc"), "SHA-1"),
        (record(argon2="$argon2id$v=19$m=99999999,t=2,p=8$c2FsdHNhbHQ$aGFzaGhhc2hoYXNo"), "argon2id"),
        (record(argon2="$argon2i$v=19$m=1024,t=2,p=8$c2FsdHNhbHQ$aGFzaGhhc2hoYXNo"), "argon2id"),
        (record(argon2="md5"), "argon2id"),
        (record(sha1="0" * 40, argon2="x"), "two hashes"),
        (record(confirmed="yes"), "true or false"),
        (record(shoe_size=44), "no field"),
        (record(login=""), "missing"),
        (record(email="nowhere"), "email"),
        (record(login="Alice"), "taken"),
    ],
)
def test_a_line_that_cannot_be_taken_is_named_and_stops_no_other(alice: User, line: str, told: str) -> None:
    made, refused = importing.import_users([line, record(login="fine")], by=command(), at=moment())
    assert made == 1
    assert len(refused) == 1
    assert refused[0].startswith("line 1: ")
    assert told in refused[0]


def test_the_command_says_what_became_of_the_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("otumat_index.commands.prepare", lambda: None)  # the tests' database is there
    file = tmp_path / "users.jsonl"
    file.write_text(record(sha1=sha1("x")) + "\n{}\n")
    assert main(["user", "import", str(file)]) == 1
    said = capsys.readouterr()
    assert said.out == "1 accounts were made, 1 lines were not taken.\n"
    assert said.err.startswith("line 2: ")
    assert main(["user", "import", str(tmp_path / "missing")]) == 1


def moment() -> Any:
    return timezone.now()


def test_A44_a_token_opens_no_page(alice: User, token_of: Any) -> None:
    header = {"Authorization": f"Bearer {token_of(alice)}"}
    for path in ("/account/", "/account/security/", "/account/tokens/"):
        assert Client().get(path, headers=header).status_code == 302
    assert Token.objects.count() == 1
