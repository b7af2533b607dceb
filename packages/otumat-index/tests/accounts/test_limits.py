"""How often one account may ask, change and claim: 429 with Retry-After, and nothing changed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from django.test import Client

from otumat_index.accounts import limits
from otumat_index.accounts.models import User
from otumat_index.publish.models import Project, Release

pytestmark = pytest.mark.django_db
FORM = "application/x-www-form-urlencoded"


@pytest.fixture(autouse=True)
def fresh() -> Any:
    limits.pace_of.cache_clear()
    yield
    limits.pace_of.cache_clear()


def limited(settings: Any, **values: int) -> None:
    settings.CONFIG = replace(settings.CONFIG, **values)


def test_A85_one_account_sends_so_many_changes_an_hour_by_any_door_and_credential(
    client: Client, auth: Any, alice: User, bob: User, settings: Any
) -> None:
    limited(settings, max_writes_per_hour=3)
    sent = {"name": "roundup", "version": "1.0"}

    def submit(user: User, path: str = "/submit", **more: str) -> Any:
        return client.post(path, {**sent, **more}, headers={**auth(user), "Accept": "application/json"})

    assert submit(alice).status_code == 200
    assert submit(alice, "/legacy/", **{":action": "submit"}).status_code == 200
    assert client.post("/api/v1/tokens", {"name": "x"}, "application/json", headers=auth(alice)).status_code == 200
    for path in ("/submit", "/legacy/", "/pypi"):
        refused = submit(alice, path, version="2.0", **{":action": "submit"})
        assert (refused.status_code, refused.json()["error"]["code"]) == (429, "too_many")
        assert 1 <= int(refused["Retry-After"]) <= 1200
        assert "'alice' has reached the limit of 3 changes in an hour" in refused.json()["error"]["message"]
    assert Release.objects.count() == 1
    assert client.get("/api/v1/whoami", headers=auth(alice)).status_code == 200, "she may still look"
    assert client.get("/simple/roundup/", headers=auth(alice)).status_code == 200
    assert submit(bob, name="other").status_code == 200, "others have their own"


def test_questions_to_the_api_have_a_limit_of_their_own(client: Client, auth: Any, alice: User, settings: Any) -> None:
    limited(settings, max_reads_per_hour=2)
    asked = [client.get("/api/v1/whoami", headers=auth(alice)) for _ in range(3)]
    assert [answer.status_code for answer in asked] == [200, 200, 429]
    assert asked[2]["Retry-After"] == "1800"


def test_new_names_have_a_limit_a_day(submit: Any, auth: Any, client: Client, alice: User, settings: Any) -> None:
    limited(settings, max_new_projects_per_day=1)
    submit(alice)
    answer = client.post("/submit", {"name": "second", "version": "1.0"}, headers=auth(alice))
    assert answer.status_code == 429
    assert not Project.objects.filter(normalized="second").exists()
    assert client.post("/submit", {"name": "roundup", "version": "2.0"}, headers=auth(alice)).status_code == 200


def test_no_limit_is_no_limit(client: Client, auth: Any, alice: User, settings: Any) -> None:
    limited(settings, max_writes_per_hour=0, max_reads_per_hour=0, max_new_projects_per_day=0)
    for number in range(5):
        sent = {"name": f"project-{number}", "version": "1.0"}
        assert client.post("/submit", sent, headers=auth(alice)).status_code == 200
