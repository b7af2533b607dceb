"""Attacks by requests: archives at the door (A1 to A19), forms (A70, A75), cookies (A49), methods (A78), host (A80)."""

from __future__ import annotations

import base64
import gzip
import io
import zipfile
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from otumat_index.accounts.models import User
from otumat_index.publish.models import Project

pytestmark = pytest.mark.django_db
Upload = Callable[..., Any]
Wheel = Callable[..., tuple[str, bytes]]
WHEEL = "roundup-1.0-py3-none-any.whl"


def with_duplicate(data: bytes) -> bytes:
    target = io.BytesIO(data)
    with pytest.warns(UserWarning, match="Duplicate name"), zipfile.ZipFile(target, "a") as archive:
        archive.writestr("roundup/__init__.py", b"x = 2\n")
    return target.getvalue()


def with_member(data: bytes, name: str, content: bytes = b"x") -> bytes:
    target = io.BytesIO(data)
    with zipfile.ZipFile(target, "a") as archive:
        archive.writestr(name, content)
    return target.getvalue()


ARCHIVES: dict[str, Callable[[bytes], bytes]] = {
    "A01-no-zip": lambda data: b"this is no archive",
    "A01-empty": lambda data: b"",
    "A03-duplicate": with_duplicate,
    "A06-before": lambda data: b"MZ" + data,
    "A07-after": lambda data: data + b"trailing",
    "A07-twice": lambda data: data + data,
    "A13-bomb": lambda data: with_member(data, "roundup/zeros", b"\0" * 10),
    "A14-slip": lambda data: with_member(data, "../../etc/passwd"),
    "A14-absolute": lambda data: with_member(data, "/etc/passwd"),
    "A16-not-in-record": lambda data: with_member(data, "roundup/extra.py"),
    "A17-case": lambda data: with_member(data, "ROUNDUP/__INIT__.PY"),
    "A19-two-dist-infos": lambda data: with_member(data, "other-1.0.dist-info/METADATA"),
    "cut-short": lambda data: data[: len(data) // 2],
}


@pytest.mark.parametrize("attack", ARCHIVES)
def test_a_crafted_wheel_is_refused_and_nothing_is_stored(
    upload: Upload, wheel: Wheel, alice: User, nothing_is_stored: Callable[[], bool], attack: str
) -> None:
    response = upload(alice, (WHEEL, ARCHIVES[attack](wheel()[1])))
    assert response.status_code == 400
    assert response.json()["problems"]
    assert nothing_is_stored()


def test_A16_a_wrong_hash_in_record_is_refused(
    upload: Upload, wheel: Wheel, alice: User, nothing_is_stored: Callable[[], bool]
) -> None:
    wrong = base64.urlsafe_b64encode(b"\0" * 32).decode().rstrip("=")
    info = "roundup-1.0.dist-info"
    rows = [f"{path},sha256={wrong}," for path in ("roundup/__init__.py", f"{info}/METADATA", f"{info}/WHEEL")]
    response = upload(alice, wheel(record="\n".join([*rows, f"{info}/RECORD,,", ""]).encode()))
    assert "record.wrong_hash" in {problem["code"] for problem in response.json()["problems"]}
    assert nothing_is_stored()


def test_A27_a_licence_file_that_is_not_there_is_told(upload: Upload, wheel: Wheel, alice: User) -> None:
    response = upload(alice, wheel(metadata="License-File: LICENSE\n"))
    assert "license_file.missing" in {problem["code"] for problem in response.json()["problems"]}


@pytest.mark.parametrize(
    "filename",
    [
        "../../evil-1.0-py3-none-any.whl",
        "roundup-1.0-py3-none-any.whl\0.txt",
        "roundup-1.0.egg",
        "x",
        "",
        ".whl",
        "a" * 300,
    ],
)
def test_A77_a_file_name_that_is_none_is_refused(
    client: Client, auth: Any, alice: User, wheel: Wheel, nothing_is_stored: Callable[[], bool], filename: str
) -> None:
    content = io.BytesIO(wheel()[1])
    content.name = filename
    form = {":action": "file_upload", "name": "roundup", "version": "1.0", "content": content}
    response = client.post("/legacy/", form, headers=auth(alice))
    assert response.status_code == 400
    assert nothing_is_stored()


# Forms.


def test_A70_a_form_of_100_000_parts_is_refused(client: Client, auth: Any, alice: User) -> None:
    body = (
        b"".join(b'--x\r\nContent-Disposition: form-data; name="a%d"\r\n\r\n\r\n' % n for n in range(100_000))
        + b"--x--\r\n"
    )
    response = client.post("/legacy/", body, content_type="multipart/form-data; boundary=x", headers=auth(alice))
    assert response.status_code == 400
    assert not Project.objects.exists()


def test_A70_many_files_are_refused(client: Client, auth: Any, alice: User) -> None:
    part = b'--x\r\nContent-Disposition: form-data; name="content"; filename="a%d"\r\n\r\nx\r\n'
    body = b"".join(part % n for n in range(100)) + b"--x--\r\n"
    response = client.post("/legacy/", body, content_type="multipart/form-data; boundary=x", headers=auth(alice))
    assert response.status_code == 400


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("multipart/form-data", b"--x\r\n"),
        ("multipart/form-data; boundary=", b"--x\r\n"),
        ("multipart/form-data; boundary=" + "b" * 5000, b"--x\r\n"),
        ("multipart/form-data; boundary=x", b"no boundary in sight"),
        ("multipart/form-data; boundary=x", b'--x\r\nContent-Disposition: form-data; name="a"; filename="b'),
        ("multipart/form-data; boundary=x", b"--x\r\nContent-Transfer-Encoding: base64\r\n\r\n!!!\r\n--x--"),
        ("application/json", b"{}"),
        ("text/xml", b"<?xml version='1.0'?><!DOCTYPE x [<!ENTITY a 'a'>]>"),
        ("", b"x"),
        ("application/x-www-form-urlencoded; charset=utf-7", b"a=b"),
        ("application/x-www-form-urlencoded; charset=nonsense", b"a=b"),
        ("application/x-www-form-urlencoded", b"%ff%fe=%00"),
    ],
)
@pytest.mark.parametrize("path", ["/legacy/", "/submit", "/pypi"])
def test_A70_malformed_forms_are_bad_requests(
    client: Client, auth: Any, alice: User, content_type: str, body: bytes, path: str
) -> None:
    response = client.generic("POST", path, body, content_type=content_type, headers=auth(alice))
    if path == "/pypi" and content_type == "text/xml":  # XML-RPC, whose errors are faults in an answer of status 200
        assert b"<fault>" in response.content
    else:
        assert response.status_code == 400
    assert not Project.objects.exists()


@pytest.mark.parametrize("length", ["-1", "1e9", "٣", "9" * 40, "abc", ""])
def test_A70_a_nonsensical_length_is_no_error_of_ours(client: Client, auth: Any, alice: User, length: str) -> None:
    form = "application/x-www-form-urlencoded"
    response = client.generic("POST", "/submit", b"x", content_type=form, headers=auth(alice), CONTENT_LENGTH=length)
    assert response.status_code in (400, 413)


class Untouchable(io.BytesIO):
    """A body that must not be read."""

    def read(self, *args: Any) -> bytes:
        raise AssertionError("The body was read.")

    readline = read  # type: ignore[assignment]


@pytest.mark.parametrize("path", ["/legacy/", "/submit", "/pypi"])
@pytest.mark.parametrize("header", ["", "Basic !!!", "Basic bm9ib2R5Om5vcGU=", "Bearer otumat-nonsense"])
def test_A70_a_body_of_nobody_known_is_not_read(client: Client, db: None, path: str, header: str) -> None:
    # A few kB may be the form of somebody who registers (`:action=user`); more is read from nobody unknown.
    words: dict[str, Any] = {"wsgi.input": Untouchable(), "CONTENT_LENGTH": "1000000"}
    response = client.generic(
        "POST", path, b"x", content_type="multipart/form-data; boundary=x", HTTP_AUTHORIZATION=header, **words
    )
    assert response.status_code == 401


def test_A70_the_api_does_not_read_it_either(client: Client, db: None) -> None:
    words: dict[str, Any] = {"wsgi.input": Untouchable(), "CONTENT_LENGTH": "1000"}
    response = client.generic("POST", "/api/v1/tokens", b"x", content_type="application/json", **words)
    assert response.status_code == 401


def test_A75_a_packed_body_is_not_unpacked(client: Client, auth: Any, alice: User) -> None:
    body = gzip.compress(b"name=roundup&version=1.0&description=" + b"x" * 50_000_000)
    response = client.generic(
        "POST",
        "/submit",
        body,
        content_type="application/x-www-form-urlencoded",
        headers={"Content-Encoding": "gzip", **auth(alice)},
    )
    assert response.status_code == 400
    assert not Project.objects.exists()


# Cookies and methods.


@pytest.mark.parametrize("path", ["/legacy/", "/submit"])
def test_A44_A49_a_session_does_not_publish(alice: User, path: str) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(alice, backend="allauth.account.auth_backends.AuthenticationBackend")
    response = client.post(path, {":action": "submit", "name": "roundup", "version": "1.0"})
    assert response.status_code == 401
    assert not Project.objects.exists()


def test_A49_a_session_does_not_manage_through_the_api(alice: User, submit: Any) -> None:
    submit(alice)
    client = Client(enforce_csrf_checks=True)
    client.force_login(alice, backend="allauth.account.auth_backends.AuthenticationBackend")
    response = client.put("/api/v1/project/roundup/visibility", {"is_private": True}, content_type="application/json")
    assert response.status_code == 401
    assert not Project.objects.get().is_private


def test_A49_pages_with_forms_ask_for_their_token(alice: User) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(alice, backend="allauth.account.auth_backends.AuthenticationBackend")
    response = client.post("/account/tokens/", {"name": "stolen"})
    assert response.status_code == 403
    assert not alice.tokens.exists()


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "FROBNICATE"])
@pytest.mark.parametrize("path", ["/submit", "/legacy/", "/pypi"])
def test_A78_only_post_publishes(client: Client, auth: Any, alice: User, method: str, path: str) -> None:
    body = b":action=submit&name=roundup&version=1.0"
    headers = {"X-HTTP-Method-Override": "POST", **auth(alice)}
    response = client.generic(method, path, body, content_type="application/x-www-form-urlencoded", headers=headers)
    assert response.status_code in (302, 405)
    assert not Project.objects.exists()


def test_A78_a_query_does_not_publish(client: Client, auth: Any, alice: User) -> None:
    client.get("/legacy/?:action=submit&name=roundup&version=1.0", headers=auth(alice))
    response = client.post("/legacy/?:action=submit&name=roundup&version=1.0", headers=auth(alice))
    assert response.status_code == 400
    assert not Project.objects.exists()


@pytest.mark.parametrize("host", ["evil.example", "evil.example:99", "[::1]", "x" * 300])
def test_A80_answers_name_the_public_address_whatever_the_host_header_says(
    client: Client, auth: Any, alice: User, wheel: Wheel, upload: Upload, host: str
) -> None:
    upload(alice, wheel())
    form = {"name": "roundup", "version": "1.1"}
    response = client.post("/submit", form, headers={"Host": host, "Accept": "application/json", **auth(alice)})
    assert response.status_code == 200, response.content
    assert response.json()["url"] == "http://localhost:8000/project/roundup/1.1/"
    for path in ("/simple/roundup/", "/simple/", "/pypi/roundup/json", "/simple/Round.Up", "/legacy/"):
        answer = client.get(path, headers={"Host": host, "X-Forwarded-Host": "evil.example"})
        body = b"" if answer.streaming else answer.content
        assert b"evil" not in body
        assert "evil" not in answer.get("Location", "")


@pytest.mark.parametrize("host", ["localhost:8000.evil.example", "a b", "evil.example/x", "a\\b"])
def test_A80_a_host_that_is_none_is_a_bad_request(client: Client, db: None, host: str) -> None:
    response = client.get("/simple/", headers={"Host": host})
    assert response.status_code == 400
    assert b"evil" not in response.content
