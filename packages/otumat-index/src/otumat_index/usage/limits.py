"""How often strangers may make something here, counted by each worker for itself."""

from __future__ import annotations

import math
import time

from django.http import HttpRequest

from otumat_index.web.errors import TooMany
from otumat_index.web.middleware import client_network
from otumat_index.web.pace import Pace

INSTALLS = Pace(at_once=500, per_s=500 / 3600)
"""Installs from one address, whichever way they are asked for: a classroom at once, not a flood."""
GUESSES = Pace(at_once=20, per_s=20 / 3600)
"""Codes typed from one address: enough for slips, too few to find one of 20**8."""


def check_install(request: HttpRequest) -> None:
    """
    Count an install, or a yes that will be one.

    Raises:
        TooMany: From one address.
    """
    check(INSTALLS, request, "Too many installs from here.")


def check_guess(request: HttpRequest) -> None:
    """
    Count a code that somebody typed.

    Raises:
        TooMany: From one address.
    """
    check(GUESSES, request, "Too many codes from here.")


def check(pace: Pace, request: HttpRequest, message: str) -> None:
    wait_s = pace.wait_s(client_network(request), at_s=time.monotonic())
    if wait_s:
        raise TooMany(message, hint="Wait a while.", retry_after_s=math.ceil(wait_s))
