"""Health, readiness, metrics; whom we believe about addresses (A54, A55); logs without secrets (A89)."""

from __future__ import annotations

import dataclasses
import io
import json
import logging
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory
from django.utils import timezone

from otumat_index.accounts.models import User
from otumat_index.web import errors, logs, middleware

pytestmark = pytest.mark.django_db


@pytest.fixture
def configured(settings: Any, tmp_path: Path) -> Iterator[Callable[..., None]]:
    def change(**values: Any) -> None:
        settings.CONFIG = dataclasses.replace(settings.CONFIG, data=tmp_path, **values)
        middleware.trusted_networks.cache_clear()

    change()
    yield change
    middleware.trusted_networks.cache_clear()


def test_a_living_process_says_so_without_the_database(client: Client, django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(0):
        assert client.get("/health/live").json() == {"ok": True}


def test_readiness_asks_database_and_folder(client: Client, configured: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    assert client.get("/health/ready").json() == {"ok": True, "checks": {"database": True, "data": True}}

    def broken(*args: Any, **words: Any) -> Any:
        raise OperationalError("gone")

    with monkeypatch.context() as patched:
        patched.setattr(connection, "cursor", broken)
        response = client.get("/health/ready")
    assert (response.status_code, response.json()["checks"]) == (503, {"database": False, "data": True})


def test_a_data_folder_that_is_gone_is_not_ready(client: Client, configured: Any, tmp_path: Path) -> None:
    configured(data=tmp_path / "absent") if False else None
    tmp_path.rename(tmp_path.with_name("moved"))
    response = client.get("/health/ready")
    assert (response.status_code, response.json()["checks"]) == (503, {"database": True, "data": False})


def test_metrics_count_what_there_is(client: Client, configured: Any, submit: Any, alice: User) -> None:
    submit(alice)
    text = client.get("/metrics").content.decode()
    assert "otumat_projects 1.0" in text
    assert "otumat_accounts 1.0" in text
    assert "roundup" not in text
    assert "alice" not in text


@pytest.mark.parametrize(
    ("meta", "status"),
    [
        ({}, 200),
        ({"REMOTE_ADDR": "::1"}, 200),
        ({"REMOTE_ADDR": "203.0.113.9"}, 403),
        ({"REMOTE_ADDR": ""}, 403),
        ({"REMOTE_ADDR": "nonsense"}, 403),
        ({"HTTP_X_FORWARDED_FOR": "203.0.113.9"}, 403),  # through a proxy on this machine that nobody named
        ({"REMOTE_ADDR": "203.0.113.9", "HTTP_X_FORWARDED_FOR": "127.0.0.1"}, 403),
    ],
)
def test_metrics_are_for_this_machine(client: Client, configured: Any, meta: dict[str, str], status: int) -> None:
    assert client.get("/metrics", **meta).status_code == status  # type: ignore[arg-type]


def test_metrics_are_for_who_holds_the_token(client: Client, configured: Any) -> None:
    configured(metrics_token="hush-hush")
    assert client.get("/metrics").status_code == 403
    assert client.get("/metrics", headers={"Authorization": "Bearer hush"}).status_code == 403
    assert client.get("/metrics", headers={"Authorization": "Bearer hush-hush"}).status_code == 200


@pytest.mark.parametrize("path", ["/health/live", "/health/ready", "/metrics"])
def test_A78_operations_are_read_only(client: Client, configured: Any, path: str) -> None:
    assert client.post(path).status_code == 405
    assert client.head(path).status_code == 200


# A55.


@pytest.mark.parametrize(
    ("trusted", "peer", "forwarded", "address"),
    [
        ("", "127.0.0.1", "203.0.113.9", "127.0.0.1"),
        ("10.0.0.0/8", "127.0.0.1", "203.0.113.9", "127.0.0.1"),
        ("127.0.0.1", "127.0.0.1", "203.0.113.9", "203.0.113.9"),
        ("127.0.0.1", "127.0.0.1", "6.6.6.6, 203.0.113.9", "203.0.113.9"),  # the left one, the client wrote
        ("127.0.0.1,10.0.0.0/8", "127.0.0.1", "203.0.113.9, 10.1.2.3", "203.0.113.9"),
        ("127.0.0.1", "127.0.0.1", "unknown", "127.0.0.1"),
        ("127.0.0.1", "127.0.0.1", "203.0.113.9:4711", "127.0.0.1"),
        ("127.0.0.1", "127.0.0.1", "'; DROP TABLE", "127.0.0.1"),
        ("127.0.0.1", "127.0.0.1", "," * 5000, "127.0.0.1"),
        ("::1", "::1", "2001:db8::1", "2001:db8::1"),
        ("::1", "::1", "fe80::1%eth0", "::1"),
    ],
)
def test_A55_forwarded_addresses_are_believed_of_trusted_proxies_only(
    configured: Any, trusted: str, peer: str, forwarded: str, address: str
) -> None:
    configured(trusted_proxies=trusted)
    seen = pass_through(REMOTE_ADDR=peer, HTTP_X_FORWARDED_FOR=forwarded)
    assert middleware.client_address(seen) == address
    assert "HTTP_X_FORWARDED_FOR" not in seen.META


@pytest.mark.parametrize(
    ("peer", "counted"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ("2001:db8:1:2::", "2001:db8:1:2::"),
        ("2001:db8:1:3::6", "2001:db8:1:3::"),
        ("::ffff:203.0.113.9", "::ffff:203.0.113.9"),
        ("unix", "unix"),
    ],
)
def test_A41_all_addresses_of_one_customer_are_one_guesser(peer: str, counted: str) -> None:
    assert middleware.client_network(pass_through(REMOTE_ADDR=peer)) == counted


@pytest.mark.parametrize(("trusted", "secure"), [("", False), ("127.0.0.1", True)])
def test_A55_D37_https_is_believed_of_trusted_proxies_only(
    client: Client, configured: Any, alice: User, auth: Any, trusted: str, secure: bool
) -> None:
    configured(trusted_proxies=trusted, require_https=True)
    response = client.get("/api/v1/whoami", headers={"X-Forwarded-Proto": "https", **auth(alice)})
    assert response.status_code == (200 if secure else 403)


def pass_through(**meta: str) -> HttpRequest:
    request = RequestFactory().get("/", **meta)  # type: ignore[arg-type]
    middleware.TrustedProxies(lambda request: HttpResponse())(request)
    return request


def test_A54_a_lock_out_follows_the_address_that_we_believe(client: Client, configured: Any, alice: User) -> None:
    import base64

    wrong = {"Authorization": "Basic " + base64.b64encode(b"alice:wrong wrong").decode()}
    statuses = [
        client.get("/api/v1/whoami", headers={"X-Forwarded-For": f"198.51.100.{n}", **wrong}).status_code
        for n in range(12)
    ]
    assert statuses[-1] == 429  # pretending to be others did not help


# A89.

SECRETS = {
    "token": "otumat-Zm9vYmFyZm9vYmFyZm9vYmFyZm9vYmFyZm9vYmFyZm9vMDEyMzQ1Njc",
    "basic": "Basic YWxpY2U6Y29ycmVjdCBob3JzZQ==",
    "bearer": "bearer abcdefghijklmnop",
    "url": "postgresql://user:hush-hush@host/db",
    "first admin": "Not Found: /account/first-admin/kYp3secretsecret/",
    "reset": "Bad Request: /account/password/reset/key/1-abc-hushhushhush/",
}


@pytest.mark.parametrize("form", ["text", "json"])
@pytest.mark.parametrize("where", ["message", "argument", "exception", "extra"])
@pytest.mark.parametrize("name", SECRETS)
def test_A89_secrets_are_blanked_out_wherever_they_stand(form: str, where: str, name: str) -> None:
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    handler.setFormatter(logs.Json("%(message)s") if form == "json" else logs.Text("{message}", style="{"))
    log = logging.Logger("scratch")
    log.addHandler(handler)
    secret = SECRETS[name]
    try:
        raise ValueError(secret if where == "exception" else "harmless")
    except ValueError:
        log.exception(
            secret if where == "message" else "said %s", secret if where == "argument" else "x", extra={"more": secret}
        ) if where != "message" else log.exception(secret)
    text = written.getvalue()
    for hidden in ("Zm9vYmFy", "YWxpY2U6", "abcdefghijklmnop", "hush", "kYp3secret"):
        assert hidden not in text
    if form == "json":
        json.loads(text)


def test_A89_nothing_secret_is_logged_by_uploads_and_logins(
    client: Client, alice: User, token_of: Any, caplog: pytest.LogCaptureFixture, wheel: Any, upload: Any
) -> None:
    import base64

    text = token_of(alice)
    wrong = base64.b64encode(b"alice:a wrong password").decode()
    right = base64.b64encode(b"alice:correct horse battery").decode()
    caplog.set_level(logging.DEBUG)
    for header in (f"Bearer {text}", f"Bearer {text}x", f"Basic {wrong}", f"Basic {right}", "Basic " + text):
        client.post("/submit", {"name": "roundup", "version": "!"}, headers={"Authorization": header})
        client.get("/api/v1/whoami", headers={"Authorization": header})
    formatter = logs.Text("{message}", style="{")
    told = "\n".join(formatter.format(record) for record in caplog.records)
    for secret in (text, wrong, right, "a wrong password", "correct horse battery"):
        assert secret not in told


# The last resort.


@pytest.mark.parametrize("accept", ["text/html", "application/json", "*/*"])
def test_an_error_of_ours_is_answered_even_without_a_database(accept: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*args: Any, **words: Any) -> Any:
        raise OperationalError("gone")

    monkeypatch.setattr(errors, "render", broken)
    response = errors.server_error(RequestFactory().get("/", headers={"Accept": accept}))
    assert response.status_code == 500
    assert b"our mistake" in response.content


@pytest.mark.parametrize("text", ["x\r\nSet-Cookie: a=b", "ünïcode", "\0", "x" * 5000])
def test_A1_a_reason_phrase_is_one_line_of_ascii(text: str) -> None:
    phrase = errors.reason(text, ())
    assert phrase.isascii()
    assert phrase.isprintable()
    assert len(phrase) <= 400


@pytest.mark.parametrize("accept", ["text/html", "text/html,application/xhtml+xml", "application/json", "*/*"])
@pytest.mark.parametrize("path", ["/simple/<script>alert(1)</script>/", '/simple/"onload=x/', "/<img src=x>/"])
def test_A31_errors_do_not_carry_script(client: Client, accept: str, path: str) -> None:
    response = client.get(path, headers={"Accept": accept})
    assert response.status_code == 404
    kind = response["Content-Type"].partition(";")[0]
    if kind == "text/html":
        assert b"<script>alert" not in response.content
        assert b"<img src=x" not in response.content
        assert "script-src" in response["Content-Security-Policy"]
    else:
        assert kind in ("application/json", "text/plain")
    assert response["X-Content-Type-Options"] == "nosniff"


def test_whom_to_tell_of_a_weakness_is_told_where_the_operator_said_so(client: Client, settings: Any) -> None:
    assert client.get("/.well-known/security.txt").status_code == 404
    settings.CONFIG = dataclasses.replace(
        settings.CONFIG, security_contact="mailto:security@example.org", public_url="https://index.example.org"
    )
    answer = client.get("/.well-known/security.txt")
    assert answer["Content-Type"] == "text/plain; charset=utf-8"
    told = dict(line.split(": ", 1) for line in answer.content.decode().splitlines())
    assert told["Contact"] == "mailto:security@example.org"
    assert told["Canonical"] == "https://index.example.org/.well-known/security.txt"
    ends = datetime.fromisoformat(told["Expires"])
    assert timedelta(days=30) < ends - timezone.now() < timedelta(days=365)  # RFC 9116 2.5.5
