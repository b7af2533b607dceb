"""
A small host of uses: a real HTTP server on loopback that answers by docs/protocol/usage.md, and keeps what it was told.

>>> with UsageHost() as host:
...     host.url.startswith("http://127.0.0.1:")
True
"""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import threading
import time
from base64 import urlsafe_b64encode
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import parse_qsl, urlsplit

from otumat.spec.event import BATCH_MAX_BYTES, read_batch

if TYPE_CHECKING:
    from collections.abc import Callable

    Answer = tuple[int, dict[str, Any] | None]

Fault = tuple[int, dict[str, str], bytes] | str


@dataclass
class Asked:
    """One request as it arrived."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def form(self) -> dict[str, str]:
        return dict(parse_qsl(self.body.decode()))


@dataclass
class UsageHost:
    """
    A host of uses, by docs/protocol/usage.md. Start it with `with UsageHost() as host`.

    Attributes:
        asked: Every request, in order.
        faults: Taken one a request to the path they stand under: an answer, `hang`, `reset`, or `lose` (do the work,
        and
            cut the line).
        counts: Uses that were counted, by event.
        families: Refresh tokens in order, of each install; the last two are good, an older one ends the family.
        grace_s: How long a refresh token may be used again.
        proofs: What proves each install; it stays, also when that was withdrawn.
        copies: Names of the copies of images that told.
        since: Uses of earlier days are refused, as they are where the yes was given later than they were; "" for none.
        receipts: What was answered to erasures, by the keys that they were asked for with.
    """

    asked: list[Asked] = field(default_factory=list)
    faults: dict[str, list[Fault]] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    batches: dict[str, tuple[bytes, dict[str, Any]]] = field(default_factory=dict)
    sequences: list[int] = field(default_factory=list)
    lost: list[dict[str, Any]] = field(default_factory=list)
    installs: dict[str, str] = field(default_factory=dict)
    access: dict[str, str] = field(default_factory=dict)
    families: dict[str, list[tuple[str, float]]] = field(default_factory=dict)
    used: dict[str, float] = field(default_factory=dict)
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    device_answers: list[dict[str, str]] = field(default_factory=list)
    keys: dict[str, str] = field(default_factory=dict)
    proofs: dict[str, str] = field(default_factory=dict)
    copies: set[str] = field(default_factory=set)
    receipts: dict[str, dict[str, Any]] = field(default_factory=dict)
    since: str = ""
    grace_s: float = 60
    expires_in: int = 3600
    anonymous: bool = True
    is_old: bool = False
    url: str = ""
    released: threading.Event = field(default_factory=threading.Event)
    lock: Any = field(default_factory=threading.RLock)

    def __enter__(self) -> Self:
        host = self

        class Handler(_Handler):
            pass

        Handler.host = host
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01})
        self.thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self.released.set()
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()

    def to(self, path: str) -> list[Asked]:
        return [each for each in self.asked if each.path.startswith(path)]

    def answer(self, asked: Asked) -> Answer:
        path = urlsplit(asked.path).path
        doors: dict[tuple[str, str], Callable[[Asked], Answer]] = {
            ("GET", "/.well-known/oauth-authorization-server"): self._discovery,
            ("POST", "/api/usage-install"): self._install,
            ("POST", "/api/usage-event"): self._event,
            ("POST", "/auth/token"): self._token,
            ("POST", "/oauth/device"): self._device,
            ("POST", "/oauth/revoke"): self._revoke,
        }
        if path.startswith("/api/usage-install/"):
            return self._own(asked, path.rpartition("/")[2])
        door = doors.get((asked.method, path))
        return door(asked) if door else (404, {"ok": False, "error": {"code": "not_found", "message": "No."}})

    def consented(self, query: dict[str, str]) -> str:
        """What the consent page does when its visitor says yes: the address that the browser goes to next."""
        code = os.urandom(8).hex()
        self.codes[code] = query
        return f"{query['redirect_uri']}?code={code}&state={query['state']}&iss={self.url}"

    def new_tokens(self, install: str, **more: Any) -> dict[str, Any]:
        with self.lock:
            access, refresh = "A-" + os.urandom(8).hex(), "R-" + os.urandom(8).hex()
            self.access[access] = install
            self.families.setdefault(install, []).append((refresh, time.monotonic()))
            told = {"access_token": access, "token_type": "Bearer", "expires_in": self.expires_in}
            return told | {"refresh_token": refresh, "scope": "usage", "install": install, **more}

    def _discovery(self, asked: Asked) -> Answer:
        if self.is_old:
            return 404, None
        usage = {
            "version": 1,
            "consent_endpoint": self.url + "/user/usage-install",
            "install_endpoint": self.url + "/api/usage-install",
            "event_endpoint": self.url + "/api/usage-event",
            "anonymous": self.anonymous,
        }
        return 200, {
            "issuer": self.url,
            "token_endpoint": self.url + "/auth/token",
            "device_authorization_endpoint": self.url + "/oauth/device",
            "revocation_endpoint": self.url + "/oauth/revoke",
            "otumat_usage": usage,
        }

    def _install(self, asked: Asked) -> Answer:
        install = "i" + os.urandom(6).hex()
        with self.lock:
            former = self.keys.get(asked.headers["idempotency-key"])
            if former:
                self.installs.pop(former, None)
            self.keys[asked.headers["idempotency-key"]] = install
            self.installs[install] = json.loads(asked.body)["project"]
        return 201, self.new_tokens(install, proof=self._prove(install))

    def _token(self, asked: Asked) -> Answer:
        form = asked.form
        if form.get("client_id") != "otumat-usage" and not self.is_old:
            return 401, {"error": "invalid_client"}
        if form["grant_type"] == "refresh_token":
            return self._refresh(form["refresh_token"])
        if form["grant_type"] == "authorization_code":
            query = self.codes.pop(form["code"], None)
            proof = hashlib.sha256(form["code_verifier"].encode()).digest()
            challenge = urlsafe_b64encode(proof).rstrip(b"=").decode()
            if not query or query["code_challenge"] != challenge or query["redirect_uri"] != form["redirect_uri"]:
                return 400, {"error": "invalid_grant"}
            return self._enrolled()
        told = self.device_answers.pop(0)
        return (400, told) if "error" in told else self._enrolled()

    def _enrolled(self) -> Answer:
        install = "i" + os.urandom(6).hex()
        self.installs[install] = ""
        return 200, self.new_tokens(install, account=True, proof=self._prove(install))

    def _prove(self, install: str) -> str:
        proof = "P-" + os.urandom(8).hex()
        self.proofs[proof] = install
        return proof

    def _refresh(self, token: str) -> Answer:
        with self.lock:
            install = next((each for each, family in self.families.items() if token in dict(family)), "")
            if not install or install not in self.installs:
                return 400, {"error": "invalid_grant"}
            now = time.monotonic()
            if now - self.used.setdefault(token, now) > self.grace_s:
                del self.installs[install]
                return 400, {"error": "invalid_grant"}
            return 200, self.new_tokens(install)

    def _device(self, asked: Asked) -> Answer:
        return 200, {
            "device_code": "D1",
            "user_code": "WDJB-MJHT",
            "verification_uri": self.url + "/device",
            "expires_in": 900,
            "interval": 1,
        }

    def _revoke(self, asked: Asked) -> Answer:
        """By an install of 0.3; the small host knows it by its refresh token alone."""
        install = next((each for each, family in self.families.items() if asked.form["token"] in dict(family)), "")
        self.installs.pop(install, None)
        erases = install and asked.form.get("erase") == "1" and self.families.pop(install)
        return 200, {"ok": True, **({"receipt": {"install": install}, "signature": "c2ln"} if erases else {})}

    def _who(self, asked: Asked) -> str:
        text = asked.headers.get("authorization", "").removeprefix("Bearer ")
        return self.access.get(text) or self.proofs.get(text, "")

    def _event(self, asked: Asked) -> Answer:
        if self.is_old:
            return 200, {}
        install = self._who(asked)
        if not install:
            return 401, {"ok": False, "error": {"code": "invalid_token", "message": "Expired."}}
        if install not in self.installs:
            return 410, {"ok": False, "error": {"code": "withdrawn", "message": "This install was withdrawn."}}
        body = gzip.decompress(asked.body)
        if len(body) > BATCH_MAX_BYTES:
            return 413, {"ok": False, "error": {"code": "too_large", "message": "Too large."}}
        batch = read_batch(body)
        if bool(batch.copy) != ("Bearer P-" in asked.headers["authorization"]):
            return 400, {"ok": False, "error": {"code": "invalid", "message": "A copy, or none?"}}
        if batch.install != install:
            return 400, {"ok": False, "error": {"code": "invalid", "message": "Another's."}}
        with self.lock:
            self.copies |= {batch.copy} - {""}
            if batch.batch in self.batches:
                before, told = self.batches[batch.batch]
                if before != body:
                    return 409, {"ok": False, "error": {"code": "batch_differs", "message": "Other bytes."}}
                return 200, told | {"replayed": True}
            late = [
                {"row": n, "code": "before_consent"} for n, row in enumerate(batch.rows) if row.use.day < self.since
            ]
            counted = [row for row in batch.rows if row.use.day >= self.since]
            for row in counted:
                self.counts[row.use.name] = self.counts.get(row.use.name, 0) + row.times
            self.sequences.append(batch.sequence)
            self.lost.append(dict(batch.lost))
            told = {"ok": True, "batch": batch.batch, "sha256": hashlib.sha256(body).hexdigest()}
            told |= {"counted": sum(row.times for row in counted), "refused": late, "replayed": False}
            self.batches[batch.batch] = body, told
            return 200, told

    def _own(self, asked: Asked, install: str) -> Answer:
        key = asked.headers.get("idempotency-key", "")
        if key in self.receipts:
            return 200, self.receipts[key]
        who = self._who(asked)
        if not who:
            return 401, {"ok": False, "error": {"code": "invalid_token", "message": "Expired."}}
        if who != install or (install not in self.installs and who not in self.proofs.values()):
            return 404, {"ok": False, "error": {"code": "not_found", "message": "No."}}
        if asked.method == "GET":
            return 200, {"ok": True, "install": install, "batches": list(self.batches)}
        self.installs.pop(install, None)
        if not asked.path.endswith("?erase=1"):
            return 200, {"ok": True}
        self.proofs = {proof: each for proof, each in self.proofs.items() if each != install}
        told = {"ok": True, "receipt": {"install": install}, "signature": "c2ln"}
        if key:
            self.receipts[key] = told
        return 200, told


class _Handler(BaseHTTPRequestHandler):
    host: UsageHost
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._serve()

    do_POST = do_DELETE = do_GET  # noqa: N815 - the names that http.server looks for

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        headers = {name.lower(): value for name, value in self.headers.items()}
        asked = Asked(self.command, self.path, headers, body)
        with self.host.lock:
            self.host.asked.append(asked)
            waiting = self.host.faults.get(urlsplit(self.path).path, [])
            fault = waiting.pop(0) if waiting else None
        self.close_connection = True
        if fault == "hang":
            self.host.released.wait(60)
        elif fault == "reset":
            self.connection.close()
        elif fault == "lose":
            self.host.answer(asked)
            self.connection.close()
        elif isinstance(fault, tuple):
            self._send(*fault)
        else:
            status, told = self.host.answer(asked)
            self._send(status, {"Content-Type": "application/json"}, json.dumps(told).encode() if told else b"")

    def _send(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def handle(self) -> None:
        try:
            super().handle()
        except (OSError, ValueError):  # whoever asked has gone
            pass

    def log_message(self, format: str, *args: object) -> None:
        pass
