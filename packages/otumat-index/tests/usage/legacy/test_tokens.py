"""Route 4 for copies of Otumat 0.3, and what their tokens are not good for."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
from django.db import OperationalError
from django.test import Client
from django.utils import timezone

from otumat_index.accounts import oauth
from otumat_index.journal.actor import command
from otumat_index.usage import actions
from otumat_index.usage.actions import legacy
from otumat_index.web.pace import Pace

pytestmark = pytest.mark.django_db(databases="__all__")
FORM = "application/x-www-form-urlencoded"


def test_K6_a_refresh_answers_all_four_and_the_refresh_token_stays(old: Any, moment: Any) -> None:
    before = old.told["accessToken"]
    answers = [old.refresh() for _ in range(3)]
    told = [each.json() for each in answers]
    assert [each.status_code for each in answers] == [200] * 3
    assert {each["refresh_token"] for each in told} == {old.told["refreshToken"]}
    assert {int(each["expires_in"]) for each in told} == {3600}
    assert {each["scope"] for each in told} == {"usage"}
    for token in (before, *(each["access_token"] for each in told)):
        old.told["accessToken"] = token
        assert old.post((moment(), "import")).status_code == 200


@pytest.mark.parametrize(
    "wrong", [{"secret": "z" * 43}, {"client": "otumat-usage"}, {"token": "unknown"}, {"grant": "authorization_code"}]
)
def test_a_refresh_token_is_worth_nothing_without_its_secret(old: Any, wrong: dict[str, str]) -> None:
    assert old.refresh(**wrong).status_code == 400
    assert old.refresh().status_code == 200


def test_K5_too_many_refreshes_are_not_the_end_of_an_enrolment(
    old: Any, moment: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(oauth, "REFRESHES", Pace(at_once=1, per_s=0.01))
        told = [old.refresh() for _ in range(3)]
    assert [each.status_code for each in told] == [200] * 3
    assert [bool(each.json()["access_token"]) for each in told] == [True, False, False]
    assert old.refresh().json()["access_token"]


def test_K5_a_passing_fault_is_never_the_end_of_an_enrolment(
    old: Any, monkeypatch: pytest.MonkeyPatch, moment: Any
) -> None:
    def locked(*args: object, **more: object) -> None:
        raise OperationalError("database is locked")

    with monkeypatch.context() as patch:
        patch.setattr(legacy, "refresh_legacy", locked)
        answer = old.refresh()
    assert answer.status_code == 200
    assert set(answer.json()) >= {"access_token", "expires_in", "refresh_token", "scope"}
    assert answer.json()["refresh_token"] == old.told["refreshToken"]
    old.told["accessToken"] = answer.json()["access_token"]
    failed = old.post((moment(), "import"))
    assert (failed.status_code, "TokenExpiredError" in failed.json()["error_desc"]) == (401, False)
    assert old.refresh().status_code == 200


def test_who_withdrew_or_whose_project_stopped_is_told_at_the_next_refresh(old: Any, project: Any) -> None:
    actions.set_collecting(project, is_on=False, by=command(), at=timezone.now())
    assert old.refresh().status_code == 400
    actions.set_collecting(project, is_on=True, by=command(), at=timezone.now())
    assert old.refresh().status_code == 200
    actions.withdraw_install(old.row, at=timezone.now())
    assert old.refresh().status_code == 400
    assert old.refresh().json()["error"] == "invalid_grant"


def test_A90_its_tokens_open_no_other_door(old: Any, client: Client, copy: Any, today: str) -> None:
    bearer = {"Authorization": f"Bearer {old.told['accessToken']}"}
    path = f"/api/usage-install/{old.told['installId']}"
    assert client.get(path, headers=bearer).status_code == 401
    assert client.delete(path, headers=bearer).status_code == 401
    assert client.get("/api/v1/account", headers=bearer).status_code in (401, 404)
    form = {"grant_type": "refresh_token", "refresh_token": old.told["refreshToken"], "client_id": "otumat-usage"}
    assert client.post("/auth/token", urlencode(form), content_type=FORM).status_code == 400
    for token in (old.told["accessToken"], old.told["refreshToken"]):
        client.post("/oauth/revoke", urlencode({"token": token}), content_type=FORM)
    assert old.refresh().status_code == 200
    new = copy()
    new.told = {**new.told, "access_token": old.told["accessToken"]}
    assert new.send(new.batch([today, "import", {}, 1])).status_code == 401


def test_A90_a_token_tells_for_its_own_install_alone(
    old: Any, client: Client, moment: Any, counted: Any, answer: Any
) -> None:
    other = dict(parse_qsl(urlsplit(answer(client, "yes")["Location"]).query))
    assert old.post((moment(), "import"), installId=other["installId"]).status_code == 400
    assert counted() == {}


def test_A90_tokens_of_new_copies_do_not_speak_the_old_dialect(old: Any, copy: Any, moment: Any, counted: Any) -> None:
    new = copy()
    old.told |= {"accessToken": new.told["access_token"], "installId": new.told["install"]}
    assert old.post((moment(), "import")).status_code == 401
    assert old.refresh(token=new.told["refresh_token"]).status_code == 400
    assert counted() == {}
