"""A started server, driven over raw sockets."""

from __future__ import annotations

import contextlib
import gzip
import socket
import time
from typing import Any

import pytest

from harness.lane import HTML, JSON, PAGE, request
from otumat_index.web.lane import of_file

Started = Any


def test_a_known_page_is_answered_with_all_its_headers(server: Started) -> None:
    reply = server.ask(PAGE)
    assert (reply.status, reply.passed) == (200, "")
    assert reply.body.startswith(b"<!DOCTYPE html>")
    assert reply.headers["content-type"] == HTML
    assert reply.headers["content-length"] == str(len(reply.body))
    assert reply.headers["cache-control"] == "no-cache"
    assert reply.headers["vary"] == "Accept, Accept-Encoding"
    assert reply.headers["x-content-type-options"] == "nosniff"
    assert "default-src 'none'" in reply.headers["content-security-policy"]
    assert reply.headers["x-pypi-last-serial"] == "7"
    assert reply.headers["etag"].startswith('"')
    assert reply.headers["date"].endswith("GMT")


def test_format_and_coding_are_negotiated_and_each_has_its_own_tag(server: Started) -> None:
    replies = [
        server.get("/simple/alice/", *headers)
        for headers in (
            (),
            (f"Accept: {JSON}",),
            ("Accept-Encoding: gzip",),
            (f"Accept: {JSON}", "Accept-Encoding: gzip"),
        )
    ]
    assert len({reply.headers["etag"] for reply in replies}) == 4
    assert gzip.decompress(replies[2].body) == replies[0].body
    assert gzip.decompress(replies[3].body) == replies[1].body
    assert replies[3].headers["content-type"] == JSON
    assert replies[3].headers["content-encoding"] == "gzip"
    assert not any(reply.passed for reply in replies)


def test_a_small_file_is_answered_whatever_is_accepted(server: Started) -> None:
    reply = server.get("/files/small.whl", "Accept: application/vnd.pypi.simple.v1+html")
    assert (reply.passed, reply.body) == ("", b"small" * 100)
    assert "sandbox" in reply.headers["content-security-policy"]
    assert "vary" not in reply.headers


def test_a_large_file_comes_whole_and_the_connection_lives_on(server: Started) -> None:
    expected = (server.folder / "large.whl").read_bytes()
    with server.connect() as connection:
        for _ in range(3):
            connection.send(request("/files/large.whl"))
            assert connection.read().body == expected
            connection.send(PAGE)
            assert not connection.read().passed


def test_large_files_in_a_pipeline_come_in_order(server: Started) -> None:
    expected = (server.folder / "large.whl").read_bytes()
    with server.connect() as connection:
        connection.send((PAGE + request("/files/large.whl")) * 3 + request("/other"))
        for _ in range(3):
            assert connection.read().headers["content-type"] == HTML
            assert connection.read().body == expected
        assert connection.read().passed == "GET /other? 0"


def test_a_reader_that_leaves_a_large_file_does_not_disturb_the_next(server: Started) -> None:
    for _ in range(5):
        with server.connect() as connection:
            connection.send(request("/files/large.whl"))
            connection.socket.recv(1000)
    assert server.ask(request("/files/large.whl")).body == (server.folder / "large.whl").read_bytes()


def test_a_file_that_changed_under_its_name_is_left_to_the_application(server: Started) -> None:
    for name, size in (("gone.whl", 10), ("grown.whl", 300_000)):
        file = server.folder / name
        file.write_bytes(b"a" * size)
        server.store.put("bob", 8, [of_file(f"/files/{name}", file, content_type="a/b", digest="1" * 40)])
        file.write_bytes(b"a" * (size + 1))
        assert server.get(f"/files/{name}").passed == f"GET /files/{name}? 0"


@pytest.mark.parametrize("path", ["/simple/alice/", "/files/small.whl", "/files/large.whl"])
def test_head_tells_the_same_without_the_body(server: Started, path: str) -> None:
    with server.connect() as connection:
        connection.send(request(path, method="HEAD") + request(path))
        head, whole = connection.read(head_only=True), connection.read()
    assert {**head.headers, "date": ""} == {**whole.headers, "date": ""}
    assert head.headers["content-length"] == str(len(whole.body))


@pytest.mark.parametrize("form", ["{}", "W/{}", '"other", {}', '{} , W/"other"', "*"])
@pytest.mark.parametrize("coding", ["identity", "gzip"])
def test_a_page_the_client_has_is_not_sent_again(server: Started, form: str, coding: str) -> None:
    asked = f"Accept-Encoding: {coding}"
    tag = server.get("/simple/alice/", asked).headers["etag"]
    with server.connect() as connection:
        connection.send(request("/simple/alice/", asked, f"If-None-Match: {form.format(tag)}") * 2)
        for _ in range(2):
            reply = connection.read()
            assert (reply.status, reply.passed, reply.headers["etag"]) == (304, "", tag)
            assert reply.headers["cache-control"] == "no-cache"
            assert reply.headers["vary"] == "Accept, Accept-Encoding"
            assert "content-length" not in reply.headers


def test_another_tag_gets_the_page(server: Started) -> None:
    plain = server.get("/simple/alice/").headers["etag"]
    for asked in (('If-None-Match: "other"',), (f"If-None-Match: {plain}", "Accept-Encoding: gzip")):
        reply = server.get("/simple/alice/", *asked)
        assert (reply.status, reply.passed) == (200, "")


def test_credentials_do_not_change_what_is_public(server: Started) -> None:
    for header in ("Authorization: Basic YWxpY2U6eA==", "Cookie: sessionid=1"):
        assert server.get("/simple/alice/", header).body == server.ask(PAGE).body


@pytest.mark.parametrize(
    "headers",
    [
        *(["Range: bytes=0-1"], ["Expect: nothing"], ["Upgrade: h2c"], ["Connection: x"], ["TE: trailers"]),
        *(["Content-Length: 0"], ['If-Match: "a"'], ["X-HTTP-Method-Override: PUT"], ["Accept: image/png"]),
        *(["Accept: */*", "Accept: */*"], ["Accept: application/vnd.pypi.simple.v1+html"], ["X: \xe4"]),
        *(["Accept-Encoding: identity;q=0"], ["Accept-Encoding: gzip;q=7"], ["If-None-Match: unquoted"]),
    ],
)
def test_what_is_not_plain_is_left_to_the_application(server: Started, headers: list[str]) -> None:
    assert server.get("/simple/alice/", *headers).passed.startswith("GET /simple/alice/?")


@pytest.mark.parametrize(
    "path",
    ["/simple/alice/?format=json", "/simple/alice/?", "/simple/Alice/", "/simple/alice", "/simple/%61lice/", "/"],
)
def test_another_path_is_left_to_the_application(server: Started, path: str) -> None:
    assert server.get(path).passed


def test_another_host_is_left_to_the_application(server: Started) -> None:
    assert server.ask(request("/simple/alice/", host="evil.test")).passed
    assert not server.ask(request("/simple/alice/", host="a.example.org:80")).passed


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "get"])
def test_other_methods_never_reach_the_lane(server: Started, method: str) -> None:
    with server.connect() as connection:
        connection.send(request("/simple/alice/", method=method))
        reply = connection.read()
    assert reply.passed.startswith(method) or reply.status == 400


def test_a_body_goes_to_the_application_and_the_lane_takes_over_after_it(server: Started) -> None:
    with server.connect() as connection:
        connection.send(request("/legacy/", "Content-Length: 5", method="POST") + b"hello" + PAGE)
        assert connection.read().passed == "POST /legacy/? 5"
        assert connection.read().status == 200
        connection.send(PAGE)
        assert not connection.read().passed


def test_a_chunked_body_arrives_whole(server: Started) -> None:
    with server.connect() as connection:
        connection.send(request("/legacy/", "Transfer-Encoding: chunked", method="POST"))
        connection.send(b"5\r\nhello\r\n")
        connection.send(b"3\r\nabc\r\n0\r\n\r\n")
        assert connection.read().passed == "POST /legacy/? 8"


def test_a_body_that_breaks_off_never_reaches_the_application(server: Started) -> None:
    with server.connect() as connection:
        connection.send(request("/legacy/", "Content-Length: 5", method="POST") + b"he")
        connection.socket.shutdown(socket.SHUT_WR)
        assert connection.is_closed()


@pytest.mark.parametrize(
    "smuggled",
    [
        request("/simple/alice/", "Content-Length: 5", "Transfer-Encoding: chunked"),
        request("/simple/alice/", "Content-Length: 5", "Content-Length: 0"),
        request("/simple/alice/", "Content-Length: 0", "Content-Length: 0"),
        request("/simple/alice/", "Transfer-Encoding: xchunked"),
        request("/simple/alice/", "Transfer-Encoding : chunked"),
        request("/simple/alice/", "X: a", " Transfer-Encoding: chunked"),
        request("/simple/alice/", "Host: localhost"),
        request("/simple/alice/", "X: a\nContent-Length: 5"),
        request("/simple/alice/", "X: a\rContent-Length: 5"),
        request("/simple/alice/", "X: \0"),
        PAGE.replace(b"\r\n", b"\n"),
        PAGE.replace(b"\r\n", b"\n", 1),
        PAGE.replace(b"HTTP/1.1", b"HTTP/1.1 "),
        PAGE.replace(b"HTTP/1.1", b"HTTP/2.0"),
        PAGE.replace(b"GET ", b"GET  "),
        PAGE.replace(b"Host: localhost\r\n", b""),
    ],
    ids=lambda data: repr(data[5:70]),
)
def test_shapes_that_two_servers_read_differently_are_never_answered_by_the_lane(
    server: Started, smuggled: bytes
) -> None:
    with server.connect() as connection:
        connection.send(smuggled)
        connection.socket.shutdown(socket.SHUT_WR)
        answered = b""
        while piece := connection.socket.recv(1 << 16):
            answered += piece
    assert b"<!DOCTYPE" not in answered
    assert b"Server: otumat-index" not in answered


def test_after_odd_bytes_the_connection_stays_with_the_application(server: Started) -> None:
    with server.connect() as connection:
        connection.send(request("/simple/alice/", "X: 1", "X: 2"))
        assert connection.read().passed
        connection.send(PAGE)
        assert connection.read().passed


def test_a_request_in_two_pieces_is_answered_like_a_whole_one(server: Started) -> None:
    whole = request("/simple/alice/", "Accept-Encoding: gzip", "User-Agent: a client")
    expected = server.ask(whole)
    with server.connect() as connection:
        for position in range(1, len(whole)):
            connection.send(whole[:position])
            # The rest must not travel with it: wait until the first part has been read.
            _await_empty(connection.socket)
            connection.send(whole[position:])
            reply = connection.read()
            assert (reply.passed, reply.body) == ("", expected.body), position


def test_a_request_byte_by_byte_is_answered_like_a_whole_one(server: Started) -> None:
    expected = server.ask(PAGE)
    with server.connect() as connection:
        for number in range(len(PAGE)):
            connection.send(PAGE[number : number + 1])
            _await_empty(connection.socket)
        assert connection.read().body == expected.body


def test_a_passed_request_in_two_pieces_arrives_whole(server: Started) -> None:
    whole = (
        request("/simple/bob/?a=b", "Range: bytes=0-1")
        + request("/legacy/", "Content-Length: 3", method="POST")
        + b"abc"
    )
    with server.connect() as connection:
        for position in range(1, len(whole)):
            connection.send(whole[:position])
            _await_empty(connection.socket)
            connection.send(whole[position:])
            assert connection.read().passed == "GET /simple/bob/?a=b 0", position
            assert connection.read().passed == "POST /legacy/? 3", position


def test_a_pipeline_of_all_kinds_is_answered_in_order(server: Started) -> None:
    kinds = [
        (PAGE, ""),
        (request("/files/small.whl"), ""),
        (request("/other"), "GET /other? 0"),
        (request("/legacy/", "Content-Length: 2", method="POST") + b"ab", "POST /legacy/? 2"),
    ]
    order = [0, 0, 1, 2, 0, 3, 1, 2, 2, 0, 3, 3, 0, 1, 1, 0]
    with server.connect() as connection:
        connection.send(b"".join(kinds[kind][0] for kind in order))
        replies = [connection.read() for _ in order]
    # Once handed on, a chunk stays with the application; it answers for the path it was asked.
    for kind, reply in zip(order, replies, strict=True):
        assert reply.status == 200
        if kinds[kind][1]:
            assert reply.passed == kinds[kind][1]
        else:
            path = kinds[kind][0].split()[1].decode()
            assert reply.passed in ("", f"GET {path}? 0")


def test_a_reader_that_never_reads_holds_up_only_itself(server: Started) -> None:
    with server.connect() as connection:
        connection.socket.setblocking(False)
        sent = 0
        try:
            while sent < 200_000_000:
                sent += connection.socket.send(PAGE * 500)
        except BlockingIOError:
            pass
        assert sent < 200_000_000  # the server stopped reading
        assert not server.ask(PAGE).passed
        connection.socket.settimeout(20)
        for _ in range(sent // len(PAGE)):
            assert connection.read().headers["content-type"] == HTML


def test_close_closes_after_the_answer(server: Started) -> None:
    for path in ("/simple/alice/", "/files/large.whl"):
        with server.connect() as connection:
            connection.send(request(path, "Connection: close") + PAGE)
            reply = connection.read()
            assert (reply.passed, reply.headers["connection"]) == ("", "close")
            assert connection.is_closed()


def test_http_1_0_is_answered_and_closed(server: Started) -> None:
    for path in ("/simple/alice/", "/files/small.whl", "/files/large.whl"):
        with server.connect() as connection:
            connection.send(request(path, version="1.0"))
            reply = connection.read()
            assert (reply.passed, reply.headers["connection"]) == ("", "close")
            assert connection.is_closed()


def test_a_head_without_end_is_refused(server: Started) -> None:
    with server.connect() as connection, contextlib.suppress(ConnectionError):
        connection.send(b"GET /simple/alice/ HTTP/1.1\r\nHost: localhost\r\nX: ")
        for _ in range(40_000):  # 160 MB, if nobody stops it
            connection.send(b"a" * 4096)
        pytest.fail("the server read a head of 160 MB")


def _await_empty(connected: socket.socket) -> None:
    """Wait until the other side's kernel has acknowledged all and the server has had a turn."""
    time.sleep(0.0005)
