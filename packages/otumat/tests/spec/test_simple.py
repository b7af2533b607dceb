"""The simple API, read back by the readers that installers use."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otumat.spec import simple

MOMENT = datetime(2026, 8, 22, 10, 30, 0, 1200, tzinfo=UTC)
WHEEL = simple.FileEntry(
    filename="foo-1.0-py3-none-any.whl",
    url="../../files/foo-1.0-py3-none-any.whl",
    sha256="ab" * 32,
    size=1234,
    upload_time=MOMENT,
    requires_python=">=3.11,<4",
    core_metadata_sha256="cd" * 32,
)
SDIST = simple.FileEntry("foo-1.0.tar.gz", "../../files/foo-1.0.tar.gz", "ef" * 32, 99, MOMENT, yanked="broken & <bad>")
PAGE = simple.ProjectPage("foo", (WHEEL, SDIST), ("1.0", "1.1"), last_serial=7)


class Page(HTMLParser):
    """Tags with attributes, and all text, of an HTML page."""

    def __init__(self, html: bytes) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(html.decode("utf-8"))

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.text += data

    def links(self):
        return [attributes for tag, attributes in self.tags if tag == "a"]

    def meta(self):
        return {a["name"]: a["content"] for tag, a in self.tags if tag == "meta" and "name" in a}


def test_the_json_page_has_every_key_of_api_version_1_4():
    page = json.loads(simple.render_project_json(PAGE))
    assert page["meta"] == {"api-version": "1.4", "_last-serial": 7}
    assert (page["name"], page["versions"]) == ("foo", ["1.0", "1.1"])
    assert page["files"][0] == {
        "filename": "foo-1.0-py3-none-any.whl",
        "url": "../../files/foo-1.0-py3-none-any.whl",
        "hashes": {"sha256": "ab" * 32},
        "size": 1234,
        "upload-time": "2026-08-22T10:30:00.001200Z",
        "requires-python": ">=3.11,<4",
        "yanked": False,
        "core-metadata": {"sha256": "cd" * 32},
        "dist-info-metadata": {"sha256": "cd" * 32},
    }
    assert page["files"][1]["yanked"] == "broken & <bad>"
    assert page["files"][1]["core-metadata"] is False
    assert "project-status" not in page
    assert "tracks" not in page["meta"]


def test_the_html_page_says_what_the_json_page_says():
    page = Page(simple.render_project_html(PAGE))
    wheel, sdist = page.links()
    assert page.meta() == {"pypi:repository-version": "1.4"}
    assert wheel == {
        "href": "../../files/foo-1.0-py3-none-any.whl#sha256=" + "ab" * 32,
        "data-requires-python": ">=3.11,<4",
        "data-core-metadata": "sha256=" + "cd" * 32,
        "data-dist-info-metadata": "sha256=" + "cd" * 32,
    }
    assert sdist["data-yanked"] == "broken & <bad>"
    assert "data-core-metadata" not in sdist


def test_a_file_yanked_without_a_reason_is_yanked():
    page = simple.ProjectPage("foo", (simple.FileEntry("f", "f", "ab", 1, MOMENT, yanked=""),))
    assert json.loads(simple.render_project_json(page))["files"][0]["yanked"] is True
    assert Page(simple.render_project_html(page)).links()[0]["data-yanked"] == ""


def test_the_provenance_is_told_when_there_is_one():
    page = simple.ProjectPage("foo", (simple.FileEntry("f", "f", "ab", 1, MOMENT, provenance="../p"),))
    assert json.loads(simple.render_project_json(page))["files"][0]["provenance"] == "../p"
    assert Page(simple.render_project_html(page)).links()[0]["data-provenance"] == "../p"


@pytest.mark.parametrize(
    "moment", [MOMENT.replace(tzinfo=None), MOMENT.astimezone(timezone(timedelta(hours=5, minutes=30)))]
)
def test_upload_times_are_told_in_utc_with_six_digits(moment):
    page = simple.ProjectPage("foo", (simple.FileEntry("f", "f", "ab", 1, moment),))
    assert json.loads(simple.render_project_json(page))["files"][0]["upload-time"] == "2026-08-22T10:30:00.001200Z"


@pytest.mark.parametrize("status", ["archived", "deprecated"])
def test_a_status_is_told_in_both_formats(status):
    page = simple.ProjectPage("foo", (WHEEL,), ("1.0",), status=status, status_reason='see "bar" <b>')
    answer = json.loads(simple.render_project_json(page))
    assert answer["project-status"] == {"status": status, "reason": 'see "bar" <b>'}
    assert len(answer["files"]) == 1
    html = Page(simple.render_project_html(page))
    assert html.meta()["pypi:project-status"] == status
    assert html.meta()["pypi:project-status-reason"] == 'see "bar" <b>'
    assert len(html.links()) == 1


def test_A84_a_quarantined_project_offers_no_file():
    page = simple.ProjectPage("foo", (WHEEL,), ("1.0",), status="quarantined")
    answer = json.loads(simple.render_project_json(page))
    assert (answer["files"], answer["versions"]) == ([], ["1.0"])
    assert answer["project-status"] == {"status": "quarantined"}
    assert Page(simple.render_project_html(page)).links() == []


NASTY = "\"><script>alert(1)</script>'&\0"


def test_A34_A35_markup_in_any_text_stays_text():
    file = simple.FileEntry(NASTY, NASTY, NASTY, 1, MOMENT, NASTY, NASTY, NASTY, NASTY)
    html = simple.render_project_html(simple.ProjectPage(NASTY, (file,), (NASTY,), "archived", NASTY))
    page = Page(html)
    assert b"<script" not in html
    assert b"\0" not in html
    assert {tag for tag, _ in page.tags} == {"html", "head", "meta", "title", "body", "h1", "a", "br"}
    (link,) = page.links()
    assert set(link) == {
        *("href", "data-requires-python", "data-core-metadata", "data-dist-info-metadata"),
        *("data-yanked", "data-provenance"),
    }
    assert link["data-yanked"] == NASTY.replace("\0", "\ufffd")
    assert page.meta()["pypi:project-status-reason"] == NASTY.replace("\0", "\ufffd")


@given(st.text(), st.text())
def test_A34_no_text_can_break_out_of_a_page(filename, reason):
    file = simple.FileEntry(filename, filename, "ab", 1, MOMENT, reason, reason, None, None)
    page = simple.ProjectPage("foo", (file,))
    html = Page(simple.render_project_html(page))
    assert [tag for tag, _ in html.tags] == ["html", "head", "meta", "meta", "title", "body", "h1", "a", "br"]
    assert json.loads(simple.render_project_json(page))["files"][0]["filename"] == filename


def test_the_list_of_projects_in_json_tells_serials_to_mirrors():
    answer = json.loads(simple.render_list_json(["Foo.Bar", "baz"], last_serial=9, serials={"baz": 4}))
    assert answer["meta"] == {"api-version": "1.4", "_last-serial": 9}
    assert answer["projects"] == [{"name": "Foo.Bar"}, {"name": "baz", "_last-serial": 4}]
    assert json.loads(simple.render_list_json(iter(["a"])))["projects"] == [{"name": "a"}]


def test_the_list_of_projects_in_html_links_normalised_names():
    page = Page(simple.render_list_html(["Foo.Bar", "<i>"]))
    assert [link["href"] for link in page.links()] == ["foo-bar/", "<i>/"]
    assert "Foo.Bar" in page.text
    assert page.meta() == {"pypi:repository-version": "1.4"}


PIP = "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html; q=0.1, text/html; q=0.01"
BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        (None, "text/html"),
        ("", "text/html"),
        (" ", "text/html"),
        (PIP, simple.JSON),
        (BROWSER, "text/html"),
        ("*/*", "text/html"),
        ("text/*", "text/html"),
        ("application/*", simple.JSON),
        ("application/vnd.pypi.simple.latest+json", simple.JSON),
        ("application/vnd.pypi.simple.latest+html", simple.HTML),
        ("application/vnd.pypi.simple.v1+html", simple.HTML),
        ("APPLICATION/VND.PYPI.SIMPLE.V1+JSON", simple.JSON),
        ("text/html, application/vnd.pypi.simple.v1+json", simple.JSON),
        ("text/html; q=0.9, application/vnd.pypi.simple.v1+json; q=0.8", "text/html"),
        ("*/*; q=0.1, application/vnd.pypi.simple.v1+json; q=0", "text/html"),
        ("*/*, text/html; q=0", simple.JSON),
        ("text/html;level=1;q=0.5", "text/html"),
        ("text/html; q=banana, application/vnd.pypi.simple.v1+json; q=0.1", simple.JSON),
    ],
)
def test_A71_the_best_of_what_was_asked_for_is_sent(accept, content_type):
    answer = simple.negotiate_type(accept)
    assert answer is not None
    assert answer.content_type == content_type
    assert simple.negotiate(accept) == ("json" if content_type == simple.JSON else "html")


@pytest.mark.parametrize(
    "accept",
    [
        "application/json",
        "application/vnd.pypi.simple.v2+json",
        "application/vnd.pypi.simple.v1+json; q=0",
        "*/*; q=0",
        "nonsense",
        ";;;,,,q=1",
        "text/html; q=2",
        ",".join(["text/html"] * 10_000),
        "text/html" + " " * 5000,
    ],
    ids=lambda accept: accept[:40],
)
def test_A71_what_cannot_be_served_or_is_no_honest_header_gets_406(accept):
    assert simple.negotiate(accept) is None


@given(st.one_of(st.text(), st.text(alphabet="texhml/*;q=0.1, ", max_size=80)))
def test_A71_any_header_gets_an_answer(accept):
    assert simple.negotiate(accept) in ("json", "html", None)
