"""
An issuer of identity tokens as build services run one: over TLS, with keys and certificates of its own.
"""

from __future__ import annotations

import datetime
import json
import threading
import uuid
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

from harness.tls import Authority, TlsServer

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey
Answer = tuple[int, Mapping[str, str], bytes]
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
            now = datetime.datetime.now(datetime.UTC)
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
