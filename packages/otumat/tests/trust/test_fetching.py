"""Asking an index for its list of keys: what goes out, and what an answer is taken for."""

from __future__ import annotations

import pytest

from otumat.errors import NotFound, OtumatError, Refused, Unauthenticated, Unreachable
from otumat.settings import Credentials, Index
from otumat.transport import Request, Response
from otumat.trust.fetching import checked_list, fetch_list

INDEX = Index("https://index.example.org")


class Answering:
    """An index that answers everything in one way, and remembers what it was asked."""

    def __init__(self, status: int, body: bytes) -> None:
        self.status, self.body = status, body
        self.asked: list[Request] = []

    def send(self, request: Request) -> Response:
        self.asked.append(request)
        return Response(self.status, {}, self.body)


def test_credentials_go_along_only_where_there_are_any() -> None:
    over = Answering(200, b"{}")
    assert fetch_list("a/../b", on=INDEX, by=None, over=over) == b"{}"
    fetch_list("plugin1", on=INDEX, by=Credentials("alice", "secret", "tests"), over=over)
    assert over.asked[0].url == "https://index.example.org/trust/project/a%2F..%2Fb/keys"
    assert ["Authorization" in each.headers for each in over.asked] == [False, True]


@pytest.mark.parametrize(
    ("status", "kind"), [(404, NotFound), (401, Unauthenticated), (403, Refused), (429, Refused), (500, Unreachable)]
)
def test_a_refusal_is_told_as_what_it_is(status: int, kind: type[OtumatError]) -> None:
    with pytest.raises(kind):
        fetch_list("plugin1", on=INDEX, by=None, over=Answering(status, b"<html>"))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{}",
        b'{"payload": "e30=", "payloadType": "application/vnd.otumat.keys+json", "signatures": []}',
        b'{"payload": "e30=", "payload": "e30=", "payloadType": "x", "signatures": [{"sig": ""}]}',
        b'{"payload": "e30=", "payloadType": "application/vnd.in-toto+json", "signatures": [{"sig": ""}]}',
        b'{"payload": "e30=", "payloadType": "application/vnd.otumat.keys+json", "signatures": [{"sig": ""}]}',
        b'{"payload": "bnVsbA==", "payloadType": "application/vnd.otumat.keys+json", "signatures": [{"sig": ""}]}',
    ],
)
def test_T64_an_answer_of_another_form_is_no_list(body: bytes) -> None:
    with pytest.raises(Unreachable):
        checked_list(body, "plugin1", asked=INDEX.url, pin=None, at=0)
