"""A59, A85: strangers choose an address, and nothing of ours inside can be reached by it."""

from __future__ import annotations

import ipaddress
import socket
import socketserver
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from otumat.errors import Refused, Unreachable
from otumat_index.web import outgoing

LOCAL = outgoing.networks("127.0.0.0/8")
V6 = outgoing.networks("::1")

INSIDE = [
    "127.0.0.1",
    "127.8.8.8",
    "0.0.0.0",
    "10.1.2.3",
    "172.16.0.1",
    "192.168.1.1",
    "100.64.0.1",
    "169.254.169.254",
    "192.0.0.192",
    "198.18.0.1",
    "224.0.0.1",
    "239.255.255.250",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::ffff:127.0.0.1",
    "::ffff:169.254.169.254",
    "::7f00:1",
    "64:ff9b::7f00:1",
    "64:ff9b::a9fe:a9fe",
    "2002:7f00:1::",
    "2002:a00:1::1",
    "2001:0:a00:1::1",
    "fe80::1",
    "fec0::1",
    "fc00::1",
    "fd00:ec2::254",
    "ff02::1",
    "2001:db8::1",
]
OUTSIDE = ["93.184.216.34", "8.8.8.8", "2606:2800:220:1::1", "::ffff:8.8.8.8", "64:ff9b::808:808"]


@pytest.mark.parametrize("address", INSIDE)
def test_A59_inside_addresses_are_refused(address: str) -> None:
    assert not outgoing.may_call(ipaddress.ip_address(address), ())


@pytest.mark.parametrize("address", OUTSIDE)
def test_public_addresses_may_be_called(address: str) -> None:
    assert outgoing.may_call(ipaddress.ip_address(address), ())


def test_an_operator_may_open_a_network_and_no_more_than_that() -> None:
    assert outgoing.may_call(ipaddress.ip_address("127.0.0.1"), LOCAL)
    assert not outgoing.may_call(ipaddress.ip_address("10.0.0.1"), LOCAL)


@pytest.mark.parametrize(
    "host",
    ["localhost", "127.0.0.1", "127.1", "2130706433", "0x7f000001", "0177.0.0.1", "[::1]", "[::ffff:7f00:1]", "0"],
)
def test_A59_no_spelling_of_an_inside_address_is_called(host: str) -> None:
    with listening(lambda connection: None) as (port, seen):
        with pytest.raises((Refused, Unreachable)):
            outgoing.post(f"https://{host}:{port}/", b"", {})
        assert seen == []


def test_A59_a_host_with_one_inside_address_is_refused_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    def answer(host: str, port: int, **words: Any) -> list[Any]:
        return [(2, 1, 6, "", ("93.184.216.34", port)), (2, 1, 6, "", ("127.0.0.1", port))]

    monkeypatch.setattr(socket, "getaddrinfo", answer)
    with pytest.raises(Refused, match="not on the public internet") as caught:
        outgoing.post("https://both.example.org/", b"", {})
    assert "127" not in str(caught.value)


def test_A59_the_name_is_looked_up_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    real = socket.getaddrinfo

    def answer(host: str, port: int, *args: Any, **words: Any) -> list[Any]:
        if host == "rebind.example.org":
            asked.append(host)
            assert len(asked) == 1, "a second look-up could answer differently"
            return [(2, 1, 6, "", ("127.0.0.1", port))]
        return real(host, port, *args, **words)

    monkeypatch.setattr(socket, "getaddrinfo", answer)
    with listening(respond(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")) as (port, seen):
        reply = outgoing.post(f"http://rebind.example.org:{port}/x?y=1", b"{}", {}, allowed=LOCAL)
    assert (reply.status, reply.body) == (200, b"ok")
    assert seen[0].startswith(f"POST /x?y=1 HTTP/1.1\r\nHost: rebind.example.org:{port}\r\n".encode())


def test_A85_a_redirect_is_not_followed() -> None:
    answer = b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n"
    with listening(respond(answer)) as (port, seen):
        assert outgoing.post(f"http://127.0.0.1:{port}/", b"", {}, allowed=LOCAL).status == 302
        assert len(seen) == 1


def test_plain_http_is_for_the_operators_networks_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", lambda host, port, **words: [(2, 1, 6, "", ("93.184.216.34", port))])
    with pytest.raises(Refused, match="Only https"):
        outgoing.post("http://public.example.org/", b"", {}, allowed=LOCAL)


def test_a_proxy_of_the_environment_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    with listening(respond(b"HTTP/1.1 204 No Content\r\n\r\n")) as (port, _):
        assert outgoing.post(f"http://127.0.0.1:{port}/", b"", {}, allowed=LOCAL).status == 204


def test_an_endless_answer_is_read_to_its_bound() -> None:
    def flood(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        try:
            while True:
                connection.sendall(b"x" * 65536)
        except OSError:
            pass

    with listening(flood) as (port, _):
        reply = outgoing.post(f"http://127.0.0.1:{port}/", b"", {}, allowed=LOCAL)
    assert len(reply.body) == outgoing.ANSWER_MAX_BYTES


@pytest.mark.parametrize("head", [b"HTTP/1.1 200 OK\r\n\r\n", b"HTTP/1.1 200 OK\r\nX-Slow: "], ids=["body", "headers"])
def test_an_answer_that_drips_in_is_cut_off_as_a_whole(head: bytes) -> None:
    was_cut = threading.Event()

    def drip(connection: socket.socket) -> None:
        with suppress(OSError):
            connection.sendall(head)
            for _ in range(2_000):
                if was_cut.wait(0.05):
                    return
                connection.sendall(b"x")

    with listening(drip) as (port, _):
        try:
            with pytest.raises(Unreachable, match="too long"):
                outgoing.post(f"http://127.0.0.1:{port}/", b"", {}, allowed=LOCAL, timeout_s=0.5)
        finally:
            was_cut.set()


@pytest.mark.parametrize("answer", [b"", b"SSH-2.0-OpenSSH\r\n", b"HTTP/1.1 abc\r\n\r\n", b"\x00" * 100])
def test_what_is_no_http_is_an_error_of_ours(answer: bytes) -> None:
    with listening(respond(answer)) as (port, _), pytest.raises(Unreachable):
        outgoing.post(f"http://127.0.0.1:{port}/", b"", {}, allowed=LOCAL, timeout_s=2)


@pytest.fixture
def identity(tmp_path: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """A server's TLS for `localhost`, and a client's that trusts it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(datetime(2020, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(2099, 1, 1, tzinfo=UTC))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = made.public_bytes(serialization.Encoding.PEM)
    plain = serialization.NoEncryption()
    own = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    (tmp_path / "tls.pem").write_bytes(own + pem)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(tmp_path / "tls.pem")
    return server, ssl.create_default_context(cadata=pem.decode())


def test_tls_is_checked_against_the_name_not_the_address(identity: tuple[ssl.SSLContext, ssl.SSLContext]) -> None:
    server, trust = identity

    def answer(connection: socket.socket) -> None:
        with suppress(OSError), server.wrap_socket(connection, server_side=True) as line:
            line.recv(65536)
            line.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")

    with listening(answer, is_read=False) as (port, _):
        assert outgoing.post(f"https://localhost:{port}/", b"", {}, allowed=LOCAL + V6, trust=trust).body == b"ok"
        with pytest.raises(Unreachable, match="certificate"):  # another name, the same server
            outgoing.post(f"https://127.0.0.1:{port}/", b"", {}, allowed=LOCAL, trust=trust)
        with pytest.raises(Unreachable, match="certificate"):  # nobody we trust
            outgoing.post(f"https://localhost:{port}/", b"", {}, allowed=LOCAL + V6)


def test_a_tls_server_that_says_nothing_is_cut_off() -> None:
    was_cut, hung_up = threading.Event(), threading.Event()

    def say_nothing(connection: socket.socket) -> None:
        if not was_cut.wait(100):
            hung_up.set()

    with listening(say_nothing, is_read=False) as (port, _):
        try:
            with pytest.raises(Unreachable):
                outgoing.post(f"https://127.0.0.1:{port}/", b"", {}, allowed=LOCAL, timeout_s=0.3)
            assert not hung_up.is_set()
        finally:
            was_cut.set()


def respond(answer: bytes) -> Callable[[socket.socket], None]:
    return lambda connection: connection.sendall(answer)


@contextmanager
def listening(answer: Callable[[socket.socket], None], *, is_read: bool = True) -> Iterator[tuple[int, list[bytes]]]:
    """A server that notes what it was sent first, and answers so."""
    seen: list[bytes] = []

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            if is_read:
                seen.append(self.request.recv(65536))
            answer(self.request)

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True
        allow_reuse_address = True

    with Server(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield server.server_address[1], seen
        server.shutdown()
