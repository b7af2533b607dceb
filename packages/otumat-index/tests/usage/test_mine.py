"""One's own installs on the web: by account, by a copy's link, and nobody else's."""

from __future__ import annotations

import hashlib
import json
import re
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.sessions.models import Session
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from otumat_index.accounts import administration
from otumat_index.accounts.credentials import of_user
from otumat_index.accounts.models import User
from otumat_index.journal.actor import command
from otumat_index.publish import actions as publish
from otumat_index.usage import actions, receipts
from otumat_index.usage.mine import visits
from otumat_index.usage.models import Install, Visit

pytestmark = pytest.mark.django_db(databases="__all__")
HTML = {"Accept": "text/html"}
DOORS = (
    ("get", ""),
    ("get", "export.json"),
    ("get", "batches/00000000000000000000000000000001.json"),
    ("get", "erase/"),
    ("post", "withdraw"),
    ("post", "erase/"),
)
KEY = "7" * 32


@pytest.fixture
def told(copy: Any, today: str) -> Any:
    """A copy that has told something."""
    one = copy()
    assert one.send(one.batch([today, "fetch", {"backend": "mysql"}, 2], [today, "import", {}, 1])).status_code == 200
    return one


@pytest.fixture
def linked(told: Any, charlie: User) -> Any:
    """The same, linked to Charlie's account."""
    Install.objects.filter(pk=told.row.pk).update(user=charlie)
    return told


def signed_in(user: User, *, recently: bool = True) -> Client:
    client = Client(headers=HTML)
    client.force_login(user, backend="allauth.account.auth_backends.AuthenticationBackend")
    if recently:
        client.post("/account/reauthenticate/", {"password": "correct horse battery", "next": "/account/"})
    return client


def page(one: Any) -> str:
    return f"/account/installs/{one.row.pk}/"


def visiting(one: Any, **words: Any) -> Client:
    """A browser that opened the copy's link."""
    client = Client(headers=HTML, **words)
    assert client.post(link(one)).status_code == 302
    return client


def link(one: Any) -> str:
    answer = one.own("POST", "/visits")
    assert answer.status_code == 201, answer.content
    assert answer.json()["expires_in"] == visits.LINK_S
    url: str = answer.json()["url"]
    return url.removeprefix("http://localhost:8000")


def test_my_copies_are_listed_with_what_can_be_told_of_them(linked: Any, copy: Any, charlie: User) -> None:
    copy()
    text = signed_in(charlie).get("/account/installs/").content.decode()
    assert text.count('href="/account/installs/') == 1
    assert page(linked) in text
    assert linked.told["install"] not in text


def test_the_list_takes_two_queries_however_long_it_is(
    linked: Any, copy: Any, charlie: User, django_assert_num_queries: Any
) -> None:
    client = signed_in(charlie)
    client.get("/account/installs/")
    with CaptureQueriesContext(connection) as queries:
        client.get("/account/installs/")
    before = len(queries)
    for _ in range(3):
        Install.objects.filter(pk=copy().row.pk).update(user=charlie)
    with django_assert_num_queries(before):
        client.get("/account/installs/")


def test_a_copy_s_page_shows_what_it_told(linked: Any, charlie: User, today: str) -> None:
    text = signed_in(charlie).get(page(linked)).content.decode()
    for words in (today, "backend mysql", "import", "3 uses, in 1 request", "charlie", "1.0"):
        assert words in text


@pytest.mark.parametrize(("method", "path"), DOORS)
def test_A45_another_s_copy_is_not_there(linked: Any, alice: User, method: str, path: str) -> None:
    client = signed_in(alice)
    form = {"key": KEY, "install": linked.told["install"]} if method == "post" else {}
    answers, costs = [], []
    for number in (linked.row.pk, 10**9):
        with CaptureQueriesContext(connection) as queries:
            answers.append(getattr(client, method)(f"/account/installs/{number}/{path}", form))
        costs.append(len(queries))
    assert [answer.status_code for answer in answers] == [404, 404]
    assert costs[0] == costs[1]
    bodies = [re.sub(r"\d{6,}|csrf\w+", "", answer.content.decode()) for answer in answers]
    assert bodies[0] == bodies[1]
    assert linked.row.withdrawn_at is None


def test_an_anonymous_copy_is_in_nobody_s_account(told: Any, admin: User) -> None:
    assert signed_in(admin).get(page(told)).status_code == 404


def test_a_project_that_became_private_is_named_and_not_linked(linked: Any, charlie: User, now: Any) -> None:
    publish.set_visibility(linked.row.project, is_private=True, by=command(), at=now)
    text = signed_in(charlie).get(page(linked)).content.decode()
    assert "Your copy of roundup" in text
    assert "/project/roundup/" not in text


def test_U9_an_export_has_what_was_sent_byte_for_byte(linked: Any, charlie: User, today: str) -> None:
    batch = linked.batch([today, "fetch", {"backend": "other"}, 1], [today, "unknown", {}, 1])
    assert linked.send(batch).json()["refused"] == [{"row": 1, "code": "undeclared"}]
    answer = signed_in(charlie).get(page(linked) + "export.json")
    told = json.loads(answer.getvalue())
    assert told["install"] == linked.told["install"]
    bodies = [each["body"].encode() for each in told["batches"]]
    assert bodies[1] == json.dumps(batch).encode()
    assert [each["sha256"] for each in told["batches"]] == [hashlib.sha256(body).hexdigest() for body in bodies]
    one = signed_in(charlie).get(f"{page(linked)}batches/{batch['batch']}.json")
    assert one.content == bodies[1]
    assert "unknown" not in signed_in(charlie).get(page(linked)).content.decode()


def test_withdrawing_on_the_web_is_told_to_the_copy(linked: Any, charlie: User, today: str) -> None:
    assert signed_in(charlie).post(page(linked) + "withdraw").status_code == 302
    assert linked.send(linked.batch([today, "import", {}, 1])).json()["error"]["code"] == "withdrawn"
    assert "it tells nothing any more" in signed_in(charlie).get(page(linked)).content.decode()


def test_erasing_on_the_web_gives_a_receipt_and_the_same_again(linked: Any, charlie: User) -> None:
    client, path = signed_in(charlie), page(linked) + "erase/"
    values = dict(re.findall(r'name="(key|install)" value="([^"]+)"', client.get(path).content.decode()))
    first, again = (client.post(path, values) for _ in range(2))
    assert (first.status_code, again.status_code) == (200, 200)
    assert "<code>otumat usage off roundup</code>" in first.content.decode(), "the copy itself is not told"
    receipt = re.search(r'name="receipt" value="([^"]+)"', again.content.decode())
    assert receipt is not None
    assert receipts.verified(receipt[1].replace("&quot;", '"'))["install"] == linked.told["install"]
    file = client.post("/usage/receipt/", {"receipt": receipt[1].replace("&quot;", '"'), "as": "file"})
    assert file["Content-Disposition"].startswith("attachment")
    assert not Install.objects.exists()


def test_who_has_not_shown_lately_who_they_are_erases_nothing(linked: Any, charlie: User) -> None:
    client = signed_in(charlie, recently=False)
    assert client.get(page(linked) + "erase/")["Location"].startswith("/account/reauthenticate/")
    answer = client.post(page(linked) + "erase/", {"key": KEY, "install": linked.told["install"]})
    assert (answer.status_code, answer["Location"]) == (302, page(linked) + "erase/")
    assert Install.objects.exists()
    kept = repr([session.get_decoded() for session in Session.objects.all()])
    assert KEY not in kept
    assert linked.told["install"] not in kept


def test_a_link_opens_once_and_not_by_looking(told: Any) -> None:
    path = link(told)
    client = Client(headers=HTML)
    assert [client.get(path).status_code for _ in range(2)] == [200, 200]
    answer = client.post(path)
    assert (answer.status_code, answer["Location"]) == (302, "/usage/mine/")
    cookie = answer.cookies["otumat_visit"]
    assert (cookie["httponly"], cookie["samesite"], cookie["path"]) == (True, "Strict", "/usage/mine/")
    assert "sessionid" not in answer.cookies
    assert [Client(headers=HTML).post(path).status_code, client.get(path).status_code] == [404, 404]
    text = client.get("/usage/mine/").content.decode()
    assert "Your copy of roundup" in text
    assert "backend mysql" in text


def test_a_visit_is_to_one_install_and_to_nothing_else(told: Any, copy: Any, today: str) -> None:
    other = copy()
    batch = other.batch([today, "import", {}, 9], batch="f" * 32)
    assert other.send(batch).status_code == 200
    client = visiting(told)
    assert client.get(f"/usage/mine/batches/{'f' * 32}.json").status_code == 404
    assert client.get("/usage/mine/batches/00000000000000000000000000000001.json").status_code == 200
    export = json.loads(client.get("/usage/mine/export.json").getvalue())
    assert export["install"] == told.told["install"]
    assert client.get("/account/installs/")["Location"].startswith("/account/login/")
    assert client.get(page(told)).status_code == 302
    assert client.get("/account/").status_code == 302


def test_a_visit_ends(told: Any) -> None:
    client = visiting(told)
    assert client.post("/usage/mine/leave").status_code == 302
    assert client.get("/usage/mine/").status_code == 401
    client = visiting(told)
    Visit.objects.update(expires_at=timezone.now())
    assert client.get("/usage/mine/").status_code == 401
    path = link(told)
    Visit.objects.update(expires_at=timezone.now())
    assert client.post(path).status_code == 404


def test_links_of_an_install_do_not_pile_up(told: Any) -> None:
    first, *_, last = (link(told) for _ in range(visits.OPEN_MOST + 1))
    assert Visit.objects.count() == visits.OPEN_MOST
    assert (Client().get(first).status_code, Client().get(last).status_code) == (404, 200)


def test_a_link_is_a_secret_of_which_a_digest_is_kept(told: Any) -> None:
    secret = link(told).split("/")[-2]
    assert secret not in repr(list(Visit.objects.values()))


def test_a_link_is_made_for_who_holds_the_install_s_token(told: Any, copy: Any) -> None:
    other = copy()
    assert told.own("POST", "/visits", of=other.told["install"]).status_code == 404
    assert Client().post(f"/api/usage-install/{told.told['install']}/visits").status_code == 401


@pytest.mark.parametrize("path", ["withdraw", "erase/", "leave"])
def test_no_other_site_acts_in_a_visit(told: Any, path: str) -> None:
    strict = Client(enforce_csrf_checks=True, headers=HTML)
    opening = link(told)
    assert strict.post(opening).status_code == 403
    token = re.search(r'csrfmiddlewaretoken" value="(\w+)"', strict.get(opening).content.decode())
    assert token is not None
    assert strict.post(opening, {"csrfmiddlewaretoken": token[1]}).status_code == 302
    assert strict.get("/usage/mine/").status_code == 200
    assert strict.post(f"/usage/mine/{path}", {"key": KEY}).status_code == 403
    assert told.row.withdrawn_at is None


def test_erasing_in_a_visit_ends_it_and_can_be_asked_again(told: Any) -> None:
    client = visiting(told)
    form = {"key": KEY, "install": told.told["install"]}
    first, again = (client.post("/usage/mine/erase/", form) for _ in range(2))
    assert (first.status_code, again.status_code) == (200, 200)
    assert told.told["install"] in again.content.decode()
    assert client.post("/usage/mine/erase/", {**form, "key": "8" * 32}).status_code == 401
    assert client.get("/usage/mine/").status_code == 401


def test_a_visit_or_account_page_is_kept_by_no_cache(linked: Any, charlie: User) -> None:
    for answer in (visiting(linked).get("/usage/mine/"), signed_in(charlie).get(page(linked))):
        assert "no-store" in answer["Cache-Control"]


def test_what_is_no_receipt_is_told_so(client: Client, db: None) -> None:
    assert client.get("/usage/receipt/").status_code == 200
    for text in ("", "{}", "x" * 20_000):
        assert client.post("/usage/receipt/", {"receipt": text}).status_code == 400


def test_last_contact_is_when_it_asked_for_tokens(linked: Any, charlie: User) -> None:
    Install.objects.update(created_at=timezone.now() - timedelta(days=9))
    text = signed_in(charlie).get("/account/installs/").content.decode()
    assert f'<td class="day">{timezone.now():%Y-%m-%d}</td></tr>' in text


def test_of_a_closed_account_no_copy_says_whose_it_was(linked: Any, charlie: User, now: Any) -> None:
    actions.unlink_closed()
    assert linked.row.user == charlie
    administration.close_account(charlie, by=of_user(charlie, "session"), at=now)
    actions.unlink_closed()
    assert linked.row.user is None
