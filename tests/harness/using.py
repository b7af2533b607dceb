"""What tests of the client's usage do over and over: use something, count it, send it, and look at what there is."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Any

from otumat.usage import UsageAgent, due, maps, tallies
from otumat.usage.hosts import usage_transport
from otumat.usage.sender import Round, send_round

if TYPE_CHECKING:
    from collections.abc import Callable

    from otumat.transport import Request, Response

PACKAGE = "hostpkg"
ADD = """
import os, sys
from otumat.usage import UsageAgent
counter = UsageAgent(package_name="hostpkg").counter("fetch")
for _ in range(int(sys.argv[1])):
    counter.add()
"""
"""A program that counts as many uses as it is told to."""


def agent() -> UsageAgent:
    """An agent that starts no process of its own: the test sends."""
    made = UsageAgent(package_name=PACKAGE, enrolment="manual")
    due.set_due(made.folder, time.time() + 3600)
    return made


def use(*names: str) -> None:
    """Log events."""
    made = agent()
    for name in names:
        made.log(event_type=name)


def send(folder: str, **more: Any) -> Round:
    """One round of sending, of seconds at most."""
    return send_round(folder, PACKAGE, over=usage_transport(silence_s=1, total_s=5), **more)


def map_files(folder: str) -> list[str]:
    """The names of all maps that are counted in."""
    place = maps.maps_folder(folder)
    return sorted(os.listdir(place)) if os.path.exists(place) else []


def mapped(folder: str) -> int:
    """What stands in the maps, and nowhere else."""
    return sum(each.record.times for each in tallies.tallies(folder))


class Meanwhile:
    """The network; when a host has answered at a path, something else happens before that is read."""

    def __init__(self, path: str, then: Callable[[], object]) -> None:
        self._over = usage_transport(silence_s=1, total_s=5)
        self._path, self._then = path, then

    def send(self, request: Request) -> Response:
        answer = self._over.send(request)
        if request.url.endswith(self._path):
            self._then()
        return answer
