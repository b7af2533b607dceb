"""Reading upload forms: what is read in one go is what Django's parser reads, and all else is left to it."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import RequestFactory

from otumat_index.publish import multipart

B = "b0undary"
TEXT = 'Content-Disposition: form-data; name="name"\r\n\r\n'
FILE = 'Content-Disposition: form-data; name="content"; filename="a-1.whl"\r\nContent-Type: application/zip\r\n\r\n'


def body(*parts: bytes | str, end: str = f"\r\n--{B}--\r\n") -> bytes:
    whole = b"\r\n".join(f"--{B}\r\n".encode() + (part.encode() if isinstance(part, str) else part) for part in parts)
    return whole + end.encode()


def read(data: bytes, kind: str = f"multipart/form-data; boundary={B}", *, plain: bool = True) -> Any:
    """Everything a form has, by our reading or by Django's; None where ours leaves it."""
    request = RequestFactory().post("/legacy/", data, content_type=kind)
    if plain:
        multipart.read(request)
        if not hasattr(request, "_post"):
            return None
    files = [
        (name, each.name, each.content_type, each.size, each.read())
        for name, found in request.FILES.lists()
        for each in found
    ]
    return [*request.POST.lists()], files


PLAIN = {
    "text": body(TEXT + "roundup"),
    "the same field twice": body(TEXT + "a", 'Content-Disposition: form-data; name=":action"\r\n\r\nx', TEXT + "b"),
    "an empty field": body(TEXT),
    "line ends inside": body(TEXT + "\r\na\r\n\r\n--b\n"),
    "not ASCII": body(TEXT + "größe", TEXT.encode() + b"\xff\x00"),
    "a file": body(TEXT + "a", FILE.encode() + bytes(range(256)) + b"\r\n"),
    "an empty file": body(FILE),
    "two files": body(FILE + "a", FILE.replace("a-1", "a-2") + "b"),
    "no last line end": body(TEXT + "a", end=f"\r\n--{B}--"),
    "a kind with a charset": body(TEXT[:-2] + "Content-Type: text/plain; charset=utf-8\r\n\r\na"),
    "other cases": body(TEXT.replace("Content-D", "content-d") + "a"),
}


@pytest.mark.parametrize("name", PLAIN)
def test_a_plain_form_is_read_as_Django_reads_it(name: str) -> None:
    found = read(PLAIN[name])
    assert found is not None
    assert found == read(PLAIN[name], plain=False)


ODD = {
    "a transfer encoding": body(TEXT[:-2] + "Content-Transfer-Encoding: base64\r\n\r\nYQ=="),
    "a path in a filename": body(FILE.replace("a-1.whl", "../a-1.whl") + "a"),
    "an escape in a filename": body(FILE.replace("a-1.whl", 'a\\"-1.whl') + "a"),
    "an extended filename": body(FILE.replace('filename="a-1.whl"', "filename*=utf-8''a-1.whl") + "a"),
    "an empty filename": body(FILE.replace("a-1.whl", "") + "a"),
    "a preamble": b"hello\r\n" + body(TEXT + "a"),
    "an epilogue": body(TEXT + "a") + b"more",
    "a longer boundary inside": body(TEXT + f"a\r\n--{B}x\r\nb"),
    "no end": body(TEXT + "a", end="\r\n"),
    "no fields": f"--{B}--\r\n".encode() * 2,
    "no head": body("a"),
    "bare line feeds": body(TEXT + "a").replace(b"\r\n", b"\n"),
    "many parts": body(*[TEXT + "a"] * (multipart.PARTS_MAX + 1)),
    "a long body": body(TEXT + "a" * multipart.BODY_MAX_BYTES),
    "no boundary": b"none in sight",
    "a boundary and no more": f"--{B}".encode(),
    "nothing": b"",
}


@pytest.mark.parametrize("name", ODD)
def test_what_is_not_plain_is_left_to_Django(name: str) -> None:
    assert read(ODD[name]) is None


def test_a_form_left_to_Django_is_read_all_the_same() -> None:
    request = RequestFactory().post(
        "/legacy/", ODD["a transfer encoding"], content_type=f"multipart/form-data; boundary={B}"
    )
    multipart.read(request)
    assert request.POST["name"] == "a"


@pytest.mark.parametrize(
    "kind", ["multipart/form-data", "application/x-www-form-urlencoded", "multipart/mixed; boundary=x"]
)
def test_other_kinds_of_body_are_left_to_Django(kind: str) -> None:
    assert read(PLAIN["text"], kind) is None
