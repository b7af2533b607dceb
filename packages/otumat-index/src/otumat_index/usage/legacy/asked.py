"""
What the link of a 0.3 copy says, and where its browser may be sent on to.

The link also carries the number of the network card, the place and the time zone: `KEPT` names what is read of it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from typing import Any

from otumat.errors import Invalid, Problem
from otumat_index.usage.actions.installs import Asked
from otumat_index.usage.asked import read_asked

KEPT = ("packageName", "packageVersion", "platformVersion", "operatingSystem", "redirect", "cancel")
DONE, CANCELLED = "/install-completed", "/install-cancelled"
_LISTENER = re.compile(
    r"(http://([0-9]{1,3}(?:\.[0-9]{1,3}){3}|\[::1\]):([0-9]{1,5}))(/install-(?:completed|cancelled))"
)
NEAR = tuple(map(ip_network, ("127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "::1/128")))
"""Addresses of that machine, or of its own network (RFC 1918): what 0.3 listens on, and nothing that is anybody's."""
_PYTHON = re.compile(r"([0-9]{1,2}\.[0-9]{1,3})(?:\.|$)")
_SYSTEM = re.compile(r"[a-z][a-z0-9_-]{0,19}")


@dataclass(frozen=True, slots=True)
class OldLink:
    """
    A copy's link.

    Attributes:
        origin: Scheme, address and port of its listener.
        python, system: `3.11` and `linux`; "" when they are not like that.
    """

    asked: Asked
    origin: str
    python: str
    system: str

    @property
    def address(self) -> str:
        """Where the copy runs, for people to read."""
        return self.origin.removeprefix("http://").rpartition(":")[0]


def read_link(told: Mapping[str, Any]) -> OldLink:
    """
    What a link, or the form made of it, says.

    Raises:
        Invalid: Told on a page of ours: nobody is sent on to an address that may be anybody's.
    """
    origins = {name: listener(told.get(name, ""), path) for name, path in (("redirect", DONE), ("cancel", CANCELLED))}
    wrong = [Problem(f"link.{name}", name, f"{name} is malformed.") for name, origin in origins.items() if not origin]
    if not wrong and origins["redirect"] != origins["cancel"]:
        wrong = [Problem("link.cancel", "cancel", "cancel is elsewhere than redirect.")]
    if wrong:
        raise Invalid(wrong, message="This link is not one that a program of ours makes.")
    said = {"project": told.get("packageName", ""), "release": told.get("packageVersion", "")}
    python = _PYTHON.match(told.get("platformVersion", ""))
    system = told.get("operatingSystem", "")
    return OldLink(
        asked=read_asked({**said, "manifest": told.get("manifest", "")}, key=""),
        origin=origins["redirect"],
        python=python[1] if python else "",
        system=system if _SYSTEM.fullmatch(system) else "",
    )


def listener(address: str, path: str) -> str:
    """
    The origin of a copy's listener; "" for any other address.

    >>> listener("http://192.168.1.5:49152/install-completed", DONE)
    'http://192.168.1.5:49152'
    >>> listener("http://93.184.215.14:49152/install-completed", DONE)
    ''
    """
    found = _LISTENER.fullmatch(address)
    if found is None or found[4] != path or not 0 < int(found[3]) < 65536:
        return ""
    try:
        literal = ip_address(found[2].strip("[]"))
    except ValueError:
        return ""
    return found[1] if any(literal in network for network in NEAR) else ""
