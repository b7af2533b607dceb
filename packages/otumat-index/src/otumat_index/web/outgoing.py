"""
Requests to addresses that strangers chose (A59, A85).

The name is looked up once, every address it has is checked, and the connection goes to a checked address: there is no
second look-up to answer differently. Redirects are not followed, proxies of the environment are not used, and time and
answer are bounded as a whole.
"""

from __future__ import annotations

import http.client
import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from otumat.errors import Refused, Unreachable

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
NAT64: Final = ipaddress.ip_network("64:ff9b::/96")
NEVER: Final = tuple(map(ipaddress.ip_network, ("192.0.0.0/24", "192.88.99.0/24")))
"""Special places (RFC 6890) that older Pythons take for public ones; a cloud keeps its metadata in the first."""
ANSWER_MAX_BYTES: Final = 64_000
TIMEOUT_S: Final = 10.0


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer: its status, the beginning of its body, and how long it took."""

    status: int
    body: bytes
    took_ms: int


def networks(text: str) -> tuple[Network, ...]:
    """Networks from a setting, with commas between."""
    return tuple(ipaddress.ip_network(each.strip(), strict=False) for each in text.split(",") if each.strip())


def behind(address: Address) -> Address:
    """The IPv4 address that an IPv6 address stands for (mapped, NAT64, 6to4), or the address itself."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address in NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or address


def is_public(address: Address) -> bool:
    """Whether an address is somewhere on the internet: no loopback, private, link-local, multicast, reserved…"""
    place = behind(address)
    inside = place.is_multicast or place.is_reserved or place.is_unspecified or getattr(place, "is_site_local", False)
    return place.is_global and not inside and not any(place in network for network in NEVER)


def may_call(address: Address, allowed: Iterable[Network]) -> bool:
    """Whether a request may go there: a public address, or one of a network the operator named."""
    return any(address in network for network in allowed) or is_public(address)


def look_up(host: str, port: int, allowed: tuple[Network, ...]) -> tuple[list[str], bool]:
    """
    The addresses of a host, and whether all of them are in the operator's networks.

    Raises:
        Unreachable: The name has no address.
        Refused: One of its addresses is none a stranger may make us call.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as exc:
        raise Unreachable(f"{host} has no address.", hint="Check the name.", code="no_address") from exc
    texts = list(dict.fromkeys(str(each[4][0]) for each in found))
    addresses = [ipaddress.ip_address(text.partition("%")[0]) for text in texts]
    if not addresses or any("%" in text for text in texts) or not all(may_call(each, allowed) for each in addresses):
        # Which address it was stays untold: the answer must not map our network.
        raise Refused(
            f"{host} is not on the public internet.",
            hint="An operator can allow its network with WEBHOOK_NETWORKS.",
            code="address_refused",
        )
    return texts, all(any(each in network for network in allowed) for each in addresses)


def post(
    url: str,
    body: bytes,
    headers: Mapping[str, str],
    *,
    allowed: tuple[Network, ...] = (),
    timeout_s: float = TIMEOUT_S,
    trust: ssl.SSLContext | None = None,
) -> Reply:
    """
    POST to an address a stranger chose.

    Args:
        url: http or https; http only where every address of the host is in `allowed`.
        timeout_s: For all of it after the look-up: connecting, sending, and the answer.

    Raises:
        Refused: The address is none we may call.
        Unreachable: There was no answer, or none we can read.
    """
    parts = urlsplit(url)
    host, is_tls = parts.hostname or "", parts.scheme == "https"
    port = parts.port or (443 if is_tls else 80)
    addresses, are_ours = look_up(host, port, allowed)
    if not is_tls and not are_ours:
        raise Refused("Only https is called outside the operator's networks.", hint="Use https.", code="https_required")
    begun = time.monotonic()
    path = f"{parts.path or '/'}{'?' + parts.query if parts.query else ''}"
    try:
        with Conversation(
            host, port, addresses, timeout_s, (trust or ssl.create_default_context()) if is_tls else None
        ) as talk:
            talk.request("POST", path, body, {**headers, "Connection": "close"})
            answer = talk.getresponse()
            said = answer.read(ANSWER_MAX_BYTES)
    except (OSError, http.client.HTTPException, ValueError) as exc:
        raise Unreachable(f"{host} did not answer: {exc or type(exc).__name__}.", code="no_answer") from exc
    return Reply(answer.status, said, int(1000 * (time.monotonic() - begun)))


class Conversation(http.client.HTTPConnection):
    """One request over a connection to a checked address, cut off as a whole when its time is up."""

    def __init__(
        self, host: str, port: int, addresses: list[str], timeout_s: float, context: ssl.SSLContext | None
    ) -> None:
        super().__init__(f"[{host}]" if ":" in host else host, port)
        self.default_port = 443 if context else 80  # for the Host header
        self.addresses, self.context = addresses, context
        self.deadline = time.monotonic() + timeout_s
        self.end = threading.Timer(timeout_s, self.cut)
        self.end.daemon = True
        self.is_cut = False
        self.line: socket.socket | None = None  # `sock` is gone while an answer is still being read

    def __enter__(self) -> Conversation:
        self.end.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.end.cancel()
        self.close()
        if self.line is not None:
            self.line.close()
        if self.is_cut:
            raise TimeoutError("it took too long")

    def connect(self) -> None:
        for number, address in enumerate(self.addresses, start=1):
            try:
                plain = socket.create_connection((address, self.port), self.left())
                break
            except OSError:
                if number == len(self.addresses):
                    raise
        self.line = self.sock = plain
        if self.context is not None:
            name = self.host.strip("[]")
            tls = self.context.wrap_socket(plain, server_hostname=name, do_handshake_on_connect=False)
            self.line = self.sock = tls
            tls.do_handshake()

    def left(self) -> float:
        return max(0.01, self.deadline - time.monotonic())

    def cut(self) -> None:
        """Every read of an answer that drips in ends in time; only the whole does not, but for this."""
        self.is_cut = True
        if self.line is not None:
            try:
                self.line.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
