"""Surveys: what may be asked, who is asked, what is kept, and who sees it."""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
from django.test import Client

from harness.consent import LINK, REDIRECT, VERIFIER
from otumat.errors import Invalid
from otumat_index.accounts.models import User
from otumat_index.journal.actor import command
from otumat_index.journal.models import Entry
from otumat_index.publish.models import Role
from otumat_index.usage import actions
from otumat_index.usage.models import Enrolment, Install
from otumat_index.usage.surveys import actions as surveys
from otumat_index.usage.surveys import queries, rules
from otumat_index.usage.surveys.models import Survey, SurveyAnswer, SurveyCount

pytestmark = pytest.mark.django_db(databases="__all__")
HTML = {"Accept": "text/html"}
ASKED = [
    {"question": "What do you use it for?", "choices": ["Research", "Teaching"]},
    {"question": "How large is your team?", "choices": ["One", "A few", "Many"]},
]


@pytest.fixture
def survey(project: Any, now: Any) -> Survey:
    """What Alice's project asks."""
    made = surveys.set_survey(project, ASKED, by=command(), at=now)
    assert made is not None
    return made


def answer(client: Client, **fields: str) -> Any:
    """A yes with answers; the tokens that come of it."""
    form = urlencode({**LINK, "answer": "yes-with-answers", **fields})
    back = client.post("/api/usage-install", form, content_type="application/x-www-form-urlencoded", headers=HTML)
    assert back.status_code == 303, back.content
    code = dict(parse_qsl(urlsplit(back["Location"]).query))["code"]
    grant = {"grant_type": "authorization_code", "code": code, "redirect_uri": REDIRECT, "code_verifier": VERIFIER}
    tokens = client.post("/auth/token", {**grant, "client_id": "otumat-usage"})
    assert tokens.status_code == 200, tokens.content
    return tokens.json()


def counts(survey: Survey) -> dict[tuple[int, int], int]:
    return {(each.question, each.choice): each.times for each in SurveyCount.objects.filter(survey=survey)}


@pytest.mark.parametrize(
    "wrong",
    [
        "text",
        [{"question": "x", "choices": ["a", "b"]}] * 6,
        [{"question": "", "choices": ["a", "b"]}],
        [{"question": "x", "choices": ["a"]}],
        [{"question": "x", "choices": ["a", "a"]}],
        [{"question": "x", "choices": ["a", " "]}],
        [{"question": "x", "choices": ["a", "b" * 81]}],
        [{"question": "x" * 201, "choices": ["a", "b"]}],
        [{"question": "x\ny", "choices": ["a", "b"]}],
        [{"question": "x", "choices": [str(n) for n in range(11)]}],
        [{"question": "x", "choices": "ab"}],
        [{"question": "x", "choices": [1, 2]}],
        ["x"],
    ],
)
def test_what_cannot_be_asked_is_refused(wrong: object) -> None:
    with pytest.raises(Invalid):
        rules.read(wrong)


def test_everything_wrong_is_told_at_once() -> None:
    with pytest.raises(Invalid) as told:
        rules.read([{"question": "", "choices": ["a"]}, {"question": "x", "choices": ["a", "a"]}])
    assert [problem.field for problem in told.value.problems] == ["question-1", "question-1", "question-2"]


def test_the_page_asks_below_the_yes_and_the_no(survey: Survey, client: Client) -> None:
    text = client.get("/user/usage-install", LINK, headers=HTML).content.decode()
    assert text.index("No, tell nothing") < text.index("What do you use it for?") < text.index("with these answers")
    assert text.count("No answer") == text.count("checked") == 2


def test_a_project_that_asks_nothing_shows_no_questions(project: Any, client: Client, now: Any) -> None:
    assert "No answer" not in client.get("/user/usage-install", LINK, headers=HTML).content.decode()
    surveys.set_survey(project, ASKED, by=command(), at=now)
    surveys.set_survey(project, [], by=command(), at=now)
    assert "No answer" not in client.get("/user/usage-install", LINK, headers=HTML).content.decode()


def test_who_has_a_code_only_is_asked_nothing(survey: Survey, client: Client) -> None:
    form = {"client_id": "otumat-usage", "scope": "usage", "project": "roundup", "release": "1.0", "wording": "1"}
    told = client.post("/oauth/device", form).json()
    page = client.get("/device", {"user_code": told["user_code"]}, headers=HTML).content.decode()
    assert "To learn which features are used." in page
    assert "No answer" not in page


def test_answers_are_kept_with_the_install_and_counted(survey: Survey, client: Client) -> None:
    tokens = answer(client, survey="1", **{"survey-0": "1", "survey-1": "2"})
    assert counts(survey) == {(0, 1): 1, (1, 2): 1}
    answer(client, survey="1", **{"survey-0": "1", "survey-1": ""})
    assert counts(survey) == {(0, 1): 2, (1, 2): 1}
    headers = {"Authorization": f"Bearer {tokens['access_token']}"}
    told = client.get(f"/api/usage-install/{tokens['install']}", headers=headers).json()["survey"]
    assert [(each["question"], each["choice"]) for each in told] == [
        ("What do you use it for?", "Teaching"),
        ("How large is your team?", "Many"),
    ]
    assert not any(Enrolment.objects.values_list("answers", flat=True))


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"survey": "1"},
        {"survey": "1", "survey-0": "2"},
        {"survey": "1", "survey-0": "-1"},
        {"survey": "1", "survey-0": "free text"},
        {"survey": "1", "survey-7": "0"},
        {"survey": "2", "survey-0": "0"},
        {"survey": "x", "survey-0": "0"},
        {"survey": "9" * 30, "survey-0": "0"},
        {"survey-0": "0"},
    ],
)
def test_a_yes_counts_whatever_becomes_of_the_questions(survey: Survey, client: Client, fields: dict[str, str]) -> None:
    answer(client, **fields)
    assert (Install.objects.count(), SurveyAnswer.objects.count(), counts(survey)) == (1, 0, {})


def test_a_plain_yes_sends_no_answers_whatever_was_chosen_before(survey: Survey, client: Client) -> None:
    answer(client, answer="yes", survey="1", **{"survey-0": "1", "survey-1": "2"})
    assert (Install.objects.count(), SurveyAnswer.objects.count(), counts(survey)) == (1, 0, {})


def test_a_no_answers_nothing(survey: Survey, client: Client) -> None:
    form = urlencode({**LINK, "answer": "no", "survey": "1", "survey-0": "1"})
    client.post("/api/usage-install", form, content_type="application/x-www-form-urlencoded", headers=HTML)
    assert (Enrolment.objects.count(), counts(survey)) == (0, {})


def test_a_change_is_a_version_and_an_open_page_answers_its_own(
    survey: Survey, project: Any, client: Client, now: Any
) -> None:
    surveys.set_survey(project, ASKED, by=command(), at=now)
    assert Survey.objects.count() == 1
    second = surveys.set_survey(project, ASKED[::-1], by=command(), at=now)
    assert second is not None
    assert second.version == 2
    answer(client, survey="1", **{"survey-0": "1"})
    answer(client, survey="2", **{"survey-0": "2"})
    assert (counts(survey), counts(second)) == ({(0, 1): 1}, {(0, 2): 1})
    assert [result.survey.version for result in queries.results(project)] == [2, 1]
    assert Entry.objects.filter(action="usage.survey").count() == 2


def test_U14_answers_go_with_their_install_and_sums_stay(survey: Survey, client: Client, now: Any) -> None:
    answer(client, survey="1", **{"survey-0": "0"})
    actions.erase_install(Install.objects.get(), at=now)
    assert (SurveyAnswer.objects.count(), Enrolment.objects.count(), counts(survey)) == (0, 0, {(0, 0): 1})


def test_the_owner_s_page_takes_questions_and_shows_sums(survey: Survey, client: Client, alice: User) -> None:
    answer(client, survey="1", **{"survey-0": "1"})
    client.force_login(alice, backend="allauth.account.auth_backends.AuthenticationBackend")
    path = "/manage/project/roundup/survey/"
    text = client.get(path).content.decode()
    assert re.search(r"Teaching</th><td class=\"number\">1</td><td class=\"number\">100%<svg class=\"meter\"", text)
    assert "<meter" not in text  # a browser's own has colours of its own
    assert client.post(path, {"question-1": "Why?", "choices-1": "One"}).status_code == 400
    changed = {"question-1": "Why?", "choices-1": "One\r\nTwo\r\n", "question-3": "How?", "choices-3": "So\nElse"}
    assert client.post(path, changed).status_code == 302
    assert Survey.objects.first().questions == [  # type: ignore[union-attr]
        {"question": "Why?", "choices": ["One", "Two"]},
        {"question": "How?", "choices": ["So", "Else"]},
    ]


def test_owners_see_what_came_of_it_and_nobody_else(
    survey: Survey, project: Any, client: Client, alice: User, bob: User, charlie: User, auth: Any, now: Any
) -> None:
    Role.objects.create(project=project, user=bob, kind="maintainer", granted_at=now)
    answer(client, survey="1", **{"survey-0": "1"})
    path = "/api/v1/project/roundup/survey"
    told = client.get(path, headers=auth(alice)).json()
    assert told["results"][0]["questions"][0] == {
        "question": "What do you use it for?",
        "answered": 1,
        "choices": {"Research": 0, "Teaching": 1},
    }
    for user in (bob, charlie):
        assert client.get(path, headers=auth(user)).status_code == 403
        sent = json.dumps({"questions": []})
        answered = client.put(path, sent, content_type="application/json", headers=auth(user))
        assert answered.status_code == 403
    assert "Teaching" not in client.get("/project/roundup/", headers=HTML).content.decode()


def test_the_api_asks_other_questions(survey: Survey, client: Client, alice: User, auth: Any) -> None:
    path = "/api/v1/project/roundup/survey"
    for questions, version in ((ASKED[:1], 2), (ASKED[:1], 2), ([], 3)):
        sent = json.dumps({"questions": questions})
        answered = client.put(path, sent, content_type="application/json", headers=auth(alice))
        assert (answered.status_code, answered.json().get("version")) == (200, version)
