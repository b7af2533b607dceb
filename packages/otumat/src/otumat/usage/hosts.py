"""What a host offers: its endpoints, told by itself (RFC 8414), and which dialect it speaks."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import otumat
from otumat.errors import Unreachable
from otumat.spec.manifest import is_host
from otumat.transport import Request, UrllibTransport
from otumat.usage.tokens import json_of

if TYPE_CHECKING:
    from otumat.transport import Transport

_NEEDED = {"consent", "install", "event", "token"}
WELL_KNOWN = "/.well-known/oauth-authorization-server"
SILENCE_S, TOTAL_S, ANSWER_MAX_BYTES = 10, 60, 1024 * 1024


@dataclass(frozen=True)
class Host:
    """
    Where uses go.

    Attributes:
        endpoints: `consent`, `install`, `event`, `token`, and perhaps `device` and `revoke`; none for the 0.3 dialect.
        anonymous: Whether an install may be made without a person.
    """

    url: str
    dialect: str
    endpoints: dict[str, str] = field(default_factory=dict)
    anonymous: bool = False


def usage_transport(*, silence_s: float = SILENCE_S, total_s: float = TOTAL_S) -> Transport:
    """Patient enough for a slow line, not for a silent one; small answers only."""
    return UrllibTransport(
        user_agent=f"otumat/{otumat.__version__}", silence_s=silence_s, total_s=total_s, max_body_bytes=ANSWER_MAX_BYTES
    )


def discover(url: str, *, over: Transport) -> Host:
    """
    Ask a host what it offers.

    Errors:
        Unreachable: no answer, a passing fault, or an answer that names endpoints elsewhere.
    """
    if not is_host(url):
        raise Unreachable(f"{url} is no address for uses.", code="host.address", hint="https, or http on this machine.")
    parts = urlsplit(url)
    answer = over.send(Request("GET", f"{parts.scheme}://{parts.netloc}{WELL_KNOWN}{parts.path}"))
    value = json_of(answer)
    usage = value.get("otumat_usage")
    if answer.status == 404 or (answer.status == 200 and not isinstance(usage, dict)):
        return Host(url, "0.3")
    if answer.status != 200 or not isinstance(usage, dict):
        raise Unreachable(f"{url} answered {answer.status} when asked what it offers.", code="host.status")
    return Host(url, "1.0", _endpoints(url, value, usage), usage.get("anonymous") is True)


def _endpoints(url: str, value: dict[str, Any], usage: dict[str, Any]) -> dict[str, str]:
    if value.get("issuer") != url:
        raise Unreachable(
            f"{url} says that it is {str(value.get('issuer'))[:200]}.",
            code="host.issuer",
            hint="Use the address by which the host knows itself.",
        )
    named = {
        "consent": usage.get("consent_endpoint"),
        "install": usage.get("install_endpoint"),
        "event": usage.get("event_endpoint"),
        "token": value.get("token_endpoint"),
        "device": value.get("device_authorization_endpoint"),
        "revoke": value.get("revocation_endpoint"),
    }
    endpoints = {name: each for name, each in named.items() if isinstance(each, str)}
    if not endpoints.keys() >= _NEEDED or not all(is_same_place(each, url) for each in endpoints.values()):
        raise Unreachable(f"{url} names endpoints that are missing or elsewhere.", code="host.endpoints")
    return endpoints


def is_same_place(address: str, url: str) -> bool:
    """Whether an address has the scheme, name and port of a host."""
    try:
        ours, theirs = urlsplit(url), urlsplit(address)
    except ValueError:
        return False
    return (ours.scheme, ours.netloc) == (theirs.scheme, theirs.netloc)
