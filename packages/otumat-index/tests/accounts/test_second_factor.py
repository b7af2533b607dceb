"""Who needs a second factor, what it takes from passwords, and what makes allauth's forms stricter."""

from __future__ import annotations

import base64
import dataclasses
import json
import time
from typing import Any

import pytest
from allauth.mfa.adapter import get_adapter
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from django.core.exceptions import ValidationError
from django.test import Client
from django.utils import timezone

from harness.second_factors import KEY, PASSWORD, with_app
from otumat.errors import Refused
from otumat_index.accounts import credentials, factor_forms
from otumat_index.accounts.credentials import of_user
from otumat_index.accounts.models import Token, User
from otumat_index.journal.actor import command
from otumat_index.journal.models import Entry
from otumat_index.publish import actions as publish
from otumat_index.publish.models import Project

pytestmark = pytest.mark.django_db


def basic(name: str, password: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()}


def code(shift: int = 0) -> str:
    """The code of now, or of some half minutes later or earlier; not when the half minute is about to end."""
    time.sleep(max(0.0, time.time() % 30 - 22))
    return str(format_hotp_value(hotp_value(KEY, int(timezone.now().timestamp()) // 30 + shift)))


def requiring(settings: Any, whom: str) -> None:
    settings.CONFIG = dataclasses.replace(settings.CONFIG, require_second_factor=whom)


def signed_in(user: User, *codes: str) -> Any:
    """The answer to signing in by password and, one after the other, these codes."""
    client = Client()
    answer = client.post("/account/login/", {"login": user.username, "password": PASSWORD})
    for each in codes:
        answer = client.post("/account/factors/authenticate/", {"code": each})
    return answer


# Codes.


def test_A42_a_code_counts_once_in_whatever_spelling(alice: User) -> None:
    with_app(alice)
    now = code()
    assert signed_in(alice, now)["Location"] == "/account/"
    for spelling in (now, f"{now[:3]} {now[3:]}", f" {now}\t", "-".join(now), f"{now[:3]}\u00a0{now[3:]}"):
        assert signed_in(alice, spelling).status_code == 200, spelling


@pytest.mark.parametrize(("shift", "holds"), [(-3, False), (-1, True), (1, True), (3, False)])
def test_A42_the_window_is_half_a_minute_to_each_side(alice: User, shift: int, holds: bool) -> None:
    with_app(alice)
    assert (signed_in(alice, code(shift)).status_code == 302) is holds


def test_A42_the_code_that_switched_an_app_on_does_not_sign_in(alice: User) -> None:
    client = Client()
    client.post("/account/login/", {"login": "alice", "password": PASSWORD})
    client.post("/account/reauthenticate/", {"password": PASSWORD})
    page = client.get("/account/factors/totp/activate/").content.decode()
    key = client.session["mfa.totp.secret"]
    assert key in page
    first = format_hotp_value(hotp_value(key, int(timezone.now().timestamp()) // 30))
    assert client.post("/account/factors/totp/activate/", {"code": first}).status_code == 302
    assert signed_in(alice, first).status_code == 200


def test_A42_codes_are_not_tried_for_ever(alice: User) -> None:
    with_app(alice)
    assert signed_in(alice, *["000000"] * 21, code()).status_code in (200, 429)


def test_A42_a_recovery_code_works_once_and_is_journalled(alice: User) -> None:
    with_app(alice)
    codes = RecoveryCodes.activate(alice).get_unused_codes()
    assert len(set(codes)) == 10
    assert {len(each) for each in codes} == {10}
    assert signed_in(alice, codes[3])["Location"] == "/account/"
    assert signed_in(alice, codes[3]).status_code == 200
    used = Entry.objects.filter(action="factor.recovery", data__what="used").get()
    assert (used.subject, used.credential) == ("alice", "link")


def test_secrets_are_sealed_in_the_database(alice: User, settings: Any) -> None:
    app = with_app(alice)
    assert KEY not in json.dumps(app.data)
    assert get_adapter().decrypt(app.data["secret"]) == KEY
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "another", [settings.SECRET_KEY]
    assert get_adapter().decrypt(app.data["secret"]) == KEY
    settings.SECRET_KEY_FALLBACKS = []
    assert signed_in(alice, code()).status_code == 200  # no code is right, and nothing breaks


def test_each_change_of_factors_has_one_row(alice: User) -> None:
    before = Entry.objects.count()
    app = with_app(alice)
    app.record_usage()
    RecoveryCodes.activate(alice)
    app.delete()
    rows = list(Entry.objects.order_by("serial").values_list("action", "data")[before:])
    assert rows == [
        ("factor.add", {"kind": "authenticator app"}),
        ("factor.recovery", {"what": "made"}),
        ("factor.remove", {"kind": "authenticator app"}),
    ]


# Passkeys: what no browser would send. The real ceremony is in tests/test_second_factors.py.


@pytest.mark.parametrize(
    "sent",
    ["", "{}", "[]", "null", "1", '"x"', '{"response": null}', '{"response": {}}', '{"response": {"userHandle": 7}}']
    + [json.dumps({"id": "eA", "rawId": "eA", "type": "public-key", "response": {"clientDataJSON": text}}) for text in
       ("", "eA", "e30", base64.urlsafe_b64encode(b'{"origin": "http://localhost:8000"}').decode().rstrip("="))],
)  # fmt: skip
def test_A43_a_made_up_passkey_is_no_error_of_ours(alice: User, sent: str) -> None:
    with_app(alice)
    client = Client()
    client.get("/account/factors/webauthn/login/", headers={"Accept": "application/json"})
    answer = client.post("/account/factors/webauthn/login/", {"credential": sent})
    assert (answer.status_code, answer["Location"]) == (302, "/account/login/")
    client.post("/account/login/", {"login": "alice", "password": PASSWORD})
    assert client.post("/account/factors/authenticate/", {"credential": sent}).status_code == 200
    assert client.get("/account/security/").status_code == 302


@pytest.mark.parametrize(
    ("told", "holds"),
    [
        ({"origin": "http://localhost:8000"}, True),
        ({"origin": "http://localhost:8000", "crossOrigin": False}, True),
        ({"origin": "http://localhost:8000", "crossOrigin": True}, False),
        ({"origin": "http://localhost:8001"}, False),
        ({"origin": "http://evil.localhost:8000"}, False),
        ({"origin": "https://evil.example"}, False),
        ({}, False),
    ],
)
def test_A43_a_passkey_is_for_exactly_this_site(told: dict[str, Any], holds: bool) -> None:
    data = base64.urlsafe_b64encode(json.dumps(told).encode()).decode().rstrip("=")
    try:
        factor_forms.Site().check_site({"response": {"clientDataJSON": data}})
    except ValidationError:
        assert not holds
    else:
        assert holds


@pytest.mark.parametrize(
    ("counters", "refused_at"), [((0, 0, 0), None), ((1, 2, 9), None), ((5, 5), 1), ((5, 4), 1), ((3, 0), 1)]
)
def test_A43_a_copied_key_shows_by_its_counter(alice: User, counters: tuple[int, ...], refused_at: int | None) -> None:
    key = Authenticator.objects.create(user=alice, type="webauthn", data={"name": "key"})
    for number, counter in enumerate(counters):
        if number == refused_at:
            with pytest.raises(ValidationError):
                factor_forms.Counted.count(key, counter)
        else:
            factor_forms.Counted.count(key, counter)


def test_A43_A80_the_host_header_does_not_name_the_site(client: Client) -> None:
    answer = client.get(
        "/account/factors/webauthn/login/", headers={"Accept": "application/json", "Host": "evil.example"}
    )
    assert answer.json()["request_options"]["publicKey"]["rpId"] == "localhost"


# Who needs one.


def test_a_password_alone_does_no_more_by_header(alice: User, auth: Any) -> None:
    assert Client().get("/api/v1/whoami", headers=basic("alice", PASSWORD)).status_code == 200
    old = auth(alice)
    with_app(alice)
    answer = Client().get("/api/v1/whoami", headers=basic("alice", PASSWORD))
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "second_factor")
    assert Client().get("/api/v1/whoami", headers=basic("alice", "wrong")).status_code == 401
    for header, has_factor in ((old, False), (auth(alice), True)):
        who = Client().get("/api/v1/whoami", headers=header).json()
        assert (who["confirmed"], who["second_factor"]) == (True, has_factor)


@pytest.mark.parametrize(("whom", "name", "led"), [("none", "dora", False), ("admins", "dora", True),
                                                   ("admins", "alice", False), ("all", "alice", True)])  # fmt: skip
def test_whoever_needs_a_second_factor_sets_one_up_first(
    alice: User, admin: User, settings: Any, whom: str, name: str, led: bool
) -> None:
    requiring(settings, whom)
    user = User.objects.get(username=name)
    client = Client()
    client.force_login(user)
    for path in ("/account/", "/account/tokens/", "/"):
        answer = client.get(path)
        assert (answer.status_code == 302 and answer["Location"] == "/account/security/") is led
    assert client.post("/account/tokens/", {"name": "x"}).status_code == (403 if led else 302)
    for path in ("/account/security/", "/account/logout/", "/account/password/change/", "/account/email/"):
        assert client.get(path).status_code == 200, path
    header = Client().get("/api/v1/whoami", headers=basic(name, PASSWORD))
    assert header.status_code == (403 if led else 200)
    with_app(user)
    assert client.get("/account/").status_code == 200


def test_tokens_made_without_a_factor_do_no_more_where_one_is_required(alice: User, auth: Any, settings: Any) -> None:
    old = auth(alice)
    with_app(alice)
    new = auth(alice)
    requiring(settings, "all")
    assert Client().get("/api/v1/whoami", headers=old).json()["error"]["code"] == "second_factor"
    assert Client().get("/api/v1/whoami", headers=new).status_code == 200


def test_a_project_asks_for_second_factors(alice: User, bob: User, auth: Any, submit: Any, now: Any) -> None:
    submit(alice)
    project = Project.objects.get()
    publish.assign_role(project, bob, "maintainer", by=command(), at=now)
    path, headers = "/api/v1/project/roundup/second-factor", {"Content-Type": "application/json"}
    old = auth(alice)

    def ask(required: bool, header: dict[str, str]) -> Any:
        body = json.dumps({"required": required})
        return Client().put(path, body, content_type="application/json", headers={**headers, **header})

    assert ask(True, old).json()["error"]["code"] == "second_factor"  # not of others what one has not
    with_app(alice)
    assert ask(True, old).status_code == 403
    assert ask(True, auth(bob)).json()["error"]["code"] == "role"
    assert ask(True, auth(alice)).json() == {"ok": True, "required": True}

    assert submit(bob, version="2.0").json()["error"]["code"] == "second_factor"
    assert submit(alice, version="2.0").status_code == 200
    session = Client()
    session.force_login(bob)
    told = session.post("/manage/project/roundup/yank", {"version": "1.0"})
    assert (told.status_code, "second factor" in told.content.decode()) == (403, True)
    with_app(bob)
    assert session.post("/manage/project/roundup/yank", {"version": "1.0"}).status_code == 302
    assert submit(bob, version="3.0").status_code == 200
    Authenticator.objects.filter(user=bob).delete()
    publish.submit_release([("name", "roundup"), ("version", "4.0")], by=of_token(bob), at=now)  # made with one
    with pytest.raises(Refused):
        publish.submit_release([("name", "roundup"), ("version", "5.0")], by=of_user(bob, "session"), at=now)
    assert Entry.objects.filter(action="project.second_factor").count() == 1


def of_token(user: User) -> Any:
    return credentials.of_token(Token.objects.filter(user=user, with_factor=True).latest("pk"))
