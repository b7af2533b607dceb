"""Copies of Otumat 0.3: the four routes in their dialect (`LEGACY_AGENT`)."""

from __future__ import annotations

import gzip
import json
import re
from base64 import b64encode
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

import pytest
from django.conf import settings
from django.db import OperationalError
from django.test import Client
from django.utils import timezone

from otumat_index.accounts.models import FamilyToken, User
from otumat_index.config import Config
from otumat_index.journal.actor import command
from otumat_index.usage import actions
from otumat_index.usage.actions import legacy
from otumat_index.usage.legacy import doors, uses
from otumat_index.usage.models import Install, LegacyPost
from otumat_index.usage.sealing import unseal
from otumat_index.usage.stores.orm import STORE
from otumat_index.usage.surveys.actions import set_survey

pytestmark = pytest.mark.django_db(databases="__all__")
FORM = "application/x-www-form-urlencoded"
HTML = {"Accept": "text/html"}
LISTENER = "http://192.168.1.5:49152"
LINK = {
    "operatingSystem": "linux",
    "macAddress": "02:fc:00:00:00:01",
    "platform": "Python",
    "platformVersion": "3.11.7",
    "packageManager": "pip",
    "packageManagerVersion": "23.2.1",
    "packageName": "roundup",
    "packageVersion": "1.0",
    "location": "Gotham, New Jersey, US",
    "timezone": "UTC, UTC, America/Chicago",
    "timestamp": "1795296000",
    "health": f"{LISTENER}/health",
    "redirect": f"{LISTENER}/install-completed",
    "cancel": f"{LISTENER}/install-cancelled",
}


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> Config:
    """The setting, on."""
    import dataclasses

    config = dataclasses.replace(settings.CONFIG, legacy_agent=True)
    monkeypatch.setattr(settings, "CONFIG", config)
    return config


class OldCopy:
    """A copy of Otumat 0.3, as it talks."""

    def __init__(self, client: Client, told: dict[str, str]) -> None:
        self.client, self.told = client, told

    @property
    def row(self) -> Install:
        return Install.objects.get(family_id=int(self.told["accessToken"].partition(".")[0]))

    def post(self, *rows: tuple[object, object], **more: Any) -> Any:
        body = {"installId": self.told["installId"], "headers": uses.HEADERS, "rows": rows, **more}
        return self.send(json.dumps(body).encode())

    def send(self, body: bytes) -> Any:
        headers = {"Authorization": f"Bearer {self.told['accessToken']}"}
        return self.client.post("/api/usage-event", body, content_type="application/json", headers=headers)

    def refresh(self, *, client: str = "", secret: str = "", token: str = "", grant: str = "refresh_token") -> Any:
        pair = f"{client or self.told['clientId']}:{secret or self.told['clientSecret']}"
        form = urlencode({"grant_type": grant, "refresh_token": token or self.told["refreshToken"]})
        headers = {"Authorization": f"Basic {b64encode(pair.encode()).decode()}"}
        return self.client.post("/auth/token", form, content_type=FORM, headers=headers)


def answer(client: Client, said: str, **more: str) -> Any:
    form = {**LINK, "answer": said, **more}
    return client.post("/api/usage-install", urlencode(form), content_type=FORM, headers=HTML)


@pytest.fixture
def old(project: Any, served: Config, client: Client) -> OldCopy:
    """One that said yes."""
    response = answer(client, "yes")
    assert response.status_code == 303, response.content
    return OldCopy(client, dict(parse_qsl(urlsplit(response["Location"]).query)))


@pytest.fixture
def moment() -> Callable[[float], str]:
    """A time as 0.3 writes it, some seconds from now."""
    now = timezone.now()
    return lambda seconds=0.0: (now + timedelta(seconds=seconds)).strftime("%Y-%m-%d %H:%M:%S.%f")


# Off.


def test_off_unless_set(project: Any, client: Client) -> None:
    assert settings.CONFIG.legacy_agent is False
    link, form = client.get("/user/usage-install", LINK, headers=HTML), answer(client, "yes")
    nonsense = client.get("/user/usage-install", {"x": "y"}, headers=HTML)
    assert (link.status_code, form.status_code, nonsense.status_code) == (400, 400, 400)
    assert "/install-completed" not in link.content.decode() + form.content.decode()
    assert not Install.objects.exists()


def test_a_copy_from_when_it_was_on_is_a_stranger_when_it_is_off(
    old: OldCopy, served: Config, moment: Any, monkeypatch: pytest.MonkeyPatch
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


# Routes 1 and 2.


def test_K22_the_browser_is_sent_on_to_an_address_without_what_nobody_asked_for(
    project: Any, served: Config, client: Client
) -> None:
    first = client.get("/user/usage-install", LINK, headers=HTML)
    assert first.status_code == 303
    asked = parse_qs(urlsplit(first["Location"]).query)
    kept = {"packageName", "packageVersion", "platformVersion", "operatingSystem", "redirect", "cancel"}
    assert set(asked) == kept
    page = client.get(first["Location"], headers=HTML)
    assert page.status_code == 200
    for private in ("02:fc", "Gotham", "Chicago", "1795296000"):
        assert private not in first["Location"] + page.content.decode()


def test_the_page_says_what_an_old_copy_sends_and_where_the_answer_goes(
    project: Any, served: Config, client: Client
) -> None:
    page = client.get("/user/usage-install", LINK, headers=HTML, follow=True)
    text = page.content.decode()
    for words in ("To learn which features are used.", "How often data are read.", "pip install --upgrade otumat"):
        assert words in text
    assert "at 192.168.1.5" in text
    assert f"form-action 'self' {LISTENER}" in page["Content-Security-Policy"]


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
    project: Any, served: Config, client: Client, name: str, address: str
) -> None:
    wrong = {name: address.format(path={"redirect": "/install-completed", "cancel": "/install-cancelled"}[name])}
    for response in (
        client.get("/user/usage-install", {**LINK, **wrong}, headers=HTML),
        answer(client, "yes", **wrong),
        answer(client, "no", **wrong),
    ):
        assert response.status_code == 400, response.content
        assert "Location" not in response
    assert not Install.objects.exists()


def test_A90_both_addresses_are_of_one_listener(project: Any, served: Config, client: Client) -> None:
    response = answer(client, "yes", cancel="http://192.168.1.6:49152/install-cancelled")
    assert response.status_code == 400
    response = answer(client, "yes", cancel="http://192.168.1.5:49153/install-cancelled")
    assert response.status_code == 400


@pytest.mark.parametrize("place", ["127.0.0.1", "10.1.2.3", "172.31.255.1", "192.168.0.1", "[::1]"])
def test_what_0_3_listens_on_is_gone_back_to(project: Any, served: Config, client: Client, place: str) -> None:
    there = f"http://{place}:8123"
    wrong = {"redirect": f"{there}/install-completed", "cancel": f"{there}/install-cancelled"}
    assert answer(client, "no", **wrong)["Location"] == wrong["cancel"]
    assert answer(client, "yes", **wrong)["Location"].startswith(wrong["redirect"] + "?")


def test_a_yes_gives_everything_that_0_3_reads_and_is_never_kept_by_anybody(old: OldCopy, client: Client) -> None:
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


def test_a_no_makes_nothing(project: Any, served: Config, client: Client) -> None:
    assert answer(client, "no")["Location"] == f"{LISTENER}/install-cancelled"
    assert not Install.objects.exists()


def test_the_answer_of_another_site_is_not_taken(project: Any, served: Config) -> None:
    strict = Client(enforce_csrf_checks=True)
    assert answer(strict, "yes").status_code == 403
    page = strict.get("/user/usage-install", LINK, headers=HTML, follow=True).content.decode()
    found = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page)
    assert found is not None
    assert answer(strict, "yes", csrfmiddlewaretoken=found[1]).status_code == 303


def test_a_project_that_wants_a_person_gets_one(
    upload: Any, wheel: Any, alice: User, charlie: User, client: Client, served: Config
) -> None:
    manifest = b'project = "roundup"\npurpose = "x"\naccount = "required"\n'
    upload(alice, wheel(members={"roundup/otumat-usage.toml": manifest}))
    page = client.get("/user/usage-install", LINK, headers=HTML, follow=True)
    place = page.redirect_chain[-1][0]
    assert place.startswith("/account/login/")
    assert "Gotham" not in place
    assert answer(client, "yes").status_code == 403
    client.force_login(charlie, backend="allauth.account.auth_backends.AuthenticationBackend")
    assert answer(client, "yes", link="yes").status_code == 303
    assert Install.objects.get().user == charlie


def test_what_was_shown_is_what_was_consented_to(project: Any, served: Config, client: Client) -> None:
    page = client.get("/user/usage-install", LINK, headers=HTML, follow=True).content.decode()
    shown = re.search(r'name="manifest" value="(sha256:\w+)"', page)
    assert shown is not None
    answer(client, "yes", manifest=shown[1])
    assert Install.objects.get().manifest == shown[1]


def test_the_authors_questions_are_asked_and_answers_counted(project: Any, served: Config, client: Client) -> None:
    asked = [{"question": "What do you use it for?", "choices": ["Research", "Teaching"]}]
    made = set_survey(project, asked, by=command(), at=timezone.now())
    assert made is not None
    page = client.get("/user/usage-install", LINK, headers=HTML, follow=True).content.decode()
    assert "What do you use it for?" in page
    answer(client, "no", survey=str(made.version), **{"survey-0": "1"})
    assert answer(client, "yes", survey=str(made.version), **{"survey-0": "1"}).status_code == 303
    assert list(made.counts.values_list("question", "choice", "times")) == [(0, 1, 1)]


# Route 4.


def test_K6_a_refresh_answers_all_four_and_the_refresh_token_stays(old: OldCopy, moment: Any) -> None:
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
def test_a_refresh_token_is_worth_nothing_without_its_secret(old: OldCopy, wrong: dict[str, str]) -> None:
    assert old.refresh(**wrong).status_code == 400
    assert old.refresh().status_code == 200


def test_K5_a_passing_fault_is_never_the_end_of_an_enrolment(
    old: OldCopy, monkeypatch: pytest.MonkeyPatch, moment: Any
) -> None:
    def locked(*args: object, **more: object) -> None:
        raise OperationalError("database is locked")

    with monkeypatch.context() as patch:
        patch.setattr(doors.actions, "refresh_legacy", locked)
        answer = old.refresh()
    assert answer.status_code == 200
    assert set(answer.json()) >= {"access_token", "expires_in", "refresh_token", "scope"}
    assert answer.json()["refresh_token"] == old.told["refreshToken"]
    old.told["accessToken"] = answer.json()["access_token"]
    failed = old.post((moment(), "import"))
    assert (failed.status_code, "TokenExpiredError" in failed.json()["error_desc"]) == (401, False)
    assert old.refresh().status_code == 200


def test_who_withdrew_or_whose_project_stopped_is_told_at_the_next_refresh(old: OldCopy, project: Any) -> None:
    actions.set_collecting(project, is_on=False, by=command(), at=timezone.now())
    assert old.refresh().status_code == 400
    actions.set_collecting(project, is_on=True, by=command(), at=timezone.now())
    assert old.refresh().status_code == 200
    actions.withdraw_install(old.row, at=timezone.now())
    assert old.refresh().status_code == 400
    assert old.refresh().json()["error"] == "invalid_grant"


# What its tokens are not good for.


def test_A90_its_tokens_open_no_other_door(old: OldCopy, client: Client, copy: Any, today: str) -> None:
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


def test_A90_a_token_tells_for_its_own_install_alone(old: OldCopy, client: Client, moment: Any, counted: Any) -> None:
    other = dict(parse_qsl(urlsplit(answer(client, "yes")["Location"]).query))
    assert old.post((moment(), "import"), installId=other["installId"]).status_code == 400
    assert counted() == {}


def test_A90_tokens_of_new_copies_do_not_speak_the_old_dialect(
    old: OldCopy, copy: Any, moment: Any, counted: Any
) -> None:
    new = copy()
    old.told |= {"accessToken": new.told["access_token"], "installId": new.told["install"]}
    assert old.post((moment(), "import")).status_code == 401
    assert old.refresh(token=new.told["refresh_token"]).status_code == 400
    assert counted() == {}


# Route 3.


def test_an_expired_token_is_told_in_exactly_the_words(old: OldCopy, moment: Any) -> None:
    FamilyToken.objects.filter(is_refresh=False).update(expires_at=timezone.now())
    response = old.post((moment(), "import"))
    assert response.status_code == 401
    assert response.json()["error_msg"] == "Authorization Failed"
    assert "TokenExpiredError" in response.json()["error_desc"]


def test_K13_an_unknown_token_is_not_called_expired(old: OldCopy, moment: Any) -> None:
    old.told["accessToken"] = "unknown"
    response = old.post((moment(), "import"))
    assert (response.status_code, response.json()["error_desc"]) == (401, "invalid_token")


def test_uses_are_counted_by_day_and_name(old: OldCopy, moment: Any, counted: Any, project: Any) -> None:
    assert old.post((moment(), "import"), (moment(1), "fetch"), (moment(2), "fetch")).status_code == 200
    assert counted() == {"import": 1, "fetch": 2}
    where = STORE.places(project.pk, (timezone.now() - timedelta(days=2)).date(), "python")
    assert [each[0] for each in where] == ["3.11"]


def test_K17_after_a_lost_answer_the_same_uses_among_newer_ones_count_once(
    old: OldCopy, moment: Any, counted: Any
) -> None:
    rows = [(moment(n), "fetch") for n in range(5)]
    for much in (2, 2, 4, 5, 5):
        assert old.post(*rows[:much]).status_code == 200
    assert counted() == {"fetch": 5}


def test_K17_two_processes_that_post_the_same_uses_count_once_in_either_order(
    old: OldCopy, moment: Any, counted: Any
) -> None:
    rows = [(moment(n), "fetch") for n in range(4)]
    for sent in (rows[:3], rows[:2], rows[1:], rows):
        assert old.post(*sent).status_code == 200
    assert counted() == {"fetch": 4}


def test_K17_uses_of_one_moment_are_as_many_as_came_together(old: OldCopy, moment: Any, counted: Any) -> None:
    alike = (moment(), "fetch")
    assert old.post(alike, alike, (moment(), "import")).status_code == 200
    assert old.post(alike, alike, (moment(), "import"), alike).status_code == 200
    assert counted() == {"fetch": 3, "import": 1}


def test_K17_a_crash_between_noting_and_counting_loses_and_doubles_nothing(
    old: OldCopy, moment: Any, counted: Any
) -> None:
    rows: list[tuple[object, object]] = [(moment(), "import"), (moment(1), "fetch")]
    legacy.note(old.row, rows, at=timezone.now())
    assert counted() == {}
    assert old.post(*rows, (moment(2), "fetch")).status_code == 200
    assert counted() == {"import": 1, "fetch": 2}
    post = LegacyPost.objects.order_by("pk").last()
    assert post is not None
    assert not LegacyPost.objects.filter(waiting__isnull=False).exists()


def test_K17_a_crash_between_counting_and_noting_that_counts_once(old: OldCopy, moment: Any, counted: Any) -> None:
    row: tuple[object, object] = (moment(), "import")
    legacy.note(old.row, [row], at=timezone.now())
    post = LegacyPost.objects.get()
    legacy.carry_over(old.row, post, at=timezone.now())  # this process ends before it wrote that it is done
    LegacyPost.objects.update(waiting=post.waiting)
    assert old.post(row).status_code == 200
    assert counted() == {"import": 1}


def test_marks_go_after_a_week_but_for_the_newest(old: OldCopy, moment: Any) -> None:
    old.post((moment(), "import"))
    old.post((moment(1), "import"))
    LegacyPost.objects.update(received_at=timezone.now() - timedelta(days=8))
    old.post((moment(1), "import"))
    assert LegacyPost.objects.count() == 1


def test_no_moment_is_kept(old: OldCopy, moment: Any) -> None:
    at = moment()
    old.post((at, "import"))
    (told,) = STORE.batches(old.row.pk)
    body = gzip.decompress(unseal(old.row.body_key, STORE.body(old.row.pk, told.batch)))
    assert at[:10].encode() in body
    assert at[11:19].encode() not in body
    assert at[11:19].encode() not in bytes(LegacyPost.objects.get().marks)


def test_what_is_not_well_formed_is_refused_row_by_row(old: OldCopy, moment: Any, counted: Any, project: Any) -> None:
    rows = [(moment(), "import"), (moment(), None), (5, "import"), ("yesterday", "import"), (moment(), "a/b"), ("", "")]
    assert old.post(*rows).status_code == 200
    assert old.post((moment(), "x" * 100_000), (moment(), "undeclared")).status_code == 200
    assert counted() == {"import": 1}
    day = timezone.now().date()
    lost = {reason: times for reason, _, times in STORE.losses(project.pk, day, day)}
    assert lost == {"malformed": 6, "undeclared": 1}


def test_uses_before_the_consent_and_after_tomorrow_are_refused(old: OldCopy, moment: Any, counted: Any) -> None:
    assert old.post((moment(-3 * 86400), "import"), (moment(3 * 86400), "import")).status_code == 200
    assert counted() == {}


def test_K34_a_large_buffer_is_taken_in_parts_a_larger_one_is_refused_in_json(
    old: OldCopy, moment: Any, counted: Any
) -> None:
    Install.objects.update(consented_on="2026-01-01")
    start = datetime.fromisoformat(moment())
    rows = [
        ((start - timedelta(minutes=n)).strftime("%Y-%m-%d %H:%M:%S.%f"), ("import", "fetch")[n % 2])
        for n in range(20_000)
    ]
    assert old.post(*rows).status_code == 200
    assert counted() == {"import": 10_000, "fetch": 10_000}
    response = old.send(b" " * (uses.POST_MAX_BYTES + 1))
    assert (response.status_code, response.json()["error_desc"]) == (413, "too_large")


@pytest.mark.parametrize(
    "body",
    [b" ", b"[]", b"{", b"null", b'{"rows": []}', b"[" * 100_000, '{"rows": [["é"]]}'.encode("latin-1")],
)
def test_K14_what_is_no_post_is_refused_in_json(old: OldCopy, body: bytes) -> None:
    response = old.send(body)
    assert response.status_code == 400
    assert set(response.json()) == {"ok", "error_msg", "error_desc"}


@pytest.mark.parametrize(
    "more",
    [{"headers": ["event_date"]}, {"rows": "ab"}, {"rows": [[1]]}, {"rows": {"a": 1}}, {"rows": [{"a": 1, "b": 2}, 3]}],
)
def test_another_shape_is_refused(old: OldCopy, more: dict[str, Any]) -> None:
    assert old.post(**more).status_code == 400


def test_a_withdrawn_install_is_refused_and_an_erased_one_is_gone(old: OldCopy, moment: Any, counted: Any) -> None:
    old.post((moment(), "import"))
    row = old.row
    actions.withdraw_install(row, at=timezone.now())
    assert old.post((moment(1), "import")).status_code == 401
    actions.erase_install(row, at=timezone.now())
    assert not LegacyPost.objects.exists()
    assert old.post((moment(1), "import")).status_code == 401
    assert counted() == {"import": 1}
