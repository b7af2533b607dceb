"""
The public keys of trusted issuers: fetched from the issuers that the operator named and from nowhere else (A59).

No address comes from a token. The issuer's discovery document may name its key list on its own origin only (Google's
is elsewhere, and known), redirects are not followed, and size and time are bounded.
"""

from __future__ import annotations

import http.client
import json
import logging
import ssl
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final
from urllib.parse import urlsplit

from django.conf import settings

from otumat.errors import OtumatError, Unreachable, Untrusted
from otumat_index import issuers as setting
from otumat_index.publish.trusted.tokens import Key, Unverified, chosen, key_of, refused

FRESH_S: Final = 600
KEPT_S: Final = 3600
"""An issuer that does not answer is believed by its last keys for so long: releases should not wait for it."""
PAUSE_S: Final = 30
"""Between two fetches: tokens with made-up key names and issuers that are down cost one fetch each time, no more."""
CONNECT_S: Final = 5
FETCH_S: Final = 10
DOCUMENT_MAX_BYTES: Final = 256_000
KEYS_MAX: Final = 100
DISCOVERY: Final = "/.well-known/openid-configuration"
KEYS_ELSEWHERE: Final[Mapping[str, str]] = {"https://accounts.google.com": "https://www.googleapis.com"}

log = logging.getLogger(__name__)


def trusted() -> dict[str, str]:
    """The trusted issuers and their kinds; empty when trusted publishing is off."""
    return parsed(settings.CONFIG.trusted_issuers)


@lru_cache(maxsize=8)
def parsed(text: str) -> dict[str, str]:
    return setting.parse(text)[0]


@dataclass(slots=True)
class Known:
    """What we have of one issuer; monotonic seconds."""

    keys: tuple[Key, ...] = ()
    fetched_s: float = float("-inf")
    tried_s: float = float("-inf")
    lock: threading.Lock = field(default_factory=threading.Lock)


class Cache:
    """The keys of every issuer, in this process."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], Known] = {}
        self._lock = threading.Lock()

    def key_for(self, token: Unverified) -> Key:
        """
        The key that signed a token, by its issuer's word.

        Raises:
            Untrusted: The issuer is not trusted, or has no such key.
            Unreachable: The issuer does not tell its keys.
        """
        if token.issuer not in trusted():
            raise Untrusted(
                f"This index does not trust the issuer {token.issuer[:200]!r}.",
                hint="Ask the admin to name it in TRUSTED_ISSUERS.",
                code="issuer_unknown",
            )
        with self._lock:  # a setting's change, as tests make, is another cache
            known = self._known.setdefault((token.issuer, settings.CONFIG.trusted_issuers_ca), Known())
        with known.lock:  # one fetch at a time and issuer; who waits finds the answer
            return self._key(known, token)

    def _key(self, known: Known, token: Unverified) -> Key:
        now_s = time.monotonic()
        found = chosen(token, known.keys)
        is_fresh = now_s - known.fetched_s < FRESH_S
        failure: OtumatError | None = None
        if (found is None or not is_fresh) and now_s - known.tried_s >= PAUSE_S:
            known.tried_s = now_s
            try:
                known.keys, known.fetched_s = fetch_keys(token.issuer), now_s
            except OtumatError as exc:
                log.warning("keys of %s: %s", token.issuer, exc.message)
                failure = exc
            found = chosen(token, known.keys)
        if now_s - known.fetched_s >= KEPT_S:
            raise failure or unreachable(token.issuer, "it did not answer a moment ago")
        if found is None:
            raise refused("The token is signed with a key that its issuer does not list.")
        return found


CACHE = Cache()


def unreachable(what: str, why: str) -> Unreachable:
    return Unreachable(f"{what} cannot be asked for its keys: {why}.", hint="Try again in a minute.", code="issuer")


def fetch_keys(issuer: str) -> tuple[Key, ...]:
    """
    An issuer's signing keys, by OpenID Connect Discovery 1.0.

    Raises:
        Unreachable: It does not answer in time or not as it should.
    """
    found = fetch(issuer.rstrip("/") + DISCOVERY)
    where = found.get("jwks_uri")
    if found.get("issuer") != issuer:  # Discovery 1.0 section 4.3
        raise unreachable(issuer, "its discovery document names another issuer")
    if not isinstance(where, str) or origin(where) != origin(KEYS_ELSEWHERE.get(issuer, issuer)):
        raise unreachable(issuer, "it lists its keys at an address that is not its own")
    listed = fetch(where).get("keys")
    rows = [row for row in listed[:KEYS_MAX] if isinstance(row, dict)] if isinstance(listed, list) else []
    return tuple(key for key in map(key_of, rows) if key is not None)


def origin(url: str) -> tuple[str, str, int]:
    """Scheme, host and port; an unreadable URL has an origin that equals no other's."""
    try:
        parts = urlsplit(url)
        return parts.scheme, parts.hostname or "", parts.port or 443
    except ValueError:
        return "", url, 0


def fetch(url: str) -> dict[str, Any]:
    """One JSON object over https, in bounded size and time, from exactly this address."""
    parts = urlsplit(url)
    target = parts.path + (f"?{parts.query}" if parts.query else "")
    connection = http.client.HTTPSConnection(
        parts.hostname or "", parts.port, timeout=CONNECT_S, context=context(url, settings.CONFIG.trusted_issuers_ca)
    )
    deadline_s = time.monotonic() + FETCH_S
    # A time-out of the socket starts anew with every byte; a slow dripper is cut off as a whole.
    cut = threading.Timer(FETCH_S, shut, [connection])
    cut.daemon = True
    cut.start()
    try:
        connection.request("GET", target or "/", headers={"Accept": "application/json", "User-Agent": "otumat-index"})
        with connection.getresponse() as answer:  # closed in any case: it may be longer than what is read of it
            body = answer.read(DOCUMENT_MAX_BYTES + 1)
    except (OSError, http.client.HTTPException, ValueError) as exc:
        raise unreachable(url, str(exc) or type(exc).__name__) from exc
    finally:
        cut.cancel()
        connection.close()
    if time.monotonic() >= deadline_s:
        raise unreachable(url, f"it takes more than {FETCH_S} s")
    if answer.status != 200:
        raise unreachable(url, f"it answers {answer.status}")
    return as_object(url, body)


def as_object(url: str, body: bytes) -> dict[str, Any]:
    if len(body) > DOCUMENT_MAX_BYTES:
        raise unreachable(url, "its answer is too long")
    try:
        found = json.loads(body)
    except (ValueError, RecursionError) as exc:
        raise unreachable(url, "its answer is no JSON") from exc
    if not isinstance(found, dict):
        raise unreachable(url, "its answer is no JSON object")
    return found


def shut(connection: http.client.HTTPSConnection) -> None:
    """End a connection under whoever reads from it."""
    socket = connection.sock
    try:
        if socket is not None:
            socket.shutdown(2)
    except OSError:
        pass


def context(url: str, ca: str) -> ssl.SSLContext:
    """Certificates are checked against the system's authorities, and the operator's own where named."""
    made = ssl.create_default_context()
    try:
        if ca:
            made.load_verify_locations(cafile=ca)
    except OSError as exc:
        raise unreachable(url, f"TRUSTED_ISSUERS_CA cannot be read ({exc})") from exc
    return made
