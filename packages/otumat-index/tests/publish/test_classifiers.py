"""An index's own classifiers: admins add them, releases carry them, everybody sees them in the list."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from otumat.errors import Invalid
from otumat_index.accounts.credentials import of_user
from otumat_index.accounts.models import User
from otumat_index.journal.models import Entry
from otumat_index.journal.sentences import told
from otumat_index.publish import actions, queries, rules
from otumat_index.publish.models import Classifier, Release

pytestmark = pytest.mark.django_db
OWN = "Acme :: Team :: Payments"
PAGE = "/admin/classifiers/"


def test_an_admin_adds_classifiers_on_the_page_and_releases_may_carry_them(
    client: Client, admin: User, alice: User, submit: Any
) -> None:
    assert submit(alice, classifiers=OWN).status_code == 400
    client.force_login(admin)
    answer = client.post(PAGE, {"classifiers": f"  {OWN}\r\n\r\nAcme :: Team :: Search"}, follow=True)
    assert "2 classifiers are on the list now." in answer.content.decode()
    assert submit(alice, classifiers=OWN).status_code == 200
    assert Release.objects.get().classifiers == [OWN]
    assert OWN in Client().get("/classifiers/?format=text").content.decode().splitlines()


def test_what_is_taken_off_is_kept_by_those_who_carry_it(
    client: Client, admin: User, alice: User, submit: Any, now: Any
) -> None:
    actions.add_classifiers([OWN], by=of_user(admin, "session"), at=now)
    submit(alice, classifiers=OWN)
    client.force_login(admin)
    answer = client.post(PAGE, {"remove": OWN}, follow=True)
    assert "is off the list" in answer.content.decode()
    assert OWN not in queries.vocabulary().allowed
    assert Classifier.objects.filter(text=OWN).exists()
    assert submit(alice, version="2.0", classifiers=OWN).status_code == 400
    assert client.post(PAGE, {"remove": OWN}).status_code == 404


def test_the_api_adds_and_takes_off(client: Client, admin: User, auth: Any) -> None:
    url, headers = "/api/v1/admin/classifiers", auth(admin)
    body = {"classifiers": [OWN]}
    added = client.post(url, body, content_type="application/json", headers=headers)
    assert added.json() == {"ok": True, "added": [OWN]}
    again = client.post(url, body, content_type="application/json", headers=headers)
    assert (again.status_code, again.json()["problems"][0]["code"]) == (400, "classifier.taken")
    assert client.delete(url, query_params={"classifier": OWN}, headers=headers).json()["removed"] == OWN
    assert client.delete(url, query_params={"classifier": OWN}, headers=headers).status_code == 404


def test_each_change_is_one_line_of_the_journal(admin: User, now: Any) -> None:
    by = of_user(admin, "session")
    before = Entry.objects.count()
    actions.add_classifiers([OWN, "Acme :: x"], by=by, at=now)
    actions.remove_classifier(OWN, by=by, at=now)
    rows = Entry.objects.order_by("serial")[before:]
    assert [told(row).sentence for row in rows] == [
        f"added “{OWN}” and 1 more to the list of classifiers",
        f"took “{OWN}” off the list of classifiers",
    ]


@pytest.mark.parametrize("texts", [[], ["Alone"], ["Framework :: Django"], [OWN, OWN.upper()], ["a :: b"] * 500])
def test_bad_ones_are_refused_together_and_nothing_is_kept(admin: User, now: Any, texts: list[str]) -> None:
    with pytest.raises(Invalid):
        actions.add_classifiers(texts, by=of_user(admin, "session"), at=now)
    assert queries.own_classifiers() == frozenset()


SHAPES = ["A", "A::B", "A :: ", " :: B", "A ::  B", "A :: b\nc", "A :: b\0c", "A :: B :: C :: D :: E :: F"]


@pytest.mark.parametrize("text", [*SHAPES, "A :: " + "b" * 300])
def test_a_classifier_has_two_to_five_tidy_parts(text: str) -> None:
    found = rules.check_own([text], vocabulary=queries.vocabulary_with(frozenset()), widths=queries.widths())
    assert [problem.code for problem in found] == ["classifier.shape"]


def test_usual_classifiers_cost_no_question(django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(0):
        assert "Framework :: Django" in queries.vocabulary_for(["Framework :: Django"]).allowed
    with django_assert_num_queries(1):
        queries.vocabulary_for([OWN])
