from __future__ import annotations

import pytest

from otumat_index.web.lane.heads import ODD, PASS, Reading, accepts_gzip, read_fields
from otumat_index.web.lane.table import _format


def read(*lines: str, hosts: tuple[str, ...] = ("*",)) -> Reading | str:
    block = "".join(f"{line}\r\n" for line in lines) + "\r\n"
    return read_fields(block.encode("latin-1"), negotiate=_format, hosts=hosts)


def test_a_plain_head_is_understood() -> None:
    reading = read("Host: localhost", "User-Agent: pip/25", "Accept-Encoding: gzip, deflate", "Accept: */*")
    assert isinstance(reading, Reading)
    assert (reading.slot, reading.tags, reading.close, reading.named, reading.secret) == (1, None, False, True, False)


@pytest.mark.parametrize(
    ("accept", "slot"),
    [
        ("application/vnd.pypi.simple.v1+json", 2),
        ("text/html", 0),
        ("application/vnd.pypi.simple.v1+html", 4),
        ("image/png", 4),
        ("application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html; q=0.1, text/html; q=0.01", 2),
    ],
)
def test_the_slot_follows_accept(accept: str, slot: int) -> None:
    reading = read("Host: a", f"Accept: {accept}")
    assert isinstance(reading, Reading)
    assert reading.slot == slot


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, False),
        ("", False),
        ("gzip", True),
        ("GZIP;Q=1.0", True),
        ("x-gzip", True),
        ("deflate, gzip;q=0.5", True),
        ("gzip;q=0", False),
        ("gzip;q=0.5, identity", False),
        ("gzip;q=0.5, identity;q=0.5", True),
        ("*", True),
        ("*;q=0", None),
        ("*;q=0, gzip", True),
        ("br, zstd", False),
        ("identity;q=0", None),
        ("gzip;q=2", None),
        ("gzip;a=b", None),
        ("gzip;q=0.5;a=b", None),
    ],
)
def test_gzip_is_chosen_by_quality(value: str | None, expected: bool | None) -> None:
    assert accepts_gzip(value) is expected


@pytest.mark.parametrize(
    ("value", "tags"),
    [
        ('"a"', {b'"a"'}),
        ('W/"a"', {b'"a"'}),
        ('"a", W/"b" ,"c,d"', {b'"a"', b'"b"', b'"c,d"'}),
        ("*", set()),
    ],
)
def test_entity_tags_are_read_as_a_list(value: str, tags: set[bytes]) -> None:
    reading = read("Host: a", f"If-None-Match: {value}")
    assert isinstance(reading, Reading)
    assert reading.tags == tags


@pytest.mark.parametrize(
    "line",
    [
        *("Range: bytes=0-1", 'If-Range: "a"', 'If-Match: "a"', "If-Unmodified-Since: x", "Expect: 100-continue"),
        *("Upgrade: h2c", "TE: trailers", "Content-Length: 0", "Content-Length: 5", "Transfer-Encoding: chunked"),
        *("Connection: upgrade", "Connection: keep-alive, x", "If-None-Match: a", 'If-None-Match: "a" "b"'),
        *("Accept-Encoding: identity;q=0", "X-HTTP-Method-Override: PUT", "Content-Type: a/b"),
    ],
)
def test_what_asks_for_more_than_the_whole_page_is_passed(line: str) -> None:
    assert read("Host: localhost", line) == PASS


@pytest.mark.parametrize(
    "lines",
    [
        ("Host: a", "Host: a"),
        ("Host: a", "Accept: */*", "accept: */*"),
        ("Host: a", " folded"),
        ("Host: a", "X: b", "\tc"),
        ("Host : a",),
        ("Host: a\nX: b",),
        ("Host: a\rX: b",),
        ("Host: a", "X: \0"),
        ("Host: a", "X: \x7f"),
        ("Host: a", "X: ä"),
        ("Host: a", "no colon"),
        ("Host: a", ": empty"),
        ("Host: a", "Content-Length: 3", "Content-Length: 3"),
        ("Host: a", "Content-Length: 3", "Transfer-Encoding: chunked"),
        ("Host: a", *(f"X{number}: a" for number in range(64))),
    ],
)
def test_what_can_be_read_in_two_ways_is_odd(lines: tuple[str, ...]) -> None:
    assert read(*lines) == ODD


@pytest.mark.parametrize(
    ("host", "answered"),
    [
        *(("localhost", True), ("LOCALHOST:8000", True), ("localhost.", True), ("index.example.org", True)),
        *(("example.org", True), ("notexample.org", False), ("evil.test", False), ("[::1]:80", True)),
        *(("localhost/..", False), ("user@localhost", False), ("", False), ("localhost:a", False)),
    ],
)
def test_only_our_own_names_are_answered_for(host: str, answered: bool) -> None:
    reading = read(f"Host: {host}", hosts=("localhost", ".example.org", "[::1]"))
    assert isinstance(reading, Reading) is answered


def test_without_a_host_only_a_server_for_any_name_answers() -> None:
    assert isinstance(read(hosts=("*",)), Reading)
    assert read(hosts=("localhost",)) == PASS


@pytest.mark.parametrize("name", ["Authorization", "Cookie"])
def test_a_head_with_credentials_is_understood_but_secret(name: str) -> None:
    reading = read("Host: a", f"{name}: Basic abc")
    assert isinstance(reading, Reading)
    assert reading.secret
