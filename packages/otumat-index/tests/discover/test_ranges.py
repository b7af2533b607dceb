"""Parts of files, as pip asks for them to read a wheel's metadata without loading the wheel."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from otumat_index.accounts.models import User
from otumat_index.discover import ranges
from otumat_index.publish.models import File

pytestmark = pytest.mark.django_db
Get = Callable[..., Any]
Range = ranges.Range


@pytest.fixture(params=["public", "private"])
def get(request: Any, client: Client, upload: Any, wheel: Any, alice: User, hide: Any, auth: Any) -> Get:
    """Asks for the one file there is, as its owner."""
    upload(alice, wheel())
    if request.param == "private":
        hide("roundup", alice)
    path = f"/files/{File.objects.get().key}"
    return lambda method="get", **headers: getattr(client, method)(
        path, headers={**auth(alice), **{name.replace("_", "-"): value for name, value in headers.items()}}
    )


@pytest.mark.parametrize(
    ("asked", "begin", "end"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=5-9", 5, 10),
        ("Bytes = 5-9", 5, 10),
        ("bytes=7-", 7, None),
        ("bytes=-20", -20, None),
        ("bytes=3-999999999", 3, None),
        ("bytes=-999999999", 0, None),
    ],
)
def test_a_part_of_a_file_is_sent_alone(get: Get, wheel: Any, asked: str, begin: int, end: int | None) -> None:
    _, data = wheel()
    first, last, _ = slice(begin, end).indices(len(data))
    response = get(Range=asked)
    assert (response.status_code, response.getvalue()) == (206, data[first:last])
    assert response["Content-Range"] == f"bytes {first}-{last - 1}/{len(data)}"
    assert response["Content-Length"] == str(last - first)
    assert response["ETag"] == get()["ETag"]


@pytest.mark.parametrize("asked", ["bytes=9999999-", "bytes=9999999-99999999", "bytes=-0"])
def test_a_part_that_is_not_there_is_refused_with_the_size(get: Get, wheel: Any, asked: str) -> None:
    response = get(Range=asked)
    assert (response.status_code, response.getvalue()) == (416, b"")
    assert response["Content-Range"] == f"bytes */{len(wheel()[1])}"


def test_a_file_says_that_parts_of_it_can_be_had(get: Get) -> None:
    for method in ("get", "head"):
        assert get(method)["Accept-Ranges"] == "bytes"
    assert get("head", Range="bytes=0-0").status_code == 200


def test_a_part_of_other_bytes_is_not_sent(get: Get) -> None:
    tag = get()["ETag"]
    assert get(Range="bytes=0-0", If_Range=tag).status_code == 206
    for other in ('"other"', f"W/{tag}", "Sun, 22 Nov 2026 01:42:33 GMT"):
        assert get(Range="bytes=0-0", If_Range=other).status_code == 200
    assert get(Range="bytes=0-0", If_None_Match=tag).status_code == 304


def test_nobody_gets_a_part_of_a_private_file(client: Client, upload: Any, wheel: Any, alice: User, hide: Any) -> None:
    upload(alice, wheel())
    hide("roundup", alice)
    assert client.get(f"/files/{File.objects.get().key}", headers={"Range": "bytes=0-0"}).status_code == 404


@pytest.mark.parametrize("size", [0, 1, 10])
@pytest.mark.parametrize("asked", ["bytes=0-", "bytes=-5", "bytes=0-0", "bytes=1-1", "bytes=-0", "bytes=10-"])
def test_a_range_never_reaches_beyond_a_file(asked: str, size: int) -> None:
    found = ranges.asked(asked, size)
    assert found is not None
    assert found.size == 0 or 0 <= found.first <= found.last < size
