"""Search, browse and classifiers for programs: `/api/v1/`."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.test import Client

from otumat_index.accounts.credentials import of_user
from otumat_index.accounts.models import User
from otumat_index.discover import search
from otumat_index.discover.api import COLUMNS
from otumat_index.discover.search.engine.here import Here
from otumat_index.publish import actions
from otumat_index.publish.models import Project
from otumat_index.publish.queries import vocabulary
from otumat_index.web.tables import harmless

pytestmark = pytest.mark.django_db
INTERNET, HTTP, TYPED = "Topic :: Internet", "Topic :: Internet :: WWW/HTTP", "Typing :: Typed"


@pytest.fixture
def engine() -> Iterator[None]:
    with search.answered_by(Here()):
        yield


@pytest.fixture
def few(submit: Any, alice: User, now: Any, engine: None) -> Project:
    """Three public projects and a private one of Alice's."""
    for name, classifiers in (("one", [HTTP, TYPED]), ("two", [INTERNET]), ("three", [TYPED]), ("hidden", [HTTP])):
        summary = "=1+1 fast" if name == "one" else "fast"
        answer = submit(alice, name=name, version="1.0", summary=summary, classifiers=classifiers)
        assert answer.status_code == 200
    hidden = Project.objects.get(name="hidden")
    actions.set_visibility(hidden, is_private=True, by=of_user(alice, "session"), at=now)
    return hidden


def names_of(answer: Any) -> list[str]:
    assert answer.status_code == 200, answer.content
    return [row["name"] for row in answer.json()["results"]]


def test_browse_answers_total_counts_results_and_next(client: Client, few: Project) -> None:
    answer = client.get("/api/v1/browse", {"c": INTERNET})
    told = answer.json()
    assert set(told) == {"total", "counts", "results", "next"}
    assert (told["total"], told["next"]) == (2, None)
    assert sorted(names_of(answer)) == ["one", "two"]
    assert told["counts"] == {"Topic": 2, INTERNET: 2, HTTP: 1, "Typing": 1, TYPED: 1}
    assert {"name", "version", "summary", "url"} <= set(told["results"][0])


def test_D11_each_count_is_the_total_if_it_were_added(client: Client, few: Project) -> None:
    for selected in ([], [INTERNET], [TYPED], [INTERNET, TYPED]):
        for text in ("", "fast", "-framework:django", "nothing"):
            counts = client.get("/api/v1/browse", {"c": selected, "q": text}).json()["counts"]
            for classifier, count in counts.items():
                behind = client.get("/api/v1/browse", {"c": [*selected, classifier], "q": text, "rows": 100})
                assert behind.json()["total"] == len(names_of(behind)) == count


def test_next_leads_through_the_whole_list(client: Client, few: Project) -> None:
    for path in ("/api/v1/browse", "/api/v1/search"):
        seen, url = [], f"{path}?rows=1&q=fast"
        while url:
            answer = client.get(url)
            seen += names_of(answer)
            following = answer.json()["next"]
            url = f"{urlsplit(following).path}?{urlsplit(following).query}" if following else ""
        assert sorted(seen) == ["one", "three", "two"]


def test_search_says_how_it_understood_the_text_and_what_it_did_not(client: Client, few: Project) -> None:
    told = client.get("/api/v1/search", {"q": "fast  topic:INTERNET framwork:django"}).json()
    assert (told["query"], told["total"]) == ("fast topic:internet", 2)
    (problem,) = told["problems"]
    assert (problem["code"], problem["start"], problem["end"]) == ("field.unknown", 21, 36)
    assert problem["suggestions"][0] == "framework:django"


def test_results_come_as_a_table_that_no_spreadsheet_takes_for_formulas(client: Client, few: Project) -> None:
    answer = client.get("/api/v1/search?q=one", headers={"Accept": "text/csv"})
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    head, row = csv.reader(io.StringIO(answer.content.decode()))
    assert tuple(head) == COLUMNS
    assert row[:3] == ["one", "1.0", "'=1+1 fast"]


@pytest.mark.parametrize(
    "text", ["=1+1", "+1", "-1", "@SUM(1)", "\t=1", "\r=1", "\n=1", "\uff1d1", "\uff0b1", "\uff0d1", "\uff20SUM(1)"]
)
def test_no_cell_begins_like_a_formula(text: str) -> None:
    assert harmless(text) == f"'{text}"


def test_who_has_the_answer_is_not_sent_it_again(client: Client, few: Project) -> None:
    first = client.get("/api/v1/browse?c=Topic")
    again = client.get("/api/v1/browse?c=Topic", headers={"If-None-Match": first["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert first["Cache-Control"] == "no-cache"


def test_A86_private_projects_are_for_who_holds_a_role_by_every_credential(
    client: Client, few: Project, alice: User, charlie: User, auth: Any
) -> None:
    paths = ("/api/v1/browse?c=Topic", "/api/v1/search?q=fast", "/api/v1/search?q=is:private+fast")

    def seen(path: str, **words: Any) -> tuple[int, bool, str]:
        answer = client.get(path, **words)
        return answer.json()["total"], "hidden" in names_of(answer), answer["Cache-Control"]

    for path in paths:
        public = seen(path)
        assert public[1:] == (False, "no-cache")
        assert seen(path, headers=auth(charlie)) == public
        assert seen(path, headers=auth(alice, projects=["another"])) == public
        assert seen(path, headers=auth(alice)) == (public[0] + 1, True, "private, no-store")
    client.force_login(alice)
    assert seen(paths[0])[1]
    counts = client.get("/api/v1/browse").json()["counts"]
    assert counts[HTTP] == 2
    client.logout()
    assert client.get("/api/v1/browse").json()["counts"][HTTP] == 1


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("rows=0", 200),
        ("rows=-5", 200),
        ("rows=99999", 200),
        ("rows=x", 400),
        ("place=%00", 200),
        ("q=%00", 200),
        ("c=%00", 200),
        ("c=" + "&c=".join(map(str, range(9))), 400),
        (f"q={'x' * 5000}", 200),
        (f"q={'-a:b,' * 100}", 200),
    ],
)
def test_A76_odd_requests_are_answered(client: Client, few: Project, query: str, status: int) -> None:
    for path in ("/api/v1/browse", "/api/v1/search"):
        answer = client.get(f"{path}?{query}")
        assert answer.status_code == (200 if path.endswith("search") and query.startswith("c=") else status)


@pytest.mark.parametrize("accept", ["*/*;q=0", ",".join(["text/csv;q=0.1"] * 2000), "text/csv;q=x", "§"])
def test_A71_any_accept_header_is_answered(client: Client, few: Project, accept: str) -> None:
    assert client.get("/api/v1/search?q=one", headers={"Accept": accept}).status_code == 200


def test_D47_classifiers_come_with_counts_and_what_to_use_instead(client: Client, few: Project) -> None:
    rows = {row["classifier"]: row for row in client.get("/api/v1/classifiers").json()["classifiers"]}
    assert set(rows) == vocabulary().allowed.union(vocabulary().deprecated)
    assert rows[INTERNET]["projects"] == 2
    old = rows["Natural Language :: Ukranian"]
    assert (old["deprecated"], old["use_instead"]) == (True, ["Natural Language :: Ukrainian"])
    (beos,) = client.get("/api/v1/classifiers?q=beos").json()["classifiers"]
    assert beos["classifier"] == "Operating System :: BeOS"


def test_without_an_engine_the_answer_says_that_it_is_partial(client: Client, submit: Any, alice: User) -> None:
    submit(alice, name="one", version="1.0", classifiers=[HTTP])
    told = client.get("/api/v1/browse?c=Topic").json()
    assert (told["total"], told["partial"], told["counts"]) == (1, True, {})
