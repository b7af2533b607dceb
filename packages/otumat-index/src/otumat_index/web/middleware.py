"""Believing proxies only when told to, and turning our errors into answers."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from functools import lru_cache

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase

from otumat.errors import OtumatError
from otumat_index.web import errors

Next = Callable[[HttpRequest], HttpResponseBase]


@lru_cache(maxsize=1)
def trusted_networks() -> tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]:
    """The proxies whose X-Forwarded-* headers are believed."""
    texts = (text.strip() for text in settings.CONFIG.trusted_proxies.split(","))
    return tuple(ipaddress.ip_network(text, strict=False) for text in texts if text)


UNKNOWN_PROXY = "otumat.unknown_proxy"
"""In `request.META`: somebody forwarded this request whom nobody told us to believe."""


def is_trusted(address: str) -> bool:
    """Whether an address is one of ours."""
    return is_address(address) and any(ipaddress.ip_address(address) in network for network in trusted_networks())


def is_address(text: str) -> bool:
    """Whether text is an IP address, and nothing but one (no port, no zone)."""
    try:
        return "%" not in str(ipaddress.ip_address(text))
    except ValueError:
        return False


class TrustedProxies:
    """Take client address and scheme from the proxy's headers if, and only if, the peer is a trusted proxy."""

    def __init__(self, get_response: Next) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        meta = request.META
        forwarded, scheme = meta.pop("HTTP_X_FORWARDED_FOR", ""), meta.pop("HTTP_X_FORWARDED_PROTO", "")
        if trusted_networks() and is_trusted(meta.get("REMOTE_ADDR", "")):
            # The right-most address that is not itself a trusted proxy: what stands further left, the client wrote.
            hops = [hop.strip() for hop in forwarded.split(",") if hop.strip()]
            outside = next((hop for hop in reversed(hops) if not is_trusted(hop)), "")
            if is_address(outside):
                meta["REMOTE_ADDR"] = outside
            if scheme in ("http", "https"):
                meta["wsgi.url_scheme"] = scheme
        elif forwarded:
            meta[UNKNOWN_PROXY] = True
        return self.get_response(request)


def client_address(request: HttpRequest) -> str:
    """The address a request came from, as far as we believe it."""
    return str(request.META.get("REMOTE_ADDR") or "0.0.0.0")  # noqa: S104 - a placeholder, nothing listens there


def client_network(request: HttpRequest) -> str:
    """
    Who a limit counts: the address a request came from, and of IPv6 the first 64 bits.

    What follows those, a customer chooses as he likes: by the address, he would have 2**64 tries for one.
    """
    text = client_address(request)
    if not is_address(text):
        return text
    address = ipaddress.ip_address(text)
    if isinstance(address, ipaddress.IPv4Address) or address.ipv4_mapped:
        return text
    return str(ipaddress.IPv6Network((address, 64), strict=False).network_address)


class Errors:
    """Our errors become answers by the one table in `errors.py`, in the form the client accepts."""

    def __init__(self, get_response: Next) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponseBase | None:
        return errors.answer(request, exception) if isinstance(exception, OtumatError) else None
