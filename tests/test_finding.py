"""`otumat search` and `otumat browse` against a started index."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import pytest

from harness.artifacts import make_wheel, upload_form
from harness.clients import Done, Home
from harness.server import Index, basic
from harness.waiting import PATIENCE_S, until

pytestmark = pytest.mark.clients

HEADERS = """\
Summary: {summary}
License-Expression: MIT
Keywords: {stem}
Classifier: Framework :: Django
Classifier: Topic :: Office/Business :: Scheduling
"""


@pytest.fixture
def published(index: Index, token: str, new_name: Callable[[str], str]) -> str:
    """A project with a name of its own, and a private one whose texts are alike."""
    name, veiled = new_name("xylofinder"), new_name("xyloveiled")
    for each in (name, veiled):
        body, headers = upload_form(make_wheel(each, headers=HEADERS.format(summary=f"Finds {name}", stem=name)))
        assert index.request("POST", "/legacy/", body, headers | basic("__token__", token)).status == 200
    assert index.api("PUT", f"/project/{veiled}/visibility", "alice", is_private=True).status == 200
    return name


@pytest.fixture
def otumat(index: Index, home: Home) -> Callable[..., Done]:
    def run(*words: str, **environ: Any) -> Done:
        return home.python("-m", "otumat", *words, OTUMAT_INDEX=index.url, **environ)

    return run


def until_found(ask: Callable[[], Done]) -> Done:
    """Search follows a publish within a moment."""
    deadline = time.monotonic() + PATIENCE_S
    while (done := ask()).code and time.monotonic() < deadline:
        time.sleep(0.1)
    return done


def test_what_was_published_is_found_from_a_terminal(otumat: Callable[..., Done], published: str) -> None:
    query = f"name:{published} framework:django license:MIT has:wheel updated:<1d"
    told = json.loads(until_found(lambda: otumat("search", query, "--facets", "--json")).ok())
    assert told["total"] == 1
    (hit,) = told["results"]
    assert (hit["name"], hit["version"], hit["license"]) == (published, "1.0", "MIT")
    assert hit["url"].endswith(f"/project/{published}/")
    assert told["problems"] == []
    assert told["counts"]["Topic :: Office/Business"] == 1
    shown = otumat("search", f"name:{published}", "--classifier", "Framework :: Django", "--sort", "updated").ok()
    assert f"Finds {published}" in shown
    assert "1 project found." in shown


def test_browsing_counts_and_shows(otumat: Callable[..., Done], published: str) -> None:
    ask = ("browse", "Framework :: Django", "Topic :: Office/Business", "--query", f"name:{published}")
    shown = until_found(lambda: otumat(*ask)).ok()
    assert "Topic :: Office/Business\n  1  Scheduling\n" in shown
    assert f"Finds {published}" in shown
    assert "1 project in this selection." in shown
    assert "Topic" in otumat("browse").ok()


def test_nothing_is_nothing(otumat: Callable[..., Done], published: str) -> None:
    done = otumat("search", "name:there-is-no-such-thing-at-all")
    assert done.code == 1
    assert "Nothing on" in done.output


def test_A86_a_private_project_is_found_by_who_holds_a_role_alone(
    otumat: Callable[..., Done], index: Index, published: str, token: str
) -> None:
    query = f"keywords:{published}"
    mine = until_found(lambda: otumat("search", query, "name:xyloveiled", "--json", OTUMAT_TOKEN=token))
    assert json.loads(mine.ok())["results"][0]["private"] is True

    def others() -> dict[str, Any]:
        told: dict[str, Any] = json.loads(otumat("search", query, "--json").ok())
        assert [hit["name"] for hit in told["results"]] == [published]
        return told

    until(lambda: others()["total"] == 1)
