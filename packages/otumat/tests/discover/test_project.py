from __future__ import annotations

import json

import pytest

from otumat.discover.classifiers import ClassifierList, listed_by
from otumat.discover.project import find_project
from otumat.errors import NotFound, OtumatError, Refused, Unauthenticated, Unreachable
from otumat.settings import Credentials, Index
from otumat.testing import RecordingTransport
from otumat.transport import Response

INDEX = Index("https://index.example.org")
INFO = {
    "name": "roundup",
    "version": "1.0",
    "summary": None,
    "classifiers": ["A"],
    "home_page": "https://a.example.org/",
}


def answering(body: object, status: int = 200, media_type: str = "application/json") -> RecordingTransport:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return RecordingTransport(lambda _: Response(status, {"content-type": media_type}, data))


def test_an_answer_is_read_into_a_project() -> None:
    urls = [{"filename": "a.whl", "size": 5, "digests": {"sha256": "00"}, "upload_time": "2026-01-01", "yanked": True}]
    links = {"Home": "https://a.example.org/", "Docs": "https://d.example.org/"}
    body = {"info": INFO | {"project_urls": links, "license": "MIT"}, "urls": urls}
    found = find_project("roundup", on=INDEX, by=None, over=answering(body))
    assert (found.name, found.version, found.summary, found.license) == ("roundup", "1.0", "", "MIT")
    assert found.links == (("Home", "https://a.example.org/"), ("Docs", "https://d.example.org/"))
    assert (found.files[0].size_bytes, found.files[0].sha256, found.files[0].yanked) == (5, "00", True)


@pytest.mark.parametrize(
    ("name", "version", "url"),
    [
        ("roundup", "", "https://index.example.org/pypi/roundup/json"),
        ("roundup", "1.0", "https://index.example.org/pypi/roundup/1.0/json"),
        ("../admin", "1!2?x#y", "https://index.example.org/pypi/..%2Fadmin/1%212%3Fx%23y/json"),
    ],
)
def test_A77_a_name_cannot_leave_its_place_in_the_address(name: str, version: str, url: str) -> None:
    transport = answering({"info": INFO})
    find_project(name, version=version, on=INDEX, by=None, over=transport)
    assert transport.requests[0].url == url


@pytest.mark.parametrize(
    ("status", "kind"),
    [(404, NotFound), (401, Unauthenticated), (403, Refused), (500, Unreachable), (302, Unreachable)],
)
def test_every_refusal_has_its_kind(status: int, kind: type[OtumatError]) -> None:
    with pytest.raises(kind):
        find_project("roundup", on=INDEX, by=None, over=answering(b"", status))


@pytest.mark.parametrize(
    "body", [b"{", b"[]", b"null", b"[" * 100_000, {}, {"info": None}, {"info": []}, {"info": INFO, "urls": [1]}]
)
def test_an_answer_in_another_form_is_told_as_such(body: object) -> None:
    with pytest.raises(Unreachable, match="another form"):
        find_project("roundup", on=INDEX, by=None, over=answering(body))


def test_credentials_are_sent_when_given() -> None:
    transport = answering({"info": INFO})
    find_project("roundup", on=INDEX, by=Credentials("alice", "wonderland", "test"), over=transport)
    assert transport.requests[0].headers["Authorization"] == "Basic YWxpY2U6d29uZGVybGFuZA=="


def test_a_list_of_classifiers_is_lines_of_plain_text() -> None:
    transport = answering(b"A :: B\r\n\r\n  A :: C \n" + b"x" * 1000, media_type="text/plain")
    assert listed_by(INDEX, over=transport) == ClassifierList(INDEX.url, ("A :: B", "A :: C"))


@pytest.mark.parametrize(("status", "media_type"), [(404, "text/plain"), (200, "text/html")])
def test_anything_else_is_no_list(status: int, media_type: str) -> None:
    with pytest.raises(Unreachable, match="lists no classifiers"):
        listed_by(INDEX, over=answering(b"A :: B", status, media_type))
