"""
Where the index listens. Every worker has a socket of its own on the same port (SO_REUSEPORT), and the kernel deals
connections out.

With one shared socket whoever wakes first takes all that wait: of 64 connections one of two workers got up to 46. And
a worker that is starting, or dead, has no socket: no connection waits for it.
"""

from __future__ import annotations

import socket
from typing import Final, NamedTuple

BACKLOG: Final = 2048


class Place(NamedTuple):
    """An address family, an address and a port."""

    family: int
    address: str
    port: int


def reserve(host: str, port: int) -> list[socket.socket]:
    """
    Take all addresses of a host on one port, without listening. While they are held, workers of the same user may
    `listen`.

    Args:
        host: `localhost` is 127.0.0.1 and, where there is one, ::1; an empty host is every address.
        port: 0 picks a free one.

    Raises:
        OSError: Somebody else is there, or the host has no such address.
    """
    reserved: list[socket.socket] = []
    try:
        for family, address in _addresses(host):
            _bind(
                Place(family, address, port), shared=False
            ).close()  # fails when somebody listens; a shared one would not
            reserved.append(_bind(Place(family, address, port), shared=True))
            port = reserved[0].getsockname()[1]
    except OSError:
        for one in reserved:
            one.close()
        raise
    return reserved


def listen(place: Place) -> socket.socket:
    """Open one worker's socket."""
    listener = _bind(place, shared=True)
    listener.listen(BACKLOG)
    return listener


def place_of(bound: socket.socket) -> Place:
    """Return where a socket is bound."""
    address, port = bound.getsockname()[:2]
    return Place(int(bound.family), address, port)


def url_of(place: Place) -> str:
    """Return the address as a browser takes it."""
    return f"http://[{place.address}]:{place.port}" if ":" in place.address else f"http://{place.address}:{place.port}"


def _addresses(host: str) -> list[tuple[int, str]]:
    if host == "localhost":
        here = [(int(socket.AF_INET), "127.0.0.1"), (int(socket.AF_INET6), "::1")]
        return [place for place in here if place[0] == socket.AF_INET or _has(place[1])]
    found = socket.getaddrinfo(host or None, None, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    return list(dict.fromkeys((int(family), str(address[0])) for family, _, _, _, address in found))


def _has(address: str) -> bool:
    """Whether this machine speaks IPv6 and has the address."""
    try:
        _bind(Place(socket.AF_INET6, address, 0), shared=False).close()
    except OSError:
        return False
    return True


def _bind(place: Place, *, shared: bool) -> socket.socket:
    bound = socket.socket(place.family, socket.SOCK_STREAM)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if shared:
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        if place.family == socket.AF_INET6:
            bound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        bound.bind((place.address, place.port))
    except OSError:
        bound.close()
        raise
    return bound
