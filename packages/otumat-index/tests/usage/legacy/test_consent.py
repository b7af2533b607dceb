"""Routes 1 and 2 for copies of Otumat 0.3: the question, and where its answer may go; and `LEGACY_AGENT` itself."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

import pytest
from django.conf import settings
from django.test import Client
from django.utils import timezone

from otumat_index.accounts.models import User
from otumat_index.config import Config
from otumat_index.journal.actor import command
from otumat_index.usage import limits
from otumat_index.usage.models import Install
from otumat_index.usage.surveys.actions import set_survey
from otumat_index.web.pace import Pace

pytestmark = pytest.mark.django_db(databases="__all__")
HTML = {"Accept": "text/html"}


def test_off_unless_set(project: Any, client: Client, answer: Any, link: dict[str, str]) -> None:
    assert settings.CONFIG.legacy_agent is False
    asked, form = client.get("/user/usage-install", link, headers=HTML), answer(client, "yes")
    nonsense = client.get("/user/usage-install", {"x": "y"}, headers=HTML)
    assert (asked.status_code, form.status_code, nonsense.status_code) == (400, 400, 400)
    assert "/install-completed" not in asked.content.decode() + form.content.decode()
    assert not Install.objects.exists()


def test_a_copy_from_when_it_was_on_is_a_stranger_when_it_is_off(
    old: Any, served: Config, moment: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    import dataclasses

    monkeypatch.setattr(settings, "CONFIG", dataclasses.replace(served, legacy_agent=False))
    known = (old.post((moment(), "import")), old.refresh())
    old.told |= {"accessToken": "x" * 43, "refreshToken": "y" * 43}
    unknown = (old.post((moment(), "import")), old.refresh())
    assert [(each.status_code, each.content) for each in known] == [
        (each.status_code, each.content) for each in unknown
    ]
    assert [each.status_code for each in known] == [401, 401]


def test_K22_the_browser_is_sent_on_to_an_address_without_what_nobody_asked_for(
    project: Any, served: Config, client: Client, link: dict[str, str]
) -> None:
    first = client.get("/user/usage-install", link, headers=HTML)
    assert first.status_code == 303
    asked = parse_qs(urlsplit(first["Location"]).query)
    kept = {"packageName", "packageVersion", "platformVersion", "operatingSystem", "redirect", "cancel"}
    assert set(asked) == kept
    page = client.get(first["Location"], headers=HTML)
    assert page.status_code == 200
    for private in ("02:fc", "Gotham", "Chicago", "1795296000"):
        assert private not in first["Location"] + page.content.decode()


def test_the_page_says_what_an_old_copy_sends_and_where_the_answer_goes(
    project: Any, served: Config, client: Client, link: dict[str, str]
) -> None:
    page = client.get("/user/usage-install", link, headers=HTML, follow=True)
    text = page.content.decode()
    for words in ("To learn which features are used.", "How often data are read.", "pip install --upgrade otumat"):
        assert words in text
    assert "at 192.168.1.5" in text
    assert "form-action 'self' http://192.168.1.5:49152" in page["Content-Security-Policy"]


@pytest.mark.parametrize("name", ["redirect", "cancel"])
@pytest.mark.parametrize(
    "address",
    [
        "https://192.168.1.5:49152{path}",
        "http://192.168.1.5{path}",
        "http://192.168.1.5:0{path}",
        "http://192.168.1.5:65536{path}",
        "http://192.168.1.5:49152/",
        "http://192.168.1.5:49152{path}?accessToken=x",
        "http://192.168.1.5:49152{path}#x",
        "http://192.168.1.5:49152{path}/",
        "http://192.168.1.5:49152/x{path}",
        "http://192.168.1.5:49152@evil.example.org{path}",
        "http://x@192.168.1.5:49152{path}",
        "http://localhost:49152{path}",
        "http://192.168.1.5.evil.example.org:49152{path}",
        "http://93.184.215.14:49152{path}",
        "http://172.32.0.1:49152{path}",
        "http://169.254.169.254:80{path}",
        "http://0.0.0.0:49152{path}",
        "http://192.168.001.5:49152{path}",
        "http://192.168.1.256:49152{path}",
        "http://3232235781:49152{path}",
        "http://[::ffff:93.184.215.14]:49152{path}",
        "http://[fe80::1]:49152{path}",
        "javascript:alert(1)//{path}",
        "//192.168.1.5:49152{path}",
        "http://192.168.1.5:49152{path}\r\nX: y",
        "",
    ],
)
def test_A90_an_old_link_that_leads_elsewhere_leads_nowhere(
    project: Any, served: Config, client: Client, name: str, address: str, answer: Any, link: dict[str, str]
) -> None:
    wrong = {name: address.format(path={"redirect": "/install-completed", "cancel": "/install-cancelled"}[name])}
    for response in (
        client.get("/user/usage-install", {**link, **wrong}, headers=HTML),
        answer(client, "yes", **wrong),
        answer(client, "no", **wrong),
    ):
        assert response.status_code == 400, response.content
        assert "Location" not in response
    assert not Install.objects.exists()


def test_A90_both_addresses_are_of_one_listener(project: Any, served: Config, client: Client, answer: Any) -> None:
    response = answer(client, "yes", cancel="http://192.168.1.6:49152/install-cancelled")
    assert response.status_code == 400
    response = answer(client, "yes", cancel="http://192.168.1.5:49153/install-cancelled")
    assert response.status_code == 400


@pytest.mark.parametrize("place", ["127.0.0.1", "10.1.2.3", "172.31.255.1", "192.168.0.1", "[::1]"])
def test_what_0_3_listens_on_is_gone_back_to(
    project: Any, served: Config, client: Client, place: str, answer: Any
) -> None:
    there = f"http://{place}:8123"
    wrong = {"redirect": f"{there}/install-completed", "cancel": f"{there}/install-cancelled"}
    assert answer(client, "no", **wrong)["Location"] == wrong["cancel"]
    assert answer(client, "yes", **wrong)["Location"].startswith(wrong["redirect"] + "?")


def test_a_yes_gives_everything_that_0_3_reads_and_is_never_kept_by_anybody(
    old: Any, client: Client, answer: Any
) -> None:
    assert set(old.told) == {
        *("accessToken", "refreshToken", "expiresIn", "scope", "installId", "clientId", "clientSecret")
    }
    assert int(old.told["expiresIn"]) == 3600
    assert (old.row.release, old.row.legacy.python, old.row.legacy.system) == ("1.0", "3.11", "linux")
    again = answer(client, "yes")
    assert again["Referrer-Policy"] == "no-referrer"
    assert "no-store" in again["Cache-Control"]
    other = dict(parse_qsl(urlsplit(again["Location"]).query))
    assert other["clientSecret"] != old.told["clientSecret"]


def test_a_no_makes_nothing(project: Any, served: Config, client: Client, answer: Any) -> None:
    assert answer(client, "no")["Location"] == "http://192.168.1.5:49152/install-cancelled"
    assert not Install.objects.exists()


def test_the_answer_of_another_site_is_not_taken(
    project: Any, served: Config, answer: Any, link: dict[str, str]
) -> None:
    strict = Client(enforce_csrf_checks=True)
    assert answer(strict, "yes").status_code == 403
    page = strict.get("/user/usage-install", link, headers=HTML, follow=True).content.decode()
    found = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page)
    assert found is not None
    assert answer(strict, "yes", csrfmiddlewaretoken=found[1]).status_code == 303


def test_a_project_that_wants_a_person_gets_one(
    upload: Any,
    wheel: Any,
    alice: User,
    charlie: User,
    client: Client,
    served: Config,
    answer: Any,
    link: dict[str, str],
) -> None:
    manifest = b'project = "roundup"\npurpose = "x"\naccount = "required"\n'
    upload(alice, wheel(members={"roundup/otumat-usage.toml": manifest}))
    page = client.get("/user/usage-install", link, headers=HTML, follow=True)
    place = page.redirect_chain[-1][0]
    assert place.startswith("/account/login/")
    assert "Gotham" not in place
    assert answer(client, "yes").status_code == 403
    client.force_login(charlie, backend="allauth.account.auth_backends.AuthenticationBackend")
    assert answer(client, "yes", link="yes").status_code == 303
    assert Install.objects.get().user == charlie


def test_what_was_shown_is_what_was_consented_to(
    project: Any, served: Config, client: Client, answer: Any, link: dict[str, str]
) -> None:
    page = client.get("/user/usage-install", link, headers=HTML, follow=True).content.decode()
    shown = re.search(r'name="manifest" value="(sha256:\w+)"', page)
    assert shown is not None
    answer(client, "yes", manifest=shown[1])
    assert Install.objects.get().manifest == shown[1]


def test_the_authors_questions_are_asked_and_answers_counted(
    project: Any, served: Config, client: Client, answer: Any, link: dict[str, str]
) -> None:
    asked = [{"question": "What do you use it for?", "choices": ["Research", "Teaching"]}]
    made = set_survey(project, asked, by=command(), at=timezone.now())
    assert made is not None
    page = client.get("/user/usage-install", link, headers=HTML, follow=True).content.decode()
    assert "What do you use it for?" in page
    answer(client, "no", survey=str(made.version), **{"survey-0": "1"})
    assert answer(client, "yes", survey=str(made.version), **{"survey-0": "1"}).status_code == 303
    assert (Install.objects.count(), made.counts.count()) == (1, 0)
    assert answer(client, "yes-with-answers", survey=str(made.version), **{"survey-0": "1"}).status_code == 303
    assert list(made.counts.values_list("question", "choice", "times")) == [(0, 1, 1)]


def test_A90_installs_of_one_address_are_counted(
    project: Any, served: Any, client: Client, answer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "INSTALLS", Pace(at_once=2, per_s=0.01))
    assert [answer(client, "yes").status_code for _ in range(3)] == [303, 303, 429]
    assert Install.objects.count() == 2
