"""A short code for any browser, on any machine (RFC 8628): for SSH, containers and machines without a display."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from otumat.errors import Conflict, Refused, Unreachable
from otumat.transport import Request
from otumat.usage import tokens
from otumat.usage.hosts import is_same_place
from otumat.usage.tokens import CLIENT_ID, FORM, SCOPE

if TYPE_CHECKING:
    from collections.abc import Callable

    from otumat.transport import Response, Transport
    from otumat.usage.enrol.asked import Asked
    from otumat.usage.hosts import Host
    from otumat.usage.tokens import Credential

GRANT = "urn:ietf:params:oauth:grant-type:device_code"
_INTERVAL_S, _SLOWER_S, _INTERVAL_MAX_S = 5.0, 5.0, 60.0


def enrol_by_code(
    host: Host,
    asked: Asked,
    *,
    tell: Callable[[str], None],
    timeout_s: float,
    over: Transport,
    sleep: Callable[[float], None] = time.sleep,
) -> Credential:
    """
    Show a code, and ask the host until somebody has answered for it.

    Errors:
        Refused: the user said no there. Conflict: nobody answered in time. Unreachable: the host did not.
    """
    told = _ask_for_code(host, asked, over)
    tell(f"Please open {told['verification_uri']} in any browser and enter the code {told['user_code']}.")
    if told.get("verification_uri_complete"):
        tell(f"Or open {told['verification_uri_complete']}")
    interval_s = _number(told.get("interval"), _INTERVAL_S, least=1)
    deadline = time.monotonic() + min(timeout_s, _number(told.get("expires_in"), 900))
    form = {"grant_type": GRANT, "device_code": told["device_code"], "client_id": CLIENT_ID}
    while time.monotonic() + interval_s < deadline:
        sleep(interval_s)
        try:
            answer = _post(host.endpoints["token"], form, over)
        except Unreachable:
            interval_s = min(interval_s * 2, _INTERVAL_MAX_S)  # RFC 8628, 3.5
            continue
        if answer.status == 200:
            return tokens.from_answer(answer, host=host.url, endpoints=host.endpoints)
        interval_s += _slower_by(host, answer)
    raise Conflict("Nobody entered the code in time.", code="enrol.timeout")


def _ask_for_code(host: Host, asked: Asked, over: Transport) -> dict[str, str]:
    answer = _post(host.endpoints["device"], {"client_id": CLIENT_ID, "scope": SCOPE, **asked.as_form()}, over)
    told = tokens.json_of(answer)
    names = ("device_code", "user_code", "verification_uri")
    if answer.status != 200 or not all(isinstance(told.get(name), str) for name in names):
        raise Unreachable(f"{host.url} gave no code; it answered {answer.status}.", code="enrol.status")
    links = [told[name] for name in ("verification_uri", "verification_uri_complete") if told.get(name)]
    if not all(is_same_place(str(link), host.url) for link in links) or not told["user_code"].isprintable():
        raise Unreachable(f"{host.url} leads elsewhere, to {str(links)[:200]}.", code="enrol.elsewhere")
    return told


def _slower_by(host: Host, answer: Response) -> float:
    error = tokens.json_of(answer).get("error")
    if error == "access_denied":
        raise Refused(f"You said no at {host.url}.", code="enrol.denied")
    if error in ("expired_token", "invalid_grant", "invalid_client", "invalid_request"):
        raise Conflict(f"{host.url} does not know the code any more.", code="enrol.timeout")
    return _SLOWER_S if error == "slow_down" else 0.0


def _post(url: str, form: dict[str, str], over: Transport) -> Response:
    headers = {"Content-Type": FORM, "Accept": "application/json"}
    return over.send(Request("POST", url, headers, urlencode(form).encode()))


def _number(value: object, otherwise: float, *, least: float = 0) -> float:
    return max(float(value), least) if isinstance(value, int | float) else otherwise
