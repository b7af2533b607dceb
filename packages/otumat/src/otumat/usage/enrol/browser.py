"""
The consent page in the user's browser: authorization code with PKCE and state over loopback (RFC 8252, 7636, 9207,
9700).

With a host of Otumat 0.3 the page sends ready-made tokens instead; see `otumat.usage.dialect03`.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import sys
from base64 import urlsafe_b64encode
from html import escape
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from otumat.errors import Conflict, Refused, Unreachable
from otumat.transport import Request
from otumat.usage import dialect03, tokens
from otumat.usage.enrol.loopback import HEALTH, Listener
from otumat.usage.spawning import start
from otumat.usage.tokens import CLIENT_ID, FORM, SCOPE

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from otumat.transport import Transport
    from otumat.usage.enrol.asked import Asked
    from otumat.usage.hosts import Host
    from otumat.usage.tokens import Credential

CALLBACK = "/usage-consented"
THANKS = (
    "Thank you. You can close this page.<br>"
    "To see what is sent: <code>otumat usage show {0}</code>. To undo this: <code>otumat usage off {0}</code>."
)
NO = "Nothing will be collected. You can close this page."


def enrol_in_browser(
    host: Host,
    asked: Asked,
    *,
    config: Mapping[str, object],
    tell: Callable[[str], None],
    timeout_s: float,
    over: Transport,
) -> Credential:
    """
    Open the consent page, and wait for its answer.

    Errors:
        Refused: the user said no there. Conflict: nobody answered in time. Unreachable: the host did not.
    """
    if host.dialect != "1.0":
        return _in_the_old_way(host, asked, config=config, tell=tell, timeout_s=timeout_s)
    verifier, state = _random_text(), _random_text()
    came: dict[str, str] = {}

    def answer(path: str, query: dict[str, str]) -> tuple[int, str] | None:
        if path != CALLBACK:
            return None
        fits = hmac.compare_digest(query.get("state", "").encode(), state.encode()) and query.get("iss") == host.url
        if not fits or not ("code" in query or "error" in query):
            return 400, "This answer does not belong to any question."
        came.update(query)
        return 200, THANKS.format(escape(asked.project)) if "code" in query else NO

    with Listener(answer, is_done=lambda: bool(came)) as listener:
        redirect = listener.url + CALLBACK
        _open(f"{host.endpoints['consent']}?{_query(asked, redirect, state, verifier)}", tell)
        if not listener.wait(timeout_s):
            raise _nobody()
    if "code" not in came:
        raise _refusal(host, came.get("error", ""))
    return _exchange(host, came["code"], redirect, verifier, over)


def challenge(verifier: str) -> str:
    """
    PKCE, S256 (RFC 7636, 4.2; the example is that of its appendix B).

    >>> challenge("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk")
    'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM'
    """
    return _base64url(hashlib.sha256(verifier.encode("ascii")).digest())


def _query(asked: Asked, redirect: str, state: str, verifier: str) -> str:
    return urlencode(
        {
            "response_type": "code",
            "client_id": CLIENT_ID,
            "scope": SCOPE,
            "redirect_uri": redirect,
            "state": state,
            "code_challenge": challenge(verifier),
            "code_challenge_method": "S256",
            **asked.as_form(),
        }
    )


def _exchange(host: Host, code: str, redirect: str, verifier: str, over: Transport) -> Credential:
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": redirect,
        "client_id": CLIENT_ID,
        "code_verifier": verifier,
    }
    headers = {"Content-Type": FORM, "Accept": "application/json"}
    answer = over.send(Request("POST", host.endpoints["token"], headers, urlencode(form).encode()))
    if answer.status != 200:
        raise Unreachable(f"{host.url} answered {answer.status} instead of giving tokens.", code="tokens.status")
    return tokens.from_answer(answer, host=host.url, endpoints=host.endpoints)


def _in_the_old_way(
    host: Host, asked: Asked, *, config: Mapping[str, object], tell: Callable[[str], None], timeout_s: float
) -> Credential:
    addresses = dialect03.endpoints(host.url, config)
    came: list[Credential | None] = []

    def answer(path: str, query: dict[str, str]) -> tuple[int, str] | None:
        if path == "/health":
            return 200, HEALTH
        if path == "/install-completed":
            credential = dialect03.from_redirect(query, host=host.url, addresses=addresses)
            if credential is None:
                return 400, "Something is missing in this answer."
            came.append(credential)
            return 200, THANKS.format(escape(asked.project))
        if path == "/install-cancelled":
            came.append(None)
            return 200, NO
        return None

    with Listener(answer, is_done=lambda: bool(came)) as listener:
        python = ".".join(map(str, sys.version_info[:3]))
        query = dialect03.consent_query(listener.url, package=asked.project, release=asked.release, python=python)
        _open(f"{addresses['consent']}?{query}", tell)
        if not listener.wait(timeout_s):
            raise _nobody()
    if came[0] is None:
        raise _refusal(host, "access_denied")
    return came[0]


def _open(link: str, tell: Callable[[str], None]) -> None:
    """Open the user's browser, and in any case say where it should lead. The listener is up already (K20)."""
    tell(f"Please answer in your browser: {link}")
    if not getattr(sys, "frozen", False) and sys.executable:
        # A process of its own: some browsers do not return before they are closed, and some talk.
        start([sys.executable, "-P", "-m", "webbrowser", "-n", link])


def _nobody() -> Conflict:
    return Conflict("Nobody answered in the browser in time.", code="enrol.timeout")


def _refusal(host: Host, error: str) -> Refused | Conflict:
    if error == "access_denied":
        return Refused(f"You said no at {host.url}.", code="enrol.denied")
    return Conflict(f"{host.url} says: {error[:60] or 'nothing'}.", code="enrol.error")


def _random_text() -> str:
    return _base64url(os.urandom(32))


def _base64url(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode("ascii")
