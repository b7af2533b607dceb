"""
An issuer of identity tokens as build services run one: over TLS, with keys and certificates of its own.

Its certificates come from an authority made for the test, which clients and servers are told to trust.
"""

from __future__ import annotations

import datetime
import ipaddress
import json
import ssl
import threading
import uuid
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import NameOID
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey
Answer = tuple[int, Mapping[str, str], bytes]
DAY = datetime.timedelta(days=1)

AUDIENCE = "http://localhost:8000"
"""What an index with default settings is called in tokens."""
GITHUB = {"repository": "acme/rocket", "workflow": "release.yml"}
"""A publisher."""
GITHUB_RUN: dict[str, Any] = {
    "aud": AUDIENCE,
    "sub": "repo:acme/rocket:ref:refs/tags/v1",
    "repository": "acme/rocket",
    "repository_owner": "acme",
    "repository_owner_id": "1234",
    "workflow_ref": "acme/rocket/.github/workflows/release.yml@refs/tags/v1",
    "job_workflow_ref": "acme/rocket/.github/workflows/release.yml@refs/tags/v1",
    "ref": "refs/tags/v1",
    "sha": "a" * 40,
    "event_name": "push",
}
"""What a token says of a run of that workflow."""


class Authority:
    """A certificate authority of one's own; `path` is what others are told to trust."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.path = folder / "authority.pem"
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Test authority")])
        mine = self._certificate(self._name, self._key.public_key(), is_authority=True)
        self.path.write_bytes(mine.public_bytes(serialization.Encoding.PEM))

    def _certificate(self, name: x509.Name, key: Any, *, is_authority: bool) -> x509.Certificate:
        now = datetime.datetime.now(datetime.UTC)  # noqa: TID251 - certificates are checked by the real clock
        names: list[x509.GeneralName] = [
            x509.DNSName("localhost"),
            x509.IPAddress(ipaddress.ip_address("127.0.0.1")),
        ]
        builder = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(self._name)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - DAY)
            .not_valid_after(now + 30 * DAY)
            .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
        )
        if not is_authority:
            builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        return builder.sign(self._key, hashes.SHA256())

    def context(self) -> ssl.SSLContext:
        """A server's side of TLS, with a new certificate for this machine."""
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
        certificate = self._certificate(name, key.public_key(), is_authority=False)
        path = self.folder / f"server-{uuid.uuid4().hex}.pem"
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        path.write_bytes(private + certificate.public_bytes(serialization.Encoding.PEM))
        made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        made.load_cert_chain(path)
        return made


def new_key(algorithm: str = "ES256") -> PrivateKey:
    """A signing key for an algorithm."""
    if algorithm.startswith("RS"):
        return rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return ed25519.Ed25519PrivateKey.generate() if algorithm == "EdDSA" else ec.generate_private_key(ec.SECP256R1())


def public_jwk(key: PrivateKey) -> dict[str, Any]:
    """Its public half as issuers list it."""
    public = key.public_key()
    if isinstance(public, rsa.RSAPublicKey):
        return dict(RSAAlgorithm.to_jwk(public, as_dict=True))
    if isinstance(public, ec.EllipticCurvePublicKey):
        return dict(ECAlgorithm.to_jwk(public, as_dict=True))
    return dict(OKPAlgorithm.to_jwk(public, as_dict=True))


class TlsServer(ThreadingHTTPServer):
    """Requests over TLS; a client that breaks the handshake off harms nobody."""

    daemon_threads = True

    def __init__(self, handler: type[BaseHTTPRequestHandler], context: ssl.SSLContext) -> None:
        super().__init__(("127.0.0.1", 0), handler)
        self._context = context

    def finish_request(self, request: Any, client_address: Any) -> None:
        try:
            with self._context.wrap_socket(request, server_side=True) as secured:
                super().finish_request(secured, client_address)
        except OSError:
            pass


class Issuer:
    """
    A running issuer.

    Attributes:
        keys: What it signs with, by key id.
        listed: The key list it serves; keep or change.
        answers: Paths that it answers in another way than it should.
        asked: Every path that was asked for, in order.
        claims: What `GET /token?audience=…` puts into a token, as the services of build jobs do.
    """

    def __init__(self, authority: Authority, algorithm: str = "ES256") -> None:
        self.algorithm = algorithm
        self.keys: dict[str, PrivateKey] = {"key-1": new_key(algorithm)}
        self.listed: list[dict[str, Any]] = [public_jwk(self.keys["key-1"]) | {"kid": "key-1", "use": "sig"}]
        self.answers: dict[str, Callable[[], Answer]] = {}
        self.asked: list[str] = []
        self.claims: dict[str, Any] = {}
        self._server = TlsServer(self._handler(), authority.context())
        self.url = f"https://localhost:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def sign(self, claims: Mapping[str, Any], *, kid: str = "key-1", **header: Any) -> str:
        """A token with exactly these claims."""
        return jwt.encode(dict(claims), self.keys[kid], algorithm=self.algorithm, headers={"kid": kid, **header})

    def times(self, at: datetime.datetime, life_s: int = 300) -> dict[str, Any]:
        """The claims that every token has: whose, when, which number."""
        now_s = int(at.timestamp())
        return {"iss": self.url, "iat": now_s, "nbf": now_s, "exp": now_s + life_s, "jti": uuid.uuid4().hex}

    def answer(self, path: str) -> Answer:
        """What it says to a request."""
        parts = urlsplit(path)
        self.asked.append(parts.path)
        if parts.path in self.answers:
            return self.answers[parts.path]()
        if parts.path == "/.well-known/openid-configuration":
            return as_json({"issuer": self.url, "jwks_uri": f"{self.url}/keys"})
        if parts.path == "/keys":
            return as_json({"keys": self.listed})
        if parts.path == "/token":
            now = datetime.datetime.now(datetime.UTC)  # noqa: TID251 - its clients live now
            audience = parse_qs(parts.query)["audience"][0]
            return as_json({"value": self.sign({**self.times(now), "aud": audience, **self.claims})})
        return 404, {}, b""

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        issuer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                status, headers, body = issuer.answer(self.path)
                self.send_response(status)
                for name, value in {"Content-Length": str(len(body)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                try:
                    self.wfile.write(body)
                except OSError:
                    pass  # whoever asked has heard enough

            def log_message(self, format: str, *args: object) -> None:
                pass

        return Handler


def as_json(found: object) -> Answer:
    return 200, {"Content-Type": "application/json"}, json.dumps(found).encode()
