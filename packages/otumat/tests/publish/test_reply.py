from __future__ import annotations

import json

import pytest

from otumat.errors import (
    Conflict,
    Invalid,
    NotFound,
    OtumatError,
    Refused,
    Unauthenticated,
    Unreachable,
)
from otumat.publish import reply
from otumat.transport import Response

URL = "https://index.example.org/submit"


def answered(status: int, body: object, media_type: str = "application/json", reason: str = "") -> Response:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Response(status, {"content-type": media_type}, data, reason)


def test_a_yes_is_a_receipt() -> None:
    answer = {"ok": True, "action": "updated", "name": "roundup", "version": "1", "url": "https://x.example.org/"}
    warning = {"code": "a.b", "field": "name", "message": "m", "severity": "warning", "suggestions": ["x"]}
    receipt = reply.read(answered(200, answer | {"problems": [warning]}), asked=URL)
    assert (receipt.action, receipt.name, receipt.version, receipt.url) == (
        "updated",
        "roundup",
        "1",
        "https://x.example.org/",
    )
    assert [(each.code, each.severity, each.suggestions) for each in receipt.problems] == [("a.b", "warning", ("x",))]


@pytest.mark.parametrize("body", [b"", b"OK\n", b"<html>thanks</html>"])
def test_an_index_of_another_make_may_say_yes_in_its_own_words(body: bytes) -> None:
    assert reply.read(answered(200, body, "text/html"), asked=URL) == reply.Receipt("accepted")


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, OtumatError),
        (401, Unauthenticated),
        (403, Refused),
        (404, NotFound),
        (409, Conflict),
        (429, Unreachable),
        (500, Unreachable),
        (503, Unreachable),
    ],
)
@pytest.mark.parametrize("told", [True, False])
def test_every_refusal_has_its_kind_with_and_without_words(status: int, kind: type[OtumatError], told: bool) -> None:
    error = {"code": "some.code", "message": "Some message.", "hint": "Some hint."}
    with pytest.raises(kind) as caught:
        reply.read(answered(status, {"ok": False, "error": error} if told else b"", reason="Oops"), asked=URL)
    if told:
        assert (caught.value.code, caught.value.hint) == ("some.code", "Some hint.")
        assert "Some message." in caught.value.message
    assert caught.value.message


def test_problems_make_a_refusal_invalid_and_all_are_kept() -> None:
    problems = [{"code": f"c.{number}", "field": "name", "message": "m", "severity": "error"} for number in range(30)]
    answer = {"ok": False, "error": {"code": "invalid", "message": "30 things to mend."}, "problems": problems}
    with pytest.raises(Invalid) as caught:
        reply.read(answered(400, answer), asked=URL)
    assert [each.code for each in caught.value.problems] == [f"c.{number}" for number in range(30)]


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"[" * 100_000,
        b"[]",
        b"null",
        b"\xff\xfe",
        b'{"ok": 1, "problems": {"a": 1}, "error": []}',
        b'{"problems": [1, null, {"message": 5, "suggestions": 3, "value": {}}], "url": ["x"], "name": 7}',
    ],
)
@pytest.mark.parametrize("status", [200, 400])
def test_nonsense_is_survived(body: bytes, status: int) -> None:
    try:
        assert isinstance(reply.read(answered(status, body), asked=URL), reply.Receipt)
    except OtumatError as exc:
        assert exc.message  # noqa: PT017 - either is an answer


@pytest.mark.parametrize("url", ["javascript:alert(1)", "file:///etc/passwd", "", 5, None])
def test_only_web_addresses_are_passed_on(url: object) -> None:
    assert reply.read(answered(200, {"ok": True, "url": url}), asked=URL).url == ""


def test_the_reason_phrase_is_told_where_there_is_nothing_else() -> None:
    with pytest.raises(OtumatError, match="400 File already exists"):
        reply.read(answered(400, b"<html>", "text/html", "File already exists"), asked=URL)
