"""
The wire protocol of Otumat 0.3, for hosts that know no other: every use with its time, delivered at least once.

Source: docs/protocol/usage.md, "The 0.3 dialect".
"""

from __future__ import annotations

import json
import sys
from time import gmtime, strftime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from otumat.usage import clock
from otumat.usage.tokens import Credential, json_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from otumat.transport import Response
    from otumat.usage.held import Record

INSTALL_ROUTE, EVENT_ROUTE, REFRESH_ROUTE = "/user/usage-install", "/api/usage-event", "/auth/token"


def event_date(at_us: int) -> str:
    """
    A moment as 0.3 writes it: UTC, without a mark.

    >>> event_date(1_500_000)
    '1970-01-01 00:00:01.500000'
    """
    return strftime("%Y-%m-%d %H:%M:%S", gmtime(at_us // 1_000_000)) + f".{at_us % 1_000_000:06d}"


def events_body(install: str, records: Iterable[Record]) -> bytes:
    """The body of a request to the event route: a row for each use, at a time of its own. Properties have no place."""
    rows = [[event_date(record.at_us + more), record.name] for record in records for more in range(record.times)]
    headers = ["install_id", "event_date", "event_type"]
    return json.dumps({"installId": install, "headers": headers, "rows": rows}).encode()


def uses_in(body: bytes) -> int:
    """How many uses a body has: a host of 0.3 that takes it says nothing more."""
    return len(json.loads(body)["rows"])


def endpoints(host: str, config: Mapping[str, Any]) -> dict[str, str]:
    """Addresses from an agent's routes."""
    return {
        "consent": host + (config.get("install_route") or INSTALL_ROUTE),
        "event": host + (config.get("event_route") or EVENT_ROUTE),
        "token": host + (config.get("refresh_route") or REFRESH_ROUTE),
        "install": host,
    }


def consent_query(base: str, *, package: str, release: str, python: str) -> str:
    """
    The query that opens the consent page, with the addresses of our listener.

    What a machine is called, where it stands and in which zone is nobody's business: those three stay empty.
    """
    return urlencode(
        {
            "operatingSystem": sys.platform,
            "macAddress": "",
            "platform": "Python",
            "platformVersion": python,
            "packageManager": "pip",
            "packageManagerVersion": "",
            "packageName": package,
            "packageVersion": release,
            "location": "",
            "timezone": "",
            "timestamp": int(clock.now_s()),
            "health": f"{base}/health",
            "redirect": f"{base}/install-completed",
            "cancel": f"{base}/install-cancelled",
        }
    )


def from_redirect(values: Mapping[str, str], *, host: str, addresses: dict[str, str]) -> Credential | None:
    """The credential that the consent page sent to our listener; None when something is missing or malformed (K19)."""
    names = ("installId", "accessToken", "refreshToken")
    if not all(0 < len(values.get(name, "")) <= 4096 for name in names) or not values.get("expiresIn", "").isdecimal():
        return None
    return Credential(
        install=values["installId"],
        host=host,
        access_token=values["accessToken"],
        refresh_token=values["refreshToken"],
        got_s=clock.now_s(),
        expires_in=float(values["expiresIn"]),
        endpoints=addresses,
        dialect="0.3",
        account=True,
        client_id=values.get("clientId", "None")[:4096],  # a host that has none is told so, in the words of 0.3
        client_secret=values.get("clientSecret", "None")[:4096],
    )


def is_expired(answer: Response) -> bool:
    """Whether an answer says, in the words of 0.3, that the token has expired."""
    return answer.status == 401 and "TokenExpiredError" in str(json_of(answer).get("error_desc", ""))
