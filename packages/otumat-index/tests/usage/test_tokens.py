"""Route 4: rotation, siblings, families (U13)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from otumat_index.accounts import oauth
from otumat_index.accounts.models import FamilyToken

pytestmark = pytest.mark.django_db(databases="__all__")


def test_a_refresh_hands_out_a_new_pair(copy: Any, today: str) -> None:
    one = copy()
    answer = one.refresh(one.told["refresh_token"])
    told = answer.json()
    assert answer.status_code == 200
    assert "no-store" in answer["Cache-Control"]
    assert told["install"] == one.told["install"]
    assert told["refresh_token"] != one.told["refresh_token"]
    one.told = told
    assert one.send(one.batch([today, "import", {}, 1])).status_code == 200


def test_U13_a_lost_answer_mints_siblings_for_a_minute(copy: Any) -> None:
    one = copy()
    first = one.told["refresh_token"]
    siblings = [one.refresh(first).json()["refresh_token"] for _ in range(3)]
    assert len(set(siblings)) == 3
    assert [one.refresh(each).status_code for each in siblings] == [200, 200, 200]


def test_U13_later_use_of_an_old_token_ends_the_family(copy: Any, today: str) -> None:
    one = copy()
    now = timezone.now()
    pair = oauth.refresh(one.told["refresh_token"], at=now)
    oauth.refresh(one.told["refresh_token"], at=now + timedelta(seconds=60))
    with pytest.raises(oauth.GrantRefused):
        oauth.refresh(one.told["refresh_token"], at=now + timedelta(seconds=61))
    with pytest.raises(oauth.GrantRefused):
        oauth.refresh(pair.refresh_token, at=now + timedelta(seconds=62))
    assert one.send(one.batch([today, "import", {}, 1])).status_code == 401


def test_an_unknown_access_token_is_answered_as_rfc_6750_says(copy: Any, today: str) -> None:
    one = copy()
    one.told["access_token"] = "1.unknown"
    for answer in (one.send(one.batch([today, "import", {}, 1])), one.own("GET")):
        assert (answer.status_code, answer["WWW-Authenticate"]) == (401, 'Bearer realm="Otumat", error="invalid_token"')


def test_a_token_that_is_not_used_for_a_year_ends(copy: Any) -> None:
    one = copy()
    with pytest.raises(oauth.GrantRefused):
        oauth.refresh(one.told["refresh_token"], at=timezone.now() + timedelta(days=366))


def test_old_rows_of_a_family_do_not_pile_up(copy: Any) -> None:
    one = copy()
    now, token = timezone.now(), one.told["refresh_token"]
    for day in range(90):
        token = oauth.refresh(token, at=now + timedelta(days=day)).refresh_token
    assert FamilyToken.objects.count() < 40


@pytest.mark.parametrize(
    ("form", "error", "status"),
    [
        ({"client_id": "else"}, "invalid_client", 401),
        ({"grant_type": "password"}, "unsupported_grant_type", 400),
        ({"refresh_token": "unknown"}, "invalid_grant", 400),
        ({"refresh_token": ""}, "invalid_grant", 400),
    ],
)
def test_what_is_not_granted_is_told_as_rfc_6749_says(
    client: Client, db: None, form: dict[str, str], error: str, status: int
) -> None:
    sound = {"grant_type": "refresh_token", "refresh_token": "x", "client_id": "otumat-usage"}
    answer = client.post("/auth/token", {**sound, **form})
    assert (answer.status_code, answer.json()["error"]) == (status, error)


def test_an_access_token_refreshes_nothing(copy: Any) -> None:
    one = copy()
    assert one.refresh(one.told["access_token"]).json()["error"] == "invalid_grant"
    assert one.refresh(one.told["refresh_token"]).status_code == 200


@pytest.mark.parametrize(("method", "rest"), [("GET", ""), ("DELETE", ""), ("DELETE", "?erase=1"), ("POST", "/visits")])
def test_a_revoked_access_token_opens_nothing_and_the_proof_everything(copy: Any, method: str, rest: str) -> None:
    one = copy()
    assert one.client.post("/oauth/revoke", {"token": one.told["access_token"]}).status_code == 200
    refused = one.own(method, rest, of=one.told["install"])
    assert (refused.status_code, refused.json()["error"]["code"]) == (401, "invalid_token")
    one.told["access_token"] = one.told["proof"]
    assert one.own(method, rest).status_code == (201 if rest == "/visits" else 200)


def test_an_access_token_of_a_withdrawn_install_still_shows_what_is_kept(copy: Any) -> None:
    one = copy()
    assert one.own("DELETE").status_code == 200
    assert one.own("GET").json()["consent"]["level"] == "off"
