from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from otumat.errors import NotFound, OtumatError, Refused, Unauthenticated, Unreachable
from otumat.publish import account
from otumat.publish.account import Confirmation
from otumat.publish.api import MAX_LISTED, Api, rows, texts
from otumat.settings import Credentials, Index
from otumat.testing import RecordingTransport
from otumat.transport import Response

if TYPE_CHECKING:
    from collections.abc import Callable

    from otumat.transport import Request

INDEX = Index("https://index.example.org")
CAROL = Credentials("carol", "correct horse battery", "test")


def answering(status: int, body: object = None, **headers: str) -> RecordingTransport:
    data = b"" if body is None else json.dumps(body).encode()
    told = {"content-type": "application/json", **{name.replace("_", "-"): value for name, value in headers.items()}}
    return RecordingTransport(lambda _: Response(status, told, data))


def error(code: str) -> dict[str, Any]:
    return {"ok": False, "error": {"code": code, "message": "Some message.", "hint": ""}, "problems": []}


def offline(_: Request) -> Response:
    raise Unreachable("There is no network.")


def confirmation(over: RecordingTransport) -> Confirmation:
    return account.confirmation(CAROL, at=INDEX, over=over)


@pytest.mark.parametrize(
    ("over", "told"),
    [
        (answering(200, {"user": "carol"}), Confirmation(True)),
        (answering(200, {"user": "carol", "confirmed": True}), Confirmation(True)),
        (answering(200, {"user": "carol", "confirmed": False}), Confirmation(False)),
        (answering(403, error("unconfirmed")), Confirmation(False)),
        (answering(403, error("unconfirmed"), retry_after="7"), Confirmation(False, 7)),
        (answering(429, retry_after="30"), Confirmation(False, 30)),
        (answering(503, retry_after="Wed, 21 Oct 2030 07:28:00 GMT"), Confirmation(False)),
        (answering(503, retry_after="-5"), Confirmation(False)),
        (answering(502), Confirmation(False)),
        (RecordingTransport(offline), Confirmation(False)),
    ],
)
def test_only_a_yes_of_the_index_is_a_confirmation(over: RecordingTransport, told: Confirmation) -> None:
    assert confirmation(over) == told


@pytest.mark.parametrize(
    ("over", "kind"),
    [
        (answering(401, error("unauthenticated")), Unauthenticated),
        (answering(403, error("second_factor")), Refused),
        (answering(404), NotFound),
    ],
)
def test_what_no_waiting_mends_ends_the_wait(over: RecordingTransport, kind: type[OtumatError]) -> None:
    with pytest.raises(kind):
        confirmation(over)


def test_a_registration_is_a_form_without_credentials() -> None:
    over = answering(200, {"ok": True, "action": "registered"})
    account.register("carol", password="correct horse battery", email="carol@example.org", at=INDEX, over=over)
    (request,) = over.requests
    assert (request.method, request.url) == ("POST", "https://index.example.org/user")
    assert "Authorization" not in request.headers


@pytest.mark.parametrize("ask", [account.tokens, account.whoami])
@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"null"])
def test_an_answer_in_another_form_is_told(ask: Callable[[Api], object], body: bytes) -> None:
    over = RecordingTransport(lambda _: Response(200, {"content-type": "application/json"}, body))
    with pytest.raises(Unreachable, match="another form"):
        ask(Api(INDEX, CAROL, over))


def test_an_answer_without_content_is_an_answer() -> None:
    account.revoke_token(Api(INDEX, CAROL, answering(204)), "12")


def test_a_token_that_is_not_told_is_an_error() -> None:
    with pytest.raises(Unreachable, match="did not tell it"):
        account.create_token(Api(INDEX, CAROL, answering(200, {"ok": True, "id": 1})), "ci")


@pytest.mark.parametrize("value", [None, "text", {"a": 1}, 7])
def test_what_is_no_list_lists_nothing(value: object) -> None:
    assert rows({"tokens": value}, "tokens") == []
    assert texts(value) == ()


def test_a_list_is_bounded_and_what_is_no_object_left_out() -> None:
    assert rows({"tokens": [{}, "text", None]}, "tokens") == [{}]
    assert len(rows({"tokens": [{}] * (MAX_LISTED + 1)}, "tokens")) == MAX_LISTED
