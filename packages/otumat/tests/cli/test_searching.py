"""`otumat search` and `otumat browse`."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from otumat.cli.console import columns_of, cut

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from subprocess import CompletedProcess

    Otumat = Callable[..., CompletedProcess[str]]

HITS: list[dict[str, Any]] = [
    {
        "name": "roundup",
        "version": "2.4.0",
        "summary": "Issue tracking for the command line and the web",
        "released_at": "2026-07-01T12:00:00+00:00",
        "status": "active",
        "yanked": False,
        "private": False,
        "license": "MIT",
        "requires_python": ">=3.9",
        "url": "https://index.example.org/project/roundup/",
    },
    {"name": "追跡", "version": "1.0", "summary": "\x1b[2J日本語 " * 30, "released_at": "2020-01-02", "license": None},
]
COUNTS = {
    "Topic": 7,
    "Topic :: Office/Business": 7,
    "Topic :: Office/Business :: Scheduling": 2,
    "Topic :: Internet": 3,
    "Framework": 1,
    "Framework :: Django": 1,
    "Environment :: Console": 0,
    **{f"Programming Language :: L{number}": number for number in range(1, 12)},
    "Programming Language": 11,
}


@dataclass
class Searching:
    """An index that can be searched: notes what it was asked, and answers as it is told to."""

    status: int = 200
    answer: dict[str, Any] = field(default_factory=dict)
    asked: list[tuple[str, list[tuple[str, str]]]] = field(default_factory=list)
    headers: list[Mapping[str, str]] = field(default_factory=list)

    def __call__(self, method: str, path: str, headers: Mapping[str, str], sent: Any) -> Any:
        split = urlsplit(path)
        if split.path not in ("/api/v1/search", "/api/v1/browse"):
            return None
        self.asked.append((split.path.rpartition("/")[2], parse_qsl(split.query)))
        self.headers.append(headers)
        told = {"total": 2, "results": HITS, "suggestion": "", "problems": [], "next": ""}
        more = {"counts": COUNTS} if "browse" in path else {}
        return self.status, {}, {**told, **more, **self.answer}


@pytest.fixture
def searching(index: Any) -> Searching:
    made = Searching()
    index.doors.append(made)
    return made


def test_what_is_found_is_a_table(otumat: Otumat, index: Any, searching: Searching) -> None:
    done = otumat("search", "issue", "tracker", "--index", index.url)
    assert (done.returncode, done.stderr) == (0, "2 projects found.\n")
    first, second = done.stdout.splitlines()
    assert first == "roundup  2.4.0  2026-07-01  MIT  Issue tracking for the command line and the web"
    assert second.startswith("追跡     1.0    2020-01-02       \\x1b[2J日本語 ")  # a pipe has no width: nothing is cut
    assert searching.asked == [("search", [("q", "issue tracker"), ("rows", "20")])]


def test_options_become_part_of_the_query(otumat: Otumat, index: Any, searching: Searching) -> None:
    classifiers = ("--classifier", "Topic :: Office/Business", "--classifier", 'Framework :: "Django"')
    otumat("search", "mail", *classifiers, "--sort", "updated", "--rows", "7", "--place", "abc", "--index", index.url)
    query = 'mail classifier:"Topic :: Office/Business" classifier:"Framework :: Django" sort:updated'
    assert searching.asked == [("search", [("q", query), ("rows", "7"), ("place", "abc")])]


def test_a_query_may_begin_with_a_minus(otumat: Otumat, index: Any, searching: Searching) -> None:
    assert otumat("search", "--index", index.url, "--", "-windows").returncode == 0
    assert searching.asked[0][1][0] == ("q", "-windows")


def test_more_than_is_shown_is_told_with_the_place_to_go_on(otumat: Otumat, index: Any, searching: Searching) -> None:
    searching.answer = {
        "total": 1234,
        "next": "https://index.example.org/api/v1/search?q=rundup&place=pl4ce",
        "suggestion": "roundup's",
    }
    told = otumat("search", "rundup", "--index", index.url).stderr
    assert told == (
        "1,234 projects found, 2 shown; more with --place pl4ce.\nDid you mean: otumat search 'roundup'\"'\"'s'\n"
    )


def test_nothing_found_is_told_as_grep_does(otumat: Otumat, index: Any, searching: Searching) -> None:
    searching.answer = {"total": 0, "results": [], "suggestion": "roundup"}
    done = otumat("search", "rundup", "--index", index.url)
    assert (done.returncode, done.stdout) == (1, "")
    assert f"Nothing on {index.url} matches 'rundup'. Did you mean: otumat search roundup" in done.stderr
    as_json = otumat("search", "rundup", "--json", "--index", index.url)
    assert as_json.returncode == 1
    assert json.loads(as_json.stdout)["suggestion"] == "roundup"


def test_what_of_a_query_was_not_understood_is_told(otumat: Otumat, index: Any, searching: Searching) -> None:
    searching.answer = {
        "problems": [{"message": "There is no field 'licens'.", "suggestions": ["license:MIT", "license:MIT"]}]
    }
    told = otumat("search", "licens:MIT", "--index", index.url).stderr
    assert told.startswith("note: There is no field 'licens'. Perhaps: license:MIT\n")


def test_a_simpler_answer_is_told_as_such(otumat: Otumat, index: Any, searching: Searching) -> None:
    searching.answer = {"partial": True}
    assert "is building its search" in otumat("search", "mail", "--index", index.url).stderr


def test_what_one_should_know_before_choosing_is_marked(otumat: Otumat, index: Any, searching: Searching) -> None:
    known = HITS[0] | {"status": "archived", "yanked": True, "private": True}
    searching.answer = {"results": [known]}
    assert "[archived] [yanked] [private] Issue tracking" in otumat("search", "mail", "--index", index.url).stdout


def test_as_json_it_is_all_there(otumat: Otumat, index: Any, searching: Searching) -> None:
    done = otumat("search", "issue", "--facets", "--json", "--index", index.url)
    answer = json.loads(done.stdout)
    assert (answer["ok"], answer["query"], answer["total"]) == (True, "issue", 2)
    assert answer["results"][0] == HITS[0]
    assert answer["results"][1]["license"] == ""
    assert answer["counts"]["Topic"] == 7


def test_facets_count_what_was_found_in_each_category(otumat: Otumat, index: Any, searching: Searching) -> None:
    shown = otumat("search", "issue", "--facets", "--index", index.url).stdout
    assert "Topic\n  7  Office/Business\n  3  Internet\n\n" in shown
    assert "Scheduling" not in shown
    assert "Environment" not in shown
    assert "Programming Language\n  11  L11\n  10  L10\n" in shown
    assert "   … and 3 more\n" in shown
    assert searching.asked[1] == ("browse", [("q", "issue"), ("rows", "1")])


def test_at_a_terminal_it_is_coloured_and_fits(
    at_a_terminal: Callable[..., Any], index: Any, searching: Searching
) -> None:
    terminal = at_a_terminal("search", "issue", OTUMAT_INDEX=index.url)
    terminal.setwinsize(24, 80)
    terminal.expect("found")
    shown = terminal.before
    assert "\x1b[1mroundup\x1b[0m" in shown
    assert "\x1b[2J" not in shown
    plain = re.sub(r"\x1b\[[0-9;]*m", "", shown)
    assert "…" in plain
    assert max(columns_of(line) for line in plain.splitlines()) <= 80


@pytest.mark.parametrize("environ", [{"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_colours_can_be_turned_off(
    at_a_terminal: Callable[..., Any], index: Any, searching: Searching, environ: dict[str, str]
) -> None:
    terminal = at_a_terminal("search", "issue", OTUMAT_INDEX=index.url, **environ)
    terminal.expect("found")
    assert "\x1b[" not in terminal.before


def test_the_same_search_on_the_web(otumat: Otumat, index: Any, searching: Searching) -> None:
    done = otumat("search", "license:MIT", "a&b", "--web", "--index", index.url)
    assert done.stdout == f"{index.url}/search?q=license%3AMIT+a%26b\n"
    assert searching.asked == []


@pytest.mark.parametrize("command", ["search", "browse"])
def test_an_index_without_search_is_told_plainly(otumat: Otumat, index: Any, command: str) -> None:
    done = otumat(command, "mail", "--index", index.url)
    assert done.returncode == 1
    assert f"{index.url} cannot be asked to {command} from here: it has no /api/v1/{command}." in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("status", "answer", "words"),
    [
        (401, {}, "does not accept these credentials"),
        (429, {"error": {"message": "Slowly, please."}}, "refuses to search now. Slowly, please."),
        (500, {}, "status 500"),
        (200, {"total": "many", "results": [7, None, {"name": 5}], "problems": "x", "next": 3}, "Nothing on"),
    ],
)
def test_other_answers_are_told_in_words(
    otumat: Otumat, index: Any, searching: Searching, status: int, answer: dict[str, Any], words: str
) -> None:
    searching.status, searching.answer = status, answer
    done = otumat("search", "mail", "--index", index.url)
    assert done.returncode == 1
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_credentials_at_hand_are_sent_and_nobody_is_asked_for_any(
    otumat: Otumat, index: Any, searching: Searching
) -> None:
    otumat("search", "mail", OTUMAT_INDEX=index.url)
    otumat("search", "mail", OTUMAT_INDEX=index.url, OTUMAT_USERNAME="alice", OTUMAT_PASSWORD="wonderland")
    assert ["authorization" in headers for headers in searching.headers] == [False, True]


@pytest.mark.parametrize("rows", ["0", "101", "-1", "ten", "٣"])
def test_rows_are_a_number_the_index_gives(otumat: Otumat, index: Any, rows: str) -> None:
    done = otumat("search", "mail", "--rows", rows, "--index", index.url)
    assert done.returncode == 2
    assert "from 1 to 100" in done.stderr


def test_browsing_begins_with_the_categories(otumat: Otumat, index: Any, searching: Searching) -> None:
    done = otumat("browse", "--index", index.url)
    assert done.stdout == "Categories\n  11  Programming Language\n   7  Topic\n   1  Framework\n\n"
    assert done.stderr == "2 projects in this selection.\n"


def test_browsing_goes_down_and_shows_projects(otumat: Otumat, index: Any, searching: Searching) -> None:
    done = otumat("browse", "Topic", "Framework :: Django", "--query", "mail", "--index", index.url)
    assert done.stdout.startswith("Topic\n  7  Office/Business\n  3  Internet\n\nroundup  2.4.0")
    asked = [("c", "Topic"), ("c", "Framework :: Django"), ("q", "mail"), ("rows", "10")]
    assert searching.asked == [("browse", asked)]


def test_browsing_where_nothing_is(otumat: Otumat, index: Any, searching: Searching) -> None:
    searching.answer = {"total": 0, "results": [], "counts": {}}
    done = otumat("browse", "Topik", "--index", index.url)
    assert (done.returncode, done.stdout) == (1, "")
    assert "has 'Topik'" in done.stderr


@pytest.mark.parametrize(
    ("text", "columns", "shown"),
    [
        ("mail", 4, "mail"),
        ("mailing", 4, "mai…"),
        ("日本語", 6, "日本語"),
        ("日本語", 5, "日本…"),
        ("日本語", 4, "日…"),
        ("", 3, ""),
    ],
)
def test_text_is_cut_by_columns_not_by_letters(text: str, columns: int, shown: str) -> None:
    assert cut(text, columns) == shown
    assert columns_of(shown) <= columns
