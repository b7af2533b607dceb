"""The door where a build service's token is exchanged: its answers, its errors, and what it keeps."""

from __future__ import annotations

import base64
import dataclasses
import io
import json
import logging
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from harness.issuer import AUDIENCE, GITHUB, GITHUB_RUN, Issuer
from otumat_index.accounts.models import Token, User
from otumat_index.journal.models import Entry
from otumat_index.publish.models import File, TrustedPublisher

pytestmark = pytest.mark.django_db


def post(client: Client, path: str, body: object, **headers: str) -> Any:
    data = body if isinstance(body, str) else json.dumps(body)
    return client.post(path, data, content_type="application/json", headers=headers)


@pytest.fixture
def current(github: Issuer) -> str:
    """The token of a run of this moment: doors know no other."""
    return github.sign({**github.times(timezone.now()), **GITHUB_RUN})


def publish(client: Client, token: str, file: tuple[str, bytes]) -> Any:
    content = io.BytesIO(file[1])
    content.name = file[0]
    project, version = file[0].split("-")[:2]
    form = {":action": "file_upload", "name": project, "version": version, "content": content}
    basic = base64.b64encode(f"__token__:{token}".encode()).decode()
    headers = {"Authorization": f"Basic {basic}", "Accept": "application/json"}
    return client.post("/legacy/", form, headers=headers)


def test_from_identity_to_upload_to_burnt(
    client: Client, publisher: TrustedPublisher, current: str, wheel: Any
) -> None:
    asked = client.get("/_/oidc/audience")
    assert asked.json() == {"audience": AUDIENCE}
    minted = post(client, "/_/oidc/mint-token", {"token": current})
    assert minted.status_code == 200, minted.content
    assert minted["Cache-Control"] == "no-store"
    token = minted.json()["token"]
    assert minted.json()["expires"] == int(Token.objects.get().expires_at.timestamp())  # type: ignore[union-attr]
    assert publish(client, token, wheel("rocket", "1.0")).status_code == 200
    row = Entry.objects.get(action="file.publish")
    assert (row.actor, row.credential) == ("alice", f"publisher:{publisher.pk}")
    assert publish(client, token, wheel("comet", "1.0")).json()["error"]["code"] == "token_scope"
    assert post(client, "/_/oidc/burn-token", {"token": token}).status_code == 202
    assert publish(client, token, wheel("rocket", "1.1")).status_code == 401
    assert Entry.objects.filter(action="publisher.burn", topic="rocket").count() == 1
    assert post(client, "/_/oidc/burn-token", {"token": token}).status_code == 202  # one answer for all
    assert Entry.objects.filter(action="publisher.burn").count() == 1


def test_a_minted_token_does_nothing_else(
    client: Client, publisher: TrustedPublisher, current: str, wheel: Any
) -> None:
    token = post(client, "/_/oidc/mint-token", {"token": current}).json()["token"]
    headers = {"Authorization": f"Bearer {token}"}
    for method, path in [
        ("get", "/api/v1/tokens"),
        ("post", "/api/v1/tokens"),
        ("put", "/api/v1/project/rocket/0.1/yank"),
        ("get", "/api/v1/project/rocket/publishers"),
        ("post", "/api/v1/project/rocket/publishers"),
        ("post", "/api/v1/publishers"),
    ]:
        body = {"name": "x", "reason": "", "issuer": publisher.issuer, "claims": GITHUB, "project": "comet"}
        answer = getattr(client, method)(path, body, content_type="application/json", headers=headers)
        assert answer.status_code == 403, path


def test_the_file_must_be_of_the_project_that_the_form_names(
    client: Client, publisher: TrustedPublisher, current: str, wheel: Any
) -> None:
    token = post(client, "/_/oidc/mint-token", {"token": current}).json()["token"]
    _, data = wheel("comet", "1.0")
    assert publish(client, token, ("rocket-1.0-py3-none-any.whl", data)).status_code == 403
    assert not File.objects.exists()


def test_a_personal_token_cannot_be_burnt(
    client: Client, github: Issuer, alice: User, token_of: Callable[..., str]
) -> None:
    assert post(client, "/_/oidc/burn-token", {"token": token_of(alice)}).status_code == 202
    assert Token.objects.count() == 1


BROKEN = ["", "{", "[]", "null", "{}", '{"token": 7}', '{"token": ""}', '{"token": ["x"]}', "[" * 40_000]


@pytest.mark.parametrize("path", ["/_/oidc/mint-token", "/_/oidc/burn-token"])
@pytest.mark.parametrize("body", BROKEN, ids=range(len(BROKEN)))
def test_what_cannot_be_read_is_told_in_both_forms(client: Client, github: Issuer, path: str, body: str) -> None:
    answer = post(client, path, body)
    assert answer.status_code == 400
    assert answer["Content-Type"] == "application/problem+json"
    told = answer.json()
    assert (told["status"], told["title"], told["type"]) == (400, "That cannot be accepted", "about:blank")
    assert told["detail"] == told["message"]
    assert [sorted(each) for each in told["errors"]] == [["code", "description"]]
    assert told["errors"][0]["code"] == "payload.malformed"


def test_too_long_a_body_is_refused(client: Client, github: Issuer) -> None:
    assert post(client, "/_/oidc/mint-token", {"token": "x" * 60_000}).status_code == 413


def test_refusals_have_their_status_and_words(client: Client, publisher: TrustedPublisher, github: Issuer) -> None:
    stranger = github.sign({**github.times(timezone.now()), **GITHUB_RUN, "repository": "acme/other"})
    answer = post(client, "/_/oidc/mint-token", {"token": stranger})
    assert answer.status_code == 403
    told = answer.json()
    assert told["errors"][0]["code"] == told["code"] == "no_publisher"
    assert "acme/other" in told["message"]
    assert "release.yml" not in told["message"].replace("/release.yml@", "")  # nothing of the publishers there are


def test_features_that_are_not_offered_are_refused(client: Client, publisher: TrustedPublisher, current: str) -> None:
    body = {"token": current, "features": ["single-use-token"]}
    assert post(client, "/_/oidc/mint-token", body).json()["errors"][0]["code"] == "token.features"
    assert post(client, "/_/oidc/mint-token", {**body, "features": ["multi-use-token"]}).status_code == 200


def test_PEP_807_discovery(client: Client, github: Issuer) -> None:
    found = client.get("/.well-known/pytp?discover=%2Flegacy%2F")
    assert found.json() == {
        "audience-endpoint": f"{AUDIENCE}/_/oidc/audience",
        "token-mint-endpoint": f"{AUDIENCE}/_/oidc/mint-token",
        "features": ["multi-use-token"],
        "default-features": ["multi-use-token"],
    }
    for key in ("%2Fpypi", "%2Fpypi%2F", "%2Flegacy"):
        assert client.get(f"/.well-known/pytp?discover={key}").status_code == 200
    for key in ("", "?discover=", "?discover=%2F", "?discover=%2Fother%2F"):
        assert client.get(f"/.well-known/pytp{key}").status_code == 404


@pytest.mark.parametrize(
    ("accept", "status"),
    [
        ("", 200),
        ("*/*", 200),
        ("application/json", 200),
        ("application/vnd.pypi.pytp.v1+json", 200),
        ("text/html, */*;q=0.1", 200),
        ("text/html", 406),
        ("application/vnd.pypi.simple.v1+json", 406),
    ],
)
def test_PEP_807_types(client: Client, github: Issuer, accept: str, status: int) -> None:
    for path in ("/_/oidc/audience", "/.well-known/pytp?discover=%2Flegacy%2F"):
        assert client.get(path, headers={"Accept": accept} if accept else {}).status_code == status


def test_without_issuers_there_is_nothing_here(client: Client, trusting: Any) -> None:
    trusting(ca=None)
    assert client.get("/.well-known/pytp?discover=%2Flegacy%2F").status_code == 404
    assert client.get("/_/oidc/audience").status_code == 404
    answer = post(client, "/_/oidc/mint-token", {"token": "a.b.c"})
    assert (answer.status_code, answer.json()["code"]) == (404, "not_enabled")


def test_other_methods_are_told_so(client: Client, github: Issuer) -> None:
    assert client.post("/_/oidc/audience").status_code == 405
    answer = client.get("/_/oidc/mint-token")
    assert (answer.status_code, answer["Allow"]) == (405, "POST")


def test_credentials_are_taken_over_https_only_where_asked_for(
    client: Client, publisher: TrustedPublisher, current: str, settings: Any
) -> None:
    settings.CONFIG = dataclasses.replace(settings.CONFIG, require_https=True)
    assert post(client, "/_/oidc/mint-token", {"token": current}).json()["code"] == "https_required"


def test_A89_neither_log_nor_journal_nor_tables_keep_a_secret(
    client: Client, publisher: TrustedPublisher, current: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    minted = post(client, "/_/oidc/mint-token", {"token": current}).json()["token"]
    post(client, "/_/oidc/mint-token", {"token": current})
    post(client, "/_/oidc/mint-token", {"token": f"{current[:-9]}AAAAAAAAA"})
    kept = json.dumps([list(Entry.objects.values()), list(Token.objects.values())], default=str)
    for secret in (current, current.rpartition(".")[2], minted):
        assert secret not in caplog.text
        assert secret not in kept
