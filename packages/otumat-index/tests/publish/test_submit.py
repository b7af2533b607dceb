"""The draft's submit, requirement by requirement."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from otumat_index.accounts.models import User
from otumat_index.journal.models import Entry
from otumat_index.publish.models import File, Project, Release, Role

pytestmark = pytest.mark.django_db
Submit = Callable[..., Any]


def test_D02_metadata_alone_makes_an_entry(submit: Submit, alice: User) -> None:
    response = submit(alice, summary="An issue tracker")
    assert response.status_code == 200
    assert response.json() == {
        "ok": True,
        "action": "created",
        "name": "roundup",
        "version": "1.0",
        "url": "http://localhost:8000/project/roundup/1.0/",
        "problems": [],
    }
    assert Release.objects.get().summary == "An issue tracker"
    assert not File.objects.exists()


def test_D06_D07_a_second_submit_of_a_pair_updates_the_one_entry(submit: Submit, alice: User) -> None:
    submit(alice, summary="first")
    response = submit(alice, version="1.0.0", summary="second")
    assert response.json()["action"] == "updated"
    assert [release.summary for release in Release.objects.all()] == ["second"]


def test_D22_the_same_door_creates_and_updates(submit: Submit, alice: User) -> None:
    assert [submit(alice).json()["action"], submit(alice).json()["action"]] == ["created", "updated"]


def test_D25_an_update_clears_what_it_does_not_say(submit: Submit, alice: User) -> None:
    submit(
        alice,
        summary="first",
        keywords="a,b",
        classifiers=["Topic :: Office/Business"],
        home_page="https://example.org",
    )
    submit(alice, author="R. Jones")
    release = Release.objects.get()
    assert (release.summary, release.keywords, release.classifiers, release.home_page) == ("", [], [], "")
    assert release.author == "R. Jones"
    assert not release.classifier_links.exists()


@pytest.mark.parametrize("missing", ["name", "version"])
@pytest.mark.parametrize("how", ["empty", "absent"])
def test_D20_D21_name_and_version_are_mandatory(client: Client, auth: Any, alice: User, missing: str, how: str) -> None:
    fields = {"name": "roundup", "version": "1.0", missing: ""}
    if how == "absent":
        del fields[missing]
    response = client.post("/submit", fields, headers={"Accept": "application/json", **auth(alice)})
    assert response.status_code == 400
    assert missing in {problem["field"] for problem in response.json()["problems"]}
    assert not Project.objects.exists()


def test_D23_every_mistake_is_told_at_once(submit: Submit, alice: User) -> None:
    response = submit(
        alice,
        version="one point zero",
        home_page="javascript:alert(1)",
        author_email="not an address",
        requires_dist=["this is ! no requirement"],
        classifiers=["Topic :: Nothing"],
    )
    assert response.status_code == 400
    fields = {problem["field"] for problem in response.json()["problems"]}
    assert {"version", "home_page", "author_email", "requires_dist", "classifiers"} <= fields
    assert all(problem["message"] for problem in response.json()["problems"])


def test_D24_D45_an_unknown_classifier_is_named_with_what_was_meant(submit: Submit, alice: User) -> None:
    response = submit(alice, classifiers=["Environment :: Console (Text Based)"])
    problem = next(each for each in response.json()["problems"] if each["field"] == "classifiers")
    assert "Environment :: Console (Text Based)" in problem["message"]
    assert problem["suggestions"][0] == "Environment :: Console"


def test_D46_discriminators_and_classifiers_are_one_field(submit: Submit, alice: User) -> None:
    submit(alice, discriminators=["Topic :: Office/Business"], classifiers=["Environment :: Console"])
    assert set(Release.objects.get().classifiers) == {"Topic :: Office/Business", "Environment :: Console"}


def test_D36_submit_asks_for_a_login(submit: Submit) -> None:
    response = submit(None)
    assert response.status_code == 401
    assert response["WWW-Authenticate"].startswith("Basic ")
    assert not Project.objects.exists()


def test_D37_plain_http_can_be_refused(submit: Submit, alice: User, settings: Any) -> None:
    import dataclasses

    settings.CONFIG = dataclasses.replace(settings.CONFIG, require_https=True)
    response = submit(alice)
    assert (response.status_code, response.json()["error"]["code"]) == (403, "https_required")


def test_D31_the_first_submitter_owns_the_name(submit: Submit, alice: User) -> None:
    submit(alice)
    assert list(Role.objects.values_list("user__username", "kind")) == [("alice", "owner")]


def test_D34_anyone_else_is_refused(submit: Submit, alice: User, charlie: User) -> None:
    submit(alice, summary="mine")
    response = submit(charlie, summary="theirs")
    assert (response.status_code, response.json()["error"]["code"]) == (403, "role")
    assert Release.objects.get().summary == "mine"


def test_D43_D44_verify_tells_the_same_and_writes_nothing(submit: Submit, alice: User) -> None:
    bad = {"classifiers": ["Topic :: Nothing"], "summary": "two\nlines"}
    told = submit(alice, **{":action": "verify"}, **bad).json()
    assert told == submit(alice, **bad).json()
    before = Entry.objects.count()
    good = submit(alice, **{":action": "verify"})
    assert good.json()["action"] == "verified"
    assert not Project.objects.exists()
    # The token made for each call is the only thing that happened.
    assert [entry.action for entry in Entry.objects.order_by("serial")[before:]] == ["token.create"]


def test_the_answer_reads_well_for_a_person(client: Client, auth: Any, alice: User) -> None:
    response = client.post("/submit", {"name": "roundup", "version": "1.0"}, headers=auth(alice))
    assert response["Content-Type"].startswith("text/plain")
    assert response.content.decode().startswith(
        "roundup 1.0 is on the index now: http://localhost:8000/project/roundup/"
    )


def test_each_change_leaves_one_journal_row_without_gaps(submit: Submit, alice: User) -> None:
    submit(alice)
    submit(alice, summary="x")
    rows = list(Entry.objects.order_by("serial"))
    assert [row.serial for row in rows] == list(range(1, len(rows) + 1))
    assert [row.action for row in rows if row.topic] == ["release.create", "release.update"]
    assert rows[-1].credential.startswith("token:")
