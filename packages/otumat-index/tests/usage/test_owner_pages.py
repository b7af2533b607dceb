"""The dashboard's pages: who sees them, what they teach, what they refuse, and the switch of the collection."""

from __future__ import annotations

import contextlib
import csv
import io
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connections
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from otumat.spec.event import Where
from otumat_index.accounts.models import User
from otumat_index.journal.actor import command
from otumat_index.publish import actions as publishing
from otumat_index.publish.models import Project, Release, Role
from otumat_index.usage import actions
from otumat_index.usage.models import Collection, Install, Manifest
from otumat_index.usage.stores.orm import STORE
from otumat_index.usage.stores.protocol import Accepted, Key

pytestmark = pytest.mark.django_db(databases="__all__")
PAGE = "/manage/project/roundup/usage/"
EVENT = f"{PAGE}event/fetch/"
PAGES = (PAGE, EVENT, f"{PAGE}features.csv", f"{EVENT}days.csv")
TABLES = ("features", "features_by_week", "versions", "pythons", "systems", "machines", "ci", "losses", "active")
BACKEND = "allauth.account.auth_backends.AuthenticationBackend"
PASSWORD = "correct horse battery"


@pytest.fixture
def browser() -> Callable[[User | None], Client]:
    """Somebody's browser, signed in."""

    def make(user: User | None) -> Client:
        client = Client()
        if user is not None:
            client.force_login(user, backend=BACKEND)
        return client

    return make


@pytest.fixture
def told(copy: Any, today: str) -> None:
    """One copy that told of some uses."""
    one = copy()
    one.send(one.batch([today, "fetch", {"backend": "mysql"}, 1234], [today, "import", {}, 1]))


def text_of(answer: Any) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", answer.content.decode()).split())


@pytest.mark.parametrize("address", PAGES)
@pytest.mark.parametrize("is_private", [False, True])
def test_owners_and_maintainers_see_it_and_nobody_else(
    told: None,
    project: Project,
    browser: Any,
    alice: User,
    bob: User,
    charlie: User,
    admin: User,
    person: Any,
    address: str,
    is_private: bool,
    now: Any,
) -> None:
    Role.objects.create(project=project, user=bob, kind="maintainer", granted_at=now)
    rita = person("rita")
    Role.objects.create(project=project, user=rita, kind="reader", granted_at=now)
    publishing.set_visibility(project, is_private=is_private, by=command(), at=now)
    for user in (alice, bob):
        assert browser(user).get(address).status_code == 200
    for user in (rita, admin):
        assert browser(user).get(address).status_code == 403
    hidden = browser(charlie).get(address)
    assert hidden.status_code == (404 if is_private else 403)
    assert browser(None).get(address)["Location"].startswith("/account/login/")
    if is_private:  # the same as of a project that is not there
        missing = browser(charlie).get(address.replace("roundup", "rounding"))
        assert hidden.content.replace(b"roundup", b"rounding") == missing.content


@pytest.mark.parametrize("address", PAGES)
def test_no_cache_keeps_it(told: None, browser: Any, alice: User, address: str) -> None:
    assert "no-store" in browser(alice).get(address)["Cache-Control"]


def test_whoever_may_see_it_is_led_there(
    project: Project, browser: Any, alice: User, admin: User, charlie: User
) -> None:
    for page in ("/manage/project/roundup/", "/project/roundup/"):
        assert f'href="{PAGE}"' in browser(alice).get(page).content.decode()
        assert f'href="{PAGE}"' not in browser(admin).get(page).content.decode()
    assert PAGE not in browser(charlie).get("/project/roundup/").content.decode()


def test_a_page_without_numbers_teaches(project: Project, browser: Any, alice: User) -> None:
    text = text_of(browser(alice).get(PAGE))
    for words in (
        "otumat-usage.toml", "UsageAgent", "python -m build", "otumat publish", "otumat usage on", "roundup",
        "otumat usage send roundup", "http://localhost:8000 how it is used?", "Read from the newest wheel",
        "Whether it is used at all.", "Begin to collect",
    ):  # fmt: skip
        assert words in text, words
    assert Manifest.objects.count() == 0, "to look at it changes nothing"


def test_a_period_without_numbers_is_no_beginning(told: None, browser: Any, alice: User) -> None:
    text = text_of(browser(alice).get(f"{PAGE}?from=2025-01-01&to=2025-01-31"))
    assert "How it begins" not in text
    assert "Uses counted" in text


def test_an_owner_begins_and_ends_the_collection_and_shows_who_it_is(
    project: Project, client: Client, alice: User
) -> None:
    client.force_login(alice, backend=BACKEND)
    asked = client.post(PAGE, {"collect": "yes"})
    assert asked["Location"].startswith("/account/reauthenticate/")
    assert not Collection.objects.exists()
    client.post("/account/reauthenticate/", {"password": PASSWORD})
    for said, is_on in (("yes", True), ("no", False)):
        assert client.post(PAGE, {"collect": said})["Location"] == PAGE
        assert Collection.objects.get().is_on is is_on
    client.post(PAGE, {"collect": "yes"})
    for unclear in ({}, {"collect": "maybe"}):
        assert client.post(PAGE, unclear).status_code == 400
    assert Collection.objects.get().is_on


def test_an_admin_may_end_it_without_seeing_it(project: Project, client: Client, admin: User, now: Any) -> None:
    actions.set_collecting(project, is_on=True, by=command(), at=now)
    client.force_login(admin, backend=BACKEND)
    client.post("/account/reauthenticate/", {"password": PASSWORD})
    answer = client.post(PAGE, {"collect": "no"})
    assert answer["Location"] == "/manage/project/roundup/"
    assert Collection.objects.get().is_on is False


def test_a_maintainer_sees_the_switch_of_nobody(project: Project, browser: Any, bob: User, now: Any) -> None:
    Role.objects.create(project=project, user=bob, kind="maintainer", granted_at=now)
    assert "Begin to collect" not in text_of(browser(bob).get(PAGE))
    assert browser(bob).post(PAGE, {"collect": "yes"}).status_code == 403


def test_all_mistakes_in_the_days_are_told_at_once_and_stay_in_their_fields(
    told: None, browser: Any, alice: User, client: Client, auth: Any
) -> None:
    query = "?from=soon&to=2999-01-01&compare=perhaps"
    answer = browser(alice).get(PAGE + query)
    html = answer.content.decode()
    assert answer.status_code == 400
    for field in ("soon", "2999-01-01", "perhaps"):
        assert f"&#x27;{field}&#x27;" in html
    assert html.count('aria-invalid="true"') == 2
    assert "Uses counted" in html, "the usual days are shown meanwhile"
    api = client.get(f"/api/v1/project/roundup/usage{query}", headers={"Accept": "application/json", **auth(alice)})
    assert (api.status_code, [each["field"] for each in api.json()["problems"]]) == (400, ["from", "to"])
    assert browser(alice).get(f"{PAGE}features.csv{query}").status_code == 400


def test_a_yanked_release_that_is_still_in_use_stands_out(
    told: None, project: Project, upload: Any, wheel: Any, browser: Any, alice: User, now: Any
) -> None:
    assert upload(alice, wheel(version="2.0")).status_code == 200
    publishing.yank_release(project, "1.0", reason="It lost data", by=command(), at=now)
    rows = re.findall(r"<tr>.*?</tr>", browser(alice).get(PAGE).content.decode(), re.DOTALL)
    row = next(row for row in rows if '<th scope="row">1.0</th>' in row)
    assert '<span class="badge bad">still in use</span>' in row


def test_the_day_of_the_latest_release_is_in_the_picture(
    told: None, project: Project, browser: Any, alice: User
) -> None:
    Release.objects.update(created_at=timezone.now() - timedelta(30))
    html = browser(alice).get(PAGE).content.decode()
    assert "1.0 released" in html
    Release.objects.update(created_at=timezone.now() - timedelta(300))
    assert "1.0 released" not in browser(alice).get(PAGE).content.decode()


def test_names_that_copies_made_up_make_no_formula(
    project: Project, ask: Any, browser: Any, alice: User, client: Client, today: str
) -> None:
    """A store takes what it is told; whatever passed the rules on names, a file for a spreadsheet is harmless."""
    key = Key(timezone.now().date(), "=1+1", "a=@x", "+2")
    where = Where("+2", "@SUM(1)", "-1", "=cmd")
    STORE.accept(Accepted(1, project.pk, "0" * 32, 1, "0" * 64, key.day, b"", {key: 3}, days={key.day: where}))
    client.force_login(alice, backend=BACKEND)
    found = [client.get(f"{PAGE}{table}.csv").content.decode() for table in TABLES]
    found += [client.get(f"{PAGE}event/=1+1/{table}.csv").content.decode() for table in ("property_a", "releases")]
    for text in found:
        for row in csv.reader(io.StringIO(text)):
            assert not [cell for cell in row if cell.startswith(("=", "+", "@", "-")) and not is_number(cell)], text
    assert "'=1+1" in "".join(found)
    assert "'@x" in "".join(found)


def is_number(cell: str) -> bool:
    return re.fullmatch(r"-?\d+(\.\d+)?", cell) is not None


@pytest.mark.parametrize("event", ["never heard", "a/b", "%2e%2e", "<b>"])
def test_an_event_that_nobody_told_of_is_not_there(told: None, browser: Any, alice: User, event: str) -> None:
    assert browser(alice).get(f"{PAGE}event/{event}/").status_code == 404


def test_a_table_that_is_not_there_says_which_are(told: None, browser: Any, alice: User) -> None:
    answer = browser(alice).get(f"{PAGE}people.csv", headers={"Accept": "text/plain"})
    assert (answer.status_code, "features" in answer.content.decode()) == (404, True)


def test_what_was_not_counted_stands_beside_the_numbers(copy: Any, browser: Any, alice: User, today: str) -> None:
    one = copy()
    lost = {"room": {"import": 40}, "made up": {"fetch": 2}, "unanswered": {"fetch": 3}}
    one.send(one.batch([today, "import", {}, 1], lost=lost, sequence=3))
    html = browser(alice).get(PAGE).content.decode()
    text = text_of(browser(alice).get(PAGE))
    assert "Not counted and 2 batches missing 45" in text
    row = next(row for row in re.findall(r"<tr>.*?</tr>", html, re.DOTALL) if ">import</a>" in row)
    assert row.endswith('<td class="number">40</td></tr>')
    assert "made up" not in text
    assert "heard no answer" in text


def test_the_page_costs_the_same_queries_whatever_there_is(
    copy: Any, upload: Any, wheel: Any, browser: Any, alice: User, today: str
) -> None:
    client = browser(alice)

    def asked() -> int:
        with contextlib.ExitStack() as stack:
            captured = [stack.enter_context(CaptureQueriesContext(each)) for each in connections.all()]
            assert client.get(PAGE).status_code == 200
        return sum(map(len, captured))

    one = copy()
    one.send(one.batch([today, "import", {}, 1]))
    asked()
    few = asked()
    assert upload(alice, wheel(version="2.0")).status_code == 200
    for other in (copy(), copy(), copy()):
        rows = [[today, "import", {}, 1], [today, "fetch", {"backend": "mysql"}, 2], [today, "unheard", {}, 3]]
        other.send(other.batch(uses=[{"release": "2.0", "python": "3.14", "system": "darwin", "rows": rows}]))
    assert asked() == few <= 40


def test_an_erased_install_leaves_its_sums(told: None, browser: Any, alice: User) -> None:
    actions.erase_install(Install.objects.get(), at=timezone.now())
    answer = browser(alice).get(f"{PAGE}features.csv")
    rows = {row.split(",")[0]: row.split(",")[1:4] for row in answer.content.decode().splitlines()}
    assert rows["fetch"] == ["0", "0.0", "1234"]


def test_what_is_declared_and_never_told_of_is_on_the_page_alone(
    copy: Any, browser: Any, client: Client, alice: User, auth: Any, today: str
) -> None:
    one = copy()
    one.send(one.batch([today, "import", {}, 1]))
    assert ">fetch</a>" in browser(alice).get(PAGE).content.decode()
    told = client.get("/api/v1/project/roundup/usage", headers={"Accept": "application/json", **auth(alice)}).json()
    assert [each["event"] for each in told["events"]] == ["import"]


def test_json_is_only_for_those_who_may(told: None, client: Client, bob: User, auth: Any) -> None:
    answer = client.get("/api/v1/project/roundup/usage", headers={"Accept": "application/json", **auth(bob)})
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "role")
