from __future__ import annotations

import datetime
import io
import ipaddress
import socket
import ssl
import threading
from typing import TYPE_CHECKING

import pytest

from otumat.errors import Conflict, Unreachable
from otumat.testing import RecordingTransport
from otumat.transport import FilePart, Form, Request, Response, UrllibTransport, basic_auth

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "*")


@pytest.fixture
def answering() -> Iterator[Callable[..., str]]:
    """A server that says exactly these bytes to whoever connects, each list entry to one connection."""
    listener = socket.create_server(("127.0.0.1", 0))
    stop = threading.Event()
    threads = []

    def serve(answers: list[bytes | Iterator[bytes]], *, read: int = 65536) -> None:
        for answer in answers:
            try:
                connection, _ = listener.accept()
            except OSError:
                return  # the test is over, and did not ask for everything
            with connection:
                if read:
                    connection.recv(read)
                for piece in [answer] if isinstance(answer, bytes) else answer:
                    try:
                        connection.sendall(piece)
                    except OSError:
                        break
                    if stop.is_set():
                        break

    def start(*answers: bytes | Iterator[bytes], read: int = 65536) -> str:
        thread = threading.Thread(target=serve, args=(list(answers),), kwargs={"read": read}, daemon=True)
        threads.append(thread)
        thread.start()
        return f"http://127.0.0.1:{listener.getsockname()[1]}"

    yield start
    stop.set()
    listener.close()


def transport(**limits: float) -> UrllibTransport:
    return UrllibTransport(user_agent="otumat/test", **limits)  # type: ignore[arg-type]


def http(status: str, body: bytes = b"", **headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", *(f"{name.replace('_', '-')}: {value}" for name, value in headers.items())]
    return ("\r\n".join([*lines, f"Content-Length: {len(body)}"]) + "\r\n\r\n").encode() + body


@pytest.mark.parametrize("status", ["200 OK", "400 Bad Request", "401 Unauthorized", "500 Oops"])
def test_every_status_is_an_answer(answering: Callable[..., str], status: str) -> None:
    answer = transport().send(Request("GET", answering(http(status, b"hello", X_A="b"))))
    assert (answer.status, answer.reason) == (int(status[:3]), status[4:])
    assert (answer.body, answer.headers["x-a"]) == (b"hello", "b")


def test_a_get_follows_a_redirect_on_the_same_host(answering: Callable[..., str]) -> None:
    url = answering(http("301 Moved", Location="/there"), http("200 OK", b"here"))
    assert transport().send(Request("GET", url)).body == b"here"


@pytest.mark.parametrize("location", ["http://elsewhere.example.org/", "//127.0.0.1:1/", "file:///etc/passwd"])
def test_A85_no_redirect_leads_to_another_host(answering: Callable[..., str], location: str) -> None:
    url = answering(http("302 Found", Location=location))
    with pytest.raises(Unreachable, match="another place"):
        transport().send(Request("GET", url, {"Authorization": "Basic secret"}))


@pytest.mark.parametrize("status", ["301 Moved", "303 See Other", "307 Temporary", "308 Permanent"])
def test_a_post_is_never_redirected(answering: Callable[..., str], status: str) -> None:
    url = answering(http(status, Location="/there"))
    with pytest.raises(Unreachable, match="moved"):
        transport().send(Request("POST", url, body=b"x"))


@pytest.mark.parametrize("location", ["http://[::1", "http://127.0.0.1:port/", "/\xe4"])
def test_a_redirect_to_nonsense_is_told(answering: Callable[..., str], location: str) -> None:
    with pytest.raises(Unreachable):
        transport().send(Request("GET", answering(http("302 Found", Location=location), b"")))


def test_redirects_in_circles_end(answering: Callable[..., str]) -> None:
    url = answering(*[http("302 Found", Location="/round")] * 10)
    with pytest.raises(Unreachable, match="circles"):
        transport().send(Request("GET", url))


def test_an_answer_larger_than_the_limit_is_not_read_to_its_end(answering: Callable[..., str]) -> None:
    def endless() -> Iterator[bytes]:
        yield b"HTTP/1.1 200 OK\r\n\r\n"
        while True:
            yield b"x" * 65536

    with pytest.raises(Unreachable, match="larger than 1 MB"):
        transport(max_body_bytes=1_000_000).send(Request("GET", answering(endless())))


def test_an_answer_that_drips_for_ever_ends(answering: Callable[..., str]) -> None:
    pause = threading.Event()

    def dripping() -> Iterator[bytes]:
        yield b"HTTP/1.1 200 OK\r\n\r\n"
        while True:
            pause.wait(0.01)
            yield b"x"

    with pytest.raises(Unreachable, match="took longer"):
        transport(total_s=0.2).send(Request("GET", answering(dripping())))


def test_silence_ends(answering: Callable[..., str]) -> None:
    never = threading.Event()

    def silent() -> Iterator[bytes]:
        never.wait(5)
        yield b""

    url = answering(silent())
    with pytest.raises(Unreachable, match="did not answer in time"):
        transport(silence_s=0.1).send(Request("GET", url))
    never.set()


@pytest.mark.parametrize(
    "answer", [b"", b"HTTP/1.1 20", b"SSH-2.0-nonsense\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort"]
)
def test_half_an_answer_is_none(answering: Callable[..., str], answer: bytes) -> None:
    with pytest.raises(Unreachable, match="broke off"):
        transport().send(Request("GET", answering(answer)))


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("http://127.0.0.1:1/", "Nothing answers at 127.0.0.1:1"),
        ("http://no-such-host.invalid/", "no host no-such-host.invalid"),
        ("file:///etc/passwd", "no http or https"),
        ("ftp://127.0.0.1/x", "no http or https"),
        ("http://127.0.0.1:1\u00e4/", "no http or https|broke off"),
        ("http://[::1/", "no http or https"),
        ("http://127.0.0.1:1/\r\nX-Evil: 1", "broke off"),
    ],
)
def test_what_cannot_be_reached_is_told_in_words(url: str, message: str) -> None:
    with pytest.raises(Unreachable, match=message):
        transport().send(Request("GET", url))


def test_a_refusal_before_the_body_was_read_is_the_answer(answering: Callable[..., str], tmp_path: Path) -> None:
    big = tmp_path / "big"
    big.write_bytes(b"x" * 20_000_000)
    url = answering(http("413 Too Large", b"no"), read=1000)
    with big.open("rb") as file:
        form = Form([], [FilePart("content", "big", file, 20_000_000)])
        told: list[object] = []
        try:
            told.append(transport().send(Request("POST", url, body=form)).status)
        except Unreachable as exc:
            told.append(exc.code)
    # The kernel may drop an answer when the other side closes with unread data; then that is told.
    assert told in ([413], ["unreachable.broken"])


def test_a_certificate_that_nobody_vouches_for_is_refused(tmp_path: Path) -> None:
    certificate, key = _self_signed(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def shake() -> None:
            connection, _ = listener.accept()
            with connection, pytest.raises(OSError, match=r".*"):
                context.wrap_socket(connection, server_side=True).recv(1)

        thread = threading.Thread(target=shake)
        thread.start()
        with pytest.raises(Unreachable, match="certificate") as caught:
            transport().send(Request("GET", f"https://127.0.0.1:{listener.getsockname()[1]}/"))
        thread.join()
    assert caught.value.code == "unreachable.certificate"
    assert "SSL_CERT_FILE" in caught.value.hint


def _self_signed(folder: Path) -> tuple[Path, Path]:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    first, last = datetime.datetime(2000, 1, 1, tzinfo=datetime.UTC), datetime.datetime(2100, 1, 1, tzinfo=datetime.UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), 1, first, last)
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    paths = folder / "certificate.pem", folder / "key.pem"
    paths[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    paths[1].write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return paths


def test_a_form_is_as_long_as_it_says_and_tells_its_progress() -> None:
    content = b"\0" * 200_000
    told: list[tuple[int, int]] = []
    part = FilePart("content", "a.whl", io.BytesIO(content), len(content))
    form = Form([("name", "röundup"), ("empty", "")], [part], progress=lambda sent, total: told.append((sent, total)))
    body = b"".join(form)
    assert len(body) == form.size_bytes
    assert told[-1] == (form.size_bytes, form.size_bytes)
    assert len(told) > 3
    assert b"".join(form) == body, "a form may be sent again"


def test_a_form_never_holds_a_file_in_memory() -> None:
    class Watched(io.BytesIO):
        largest = 0

        def read(self, size: int | None = -1, /) -> bytes:
            assert size is not None
            assert size > 0
            self.largest = max(self.largest, size)
            return super().read(size)

    file = Watched(b"x" * 1_000_000)
    assert sum(map(len, Form([], [FilePart("content", "a", file, 1_000_000)]))) > 1_000_000
    assert file.largest <= 65536


def test_a_file_that_shrinks_while_it_is_sent_is_told() -> None:
    form = Form([], [FilePart("content", "a.whl", io.BytesIO(b"short"), 10)])
    with pytest.raises(Conflict, match=r"a\.whl became shorter"):
        b"".join(form)


def test_a_field_cannot_break_out_of_its_quotes() -> None:
    body = b"".join(Form([('a"\r\nX-Evil: 1', "v")], [FilePart("content", 'b"\r\n.whl', io.BytesIO(b""), 0)]))
    assert b"\r\nX-Evil" not in body
    assert b'name="a%22%0D%0AX-Evil: 1"' in body
    assert b'filename="b%22%0D%0A.whl"' in body


def test_basic_auth_takes_any_character() -> None:
    assert basic_auth("alice", "pä:ss") == "Basic YWxpY2U6cMOkOnNz"


def test_the_recording_transport_writes_forms_out() -> None:
    recording = RecordingTransport(lambda _: Response(200, {}, b"ok"))
    recording.send(Request("POST", "https://index.example.org/", body=Form([("name", "roundup")])))
    assert b"roundup" in recording.bodies[0]
    assert recording.requests[0].method == "POST"
