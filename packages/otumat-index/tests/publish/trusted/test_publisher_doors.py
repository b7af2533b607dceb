"""Trusted publishers by API and by page."""

from __future__ import annotations

import base64
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from django.test import Client

from harness.issuer import GITHUB, GITHUB_RUN, Issuer
from otumat.errors import Refused
from otumat_index.accounts.credentials import of_user
from otumat_index.accounts.models import User
from otumat_index.journal.actor import Actor, command
from otumat_index.publish.actions import assign_role, remove_role
from otumat_index.publish.models import Project, TrustedPublisher
from otumat_index.publish.trusted import actions, minting, queries

pytestmark = pytest.mark.django_db
Run = Callable[..., str]


def test_the_api_does_all_of_it(client: Client, rocket: Project, alice: User, github: Issuer, auth: Any) -> None:
    headers = auth(alice)

    def ask(method: str, path: str, body: object = None) -> Any:
        return getattr(client, method)(f"/api/v1{path}", body, content_type="application/json", headers=headers)

    offered = ask("get", "/publishers").json()["issuers"]
    assert [(each["issuer"], each["kind"]) for each in offered] == [(github.url, "github")]
    assert {field["name"] for field in offered[0]["fields"] if field["needed"]} == {"repository", "workflow"}
    described = {"issuer": github.url, "claims": GITHUB}
    added = ask("post", "/project/rocket/publishers", described).json()
    assert (added["ok"], added["claims"], added["added_by"], added["sleeps"]) == (True, GITHUB, "alice", "")
    assert ask("post", "/project/rocket/publishers", described).status_code == 409
    assert [row["id"] for row in ask("get", "/project/rocket/publishers").json()["publishers"]] == [added["id"]]
    waiting = ask("post", "/publishers", {**described, "project": "comet"}).json()
    assert waiting["expires_at"]
    assert [row["project"] for row in ask("get", "/publishers").json()["publishers"]] == ["comet"]
    assert ask("delete", f"/publishers/{waiting['id']}").json() == {"ok": True}
    assert ask("delete", f"/project/rocket/publishers/{added['id']}").json() == {"ok": True}
    assert ask("delete", f"/project/rocket/publishers/{added['id']}").status_code == 404
    wrong = ask("post", "/project/rocket/publishers", {"issuer": github.url, "claims": {"repository": "rocket"}})
    assert wrong.status_code == 400
    assert [problem["field"] for problem in wrong.json()["problems"]] == ["repository", "workflow"]


def test_a_publisher_whose_person_left_is_shown_asleep(
    client: Client, publisher: TrustedPublisher, rocket: Project, alice: User, bob: User, auth: Any, now: datetime
) -> None:
    assign_role(rocket, bob, "owner", by=command(), at=now)
    remove_role(rocket, alice, by=of_user(bob, "session"), at=now)
    row = client.get("/api/v1/project/rocket/publishers", headers=auth(bob)).json()["publishers"][0]
    assert row["sleeps"].startswith("alice may not publish")
    client.force_login(bob)
    assert b"asleep" in client.get("/manage/project/rocket/publishing/").content


def test_a_list_takes_no_more_queries_when_it_is_longer(
    rocket: Project, alice: User, github: Issuer, now: datetime, django_assert_num_queries: Any
) -> None:
    by = of_user(alice, "session")
    for number in range(5):
        claims = {**GITHUB, "workflow": f"release{number}.yml"}
        actions.add_publisher(rocket, issuer=github.url, claims=claims, by=by, at=now)
    with django_assert_num_queries(2):
        assert len(queries.of_project(rocket)) == 5


def test_the_page_of_a_project(client: Client, rocket: Project, alice: User, github: Issuer) -> None:
    client.force_login(alice)
    page = "/manage/project/rocket/publishing/"
    assert github.url in client.get(page).content.decode()
    wrong = client.post(page, {"issuer": github.url, "repository": "<rocket>", "workflow": "release.yml"})
    assert wrong.status_code == 400
    assert "&lt;rocket&gt;" in wrong.content.decode()
    done = client.post(page, {"issuer": github.url, **GITHUB, "environment": "release"}, follow=True)
    assert done.redirect_chain == [(page, 302)]
    assert "github acme/rocket release.yml release" in done.content.decode()
    added = TrustedPublisher.objects.get()
    assert added.claims == {**GITHUB, "environment": "release"}
    assert client.get(f"{page}{added.pk}/remove").status_code == 405
    client.post(f"{page}{added.pk}/remove")
    assert not TrustedPublisher.objects.exists()


def test_the_page_of_pending_ones(client: Client, alice: User, github: Issuer) -> None:
    client.force_login(alice)
    page = "/account/publishing/"
    assert client.get(page).status_code == 200
    wrong = client.post(page, {"issuer": github.url, "project": "json", **GITHUB})
    assert wrong.status_code == 400
    assert 'value="json"' in wrong.content.decode()
    client.post(page, {"issuer": github.url, "project": "comet", **GITHUB})
    added = TrustedPublisher.objects.get()
    assert "comet" in client.get(page).content.decode()
    client.post(f"{page}{added.pk}/remove")
    assert not TrustedPublisher.objects.exists()


def test_more_claims_are_typed_one_a_line(
    client: Client, rocket: Project, alice: User, issuer: Issuer, trusting: Callable[..., None]
) -> None:
    trusting(issuer.url)
    client.force_login(alice)
    sent = {"issuer": issuer.url, "sub": "build", "extra": "stage=release\nteam = a=b\n"}
    client.post("/manage/project/rocket/publishing/", sent)
    assert TrustedPublisher.objects.get().claims == {"sub": "build", "extra": {"stage": "release", "team": "a=b"}}


@pytest.mark.parametrize("who", ["nobody", "stranger", "maintainer"])
def test_A46_pages_are_for_owners(
    who: str, client: Client, publisher: TrustedPublisher, rocket: Project, bob: User, now: datetime
) -> None:
    if who == "maintainer":
        assign_role(rocket, bob, "maintainer", by=command(), at=now)
    if who != "nobody":
        client.force_login(bob)
    page = "/manage/project/rocket/publishing/"
    expected = 302 if who == "nobody" else 403
    assert client.get(page).status_code == expected
    assert client.post(page, {"issuer": publisher.issuer, **GITHUB}).status_code == expected
    assert client.post(f"{page}{publisher.pk}/remove").status_code == expected
    assert TrustedPublisher.objects.count() == 1


def test_A49_forms_need_their_own_page(alice: User, publisher: TrustedPublisher) -> None:
    careful = Client(enforce_csrf_checks=True)
    careful.force_login(alice)
    assert careful.post(f"/manage/project/rocket/publishing/{publisher.pk}/remove").status_code == 403
    assert careful.post("/account/publishing/", {}).status_code == 403


def test_minting_never_looks_at_a_cookie(alice: User, publisher: TrustedPublisher) -> None:
    careful = Client(enforce_csrf_checks=True)
    careful.force_login(alice)
    answer = careful.post("/_/oidc/mint-token", {"token": "x"}, content_type="application/json")
    assert answer.json()["code"] == "invalid_token"


def test_a_minted_token_is_none_of_its_persons_tokens(
    client: Client, publisher: TrustedPublisher, alice: User, minted: Callable[..., Actor], auth: Any
) -> None:
    minted()
    listed = client.get("/api/v1/tokens", headers=auth(alice)).json()["tokens"]
    assert [token["name"] for token in listed] == ["test"]


def test_whoami_says_that_it_is_a_publisher(
    client: Client, publisher: TrustedPublisher, run: Run, github: Issuer
) -> None:
    from django.utils import timezone

    now = timezone.now()
    text = minting.mint(github.sign({**GITHUB_RUN, **github.times(now)}), at=now).text
    basic = base64.b64encode(f"__token__:{text}".encode()).decode()
    told = client.get("/api/v1/whoami", headers={"Authorization": f"Basic {basic}"}).json()
    assert told["user"] == told["credential"] == f"publisher:{publisher.pk}"
    assert (told["actions"], told["projects"]) == (["submit", "upload"], ["rocket"])


def test_a_publisher_that_was_removed_between_check_and_write_is_refused(
    publisher: TrustedPublisher, rocket: Project, alice: User, minted: Callable[..., Actor], now: datetime
) -> None:
    from otumat_index.publish.actions import entry
    from otumat_index.publish.trusted.standing import stand_in

    person = stand_in(minted(), "rocket", at=now)
    actions.remove_publisher(rocket, publisher.pk, by=of_user(alice, "session"), at=now)
    with pytest.raises(Refused):
        entry.get_or_claim("rocket", by=person, at=now)
