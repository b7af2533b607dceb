"""A90: what strangers send to the doors of usage must neither break them, nor cost much, nor answer for others."""

from __future__ import annotations

import gzip
import json
import sys
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import pytest
from django.test import Client

from harness.consent import DEVICE, LINK
from otumat_index.accounts import oauth
from otumat_index.accounts.models import User
from otumat_index.publish.models import Project
from otumat_index.usage import limits
from otumat_index.usage.models import Enrolment, Install
from otumat_index.web.pace import Pace

pytestmark = pytest.mark.django_db(databases="__all__")
HTML = {"Accept": "text/html"}
FORM = "application/x-www-form-urlencoded"


def test_A90_digits_of_other_scripts_are_no_port(project: Project, client: Client) -> None:
    """They would make of the page's policy a header that no browser reads."""
    page = client.get("/user/usage-install", {**LINK, "redirect_uri": "http://127.0.0.1:٤٩١/usage-consented"})
    assert page.status_code == 400
    assert "frame-ancestors 'none'" in page["Content-Security-Policy"]


def test_A90_no_page_that_asks_is_shown_inside_another_sites(project: Project, client: Client) -> None:
    told = client.post("/oauth/device", DEVICE).json()
    for path, said in (("/user/usage-install", LINK), ("/device", {"user_code": told["user_code"]})):
        page = client.get(path, said, headers=HTML)
        assert (page.status_code, page["X-Frame-Options"]) == (200, "DENY")
        assert "frame-ancestors 'none'" in page["Content-Security-Policy"]
        assert {"no-store", "private"} <= set(page["Cache-Control"].split(", "))


@pytest.mark.parametrize("way", ["anonymous", "browser", "code"])
def test_A90_installs_of_one_address_are_counted_whichever_way_they_come(
    project: Project, client: Client, ask: Any, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    monkeypatch.setattr(limits, "INSTALLS", Pace(at_once=2, per_s=0.01))
    form = urlencode({**LINK, "answer": "yes"})
    ways: dict[str, Callable[[], Any]] = {
        "anonymous": lambda: ask(f"{Install.objects.count():032x}"),
        "browser": lambda: client.post("/api/usage-install", form, content_type=FORM, headers=HTML),
        "code": lambda: client.post("/oauth/device", DEVICE),
    }
    answers = [ways[way]() for _ in range(4)]
    assert [each.status_code >= 400 for each in answers] == [False, False, True, True]
    assert {each.status_code for each in answers[2:]} == {429}
    assert (Install.objects.count() + Enrolment.objects.count()) == 2


def test_A90_looking_at_a_link_answers_nothing(project: Project, client: Client) -> None:
    told = client.post("/oauth/device", DEVICE).json()
    for answer in ("yes", "no"):
        client.get("/device", {"user_code": told["user_code"], "answer": answer}, headers=HTML)
    assert Enrolment.objects.get().state == Enrolment.State.WAITING


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32"])
def test_A90_a_batch_is_utf_8(copy: Any, today: str, encoding: str) -> None:
    one = copy()
    batch = one.batch([today, "import", {}, 1])
    assert one.send_bytes(gzip.compress(json.dumps(batch).encode(encoding)), batch["batch"]).status_code == 400


@pytest.mark.parametrize("day", ["20261120", "2026-W47-5"])
def test_A90_a_day_is_written_in_one_way(copy: Any, day: str) -> None:
    one = copy()
    refused = one.send(one.batch([day, "import", {}, 1])).json()["refused"]
    assert [each["code"] for each in refused] == ["malformed"]


def test_A90_no_page_of_another_site_makes_installs_of_its_visitors(project: Project, client: Client) -> None:
    """A browser sends plain text, forms and multipart to anywhere, with JSON inside if need be; JSON it does not."""
    body = json.dumps({"project": "roundup", "wording": 1})
    for kind in ("text/plain", "multipart/form-data; boundary=x", ""):
        answer = client.post("/api/usage-install", body, content_type=kind, headers={"Idempotency-Key": "0" * 32})
        assert answer.status_code == 415
    assert not Install.objects.exists()


def test_A90_an_install_makes_no_flood_of_tokens(copy: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(oauth, "REFRESHES", Pace(at_once=3, per_s=0.01))
    one, other = copy(), copy()
    forged = one.told["refresh_token"].partition(".")[0] + ".x"
    assert [one.refresh(forged).status_code for _ in range(5)] == [400] * 5  # whoever guesses costs its owner nothing
    answers = [one.refresh(one.told["refresh_token"]) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert int(answers[-1]["Retry-After"]) > 0
    assert other.refresh(other.told["refresh_token"]).status_code == 200


def test_A90_no_name_in_an_address_breaks_the_database(copy: Any, project: Project, alice: User) -> None:
    one, owner = copy(), Client()
    owner.force_login(alice)
    assert one.own("GET", "?batch=%00").status_code == 404
    assert one.own("GET", of="%00").status_code == 404
    assert one.client.get("/usage/visit/%00/").status_code == 404
    for path in ("usage/event/%00/", "usage/event/%00/days.csv", "usage/%00.csv"):
        assert owner.get(f"/manage/project/roundup/{path}").status_code in (200, 404)


def test_A90_a_wheel_without_a_manifest_is_looked_into_once(
    upload: Any, wheel: Any, alice: User, client: Client
) -> None:
    """Anybody may ask whether a project collects; on S3 a look costs the whole wheel."""
    assert upload(alice, wheel()).status_code == 200
    looks: list[str] = []

    def hear(event: str, args: tuple[Any, ...]) -> None:
        if event == "open" and str(args[0]).endswith(".whl"):
            looks.append(str(args[0]))

    sys.addaudithook(hear)
    for _ in range(3):
        assert client.get("/user/usage-install", LINK).status_code == 404
    assert len(looks) == 1
