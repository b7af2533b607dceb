"""
Enrolment: how an install gets its credential, once its user has said yes.

    anonymous.py    without a person; made by the first round of sending
    browser.py      the consent page in the user's browser, answered to loopback.py with PKCE and state
    device.py       a short code to type into any browser, for machines without one

`enrol` picks the way.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from otumat.errors import Conflict
from otumat.usage import answers, changing, tombstones
from otumat.usage.enrol.anonymous import enrol_anonymously
from otumat.usage.enrol.asked import Asked
from otumat.usage.enrol.browser import enrol_in_browser
from otumat.usage.enrol.device import enrol_by_code
from otumat.usage.hosts import discover

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from otumat.transport import Transport
    from otumat.usage.hosts import Host
    from otumat.usage.tokens import Credential

BROWSER, DEVICE, ANONYMOUS = "browser", "device", "anonymous"


def enrol(
    folder: str,
    *,
    way: str = "",
    release: str = "",
    config: Mapping[str, object],
    tell: Callable[[str], None],
    timeout_s: float,
    over: Transport,
) -> Credential:
    """
    Get a credential for what the stored answer says yes to, and store it.

    Args:
        way: `browser`, `device` or `anonymous`; "" picks: anonymous where host and package allow it, else a browser
            where there is a display, else a code.
        tell: Shows the user a line; the link is always told.

    Errors:
        Refused: the user, or the host, said no there.
        Unreachable: no answer. Conflict: nobody answered in time, or it cannot be done that way.
    """
    answer, before = answers.read(folder), tombstones.current_install(folder)
    host = discover(answer.host, over=over)
    asked = Asked(answer.project, release, answer.manifest, int(answer.wording or 1))
    chosen = way or _way(answer.account, host)
    if chosen == ANONYMOUS:
        return enrol_anonymously(folder, over=over, host=host, release=release)
    if chosen == DEVICE:
        if "device" not in host.endpoints:
            raise Conflict(f"{host.url} gives no device codes.", code="enrol.device", hint="Use --browser.")
        credential = enrol_by_code(host, asked, tell=tell, timeout_s=timeout_s, over=over)
    else:
        credential = enrol_in_browser(host, asked, config=config, tell=tell, timeout_s=timeout_s, over=over)
    return changing.enrolled(folder, answer, credential, instead_of=before, over=over)


def _way(account: str, host: Host) -> str:
    if host.dialect == "1.0" and host.anonymous and account in ("none", "optional"):
        return ANONYMOUS
    return BROWSER if has_display() or "device" not in host.endpoints else DEVICE


def has_display() -> bool:
    """Whether a browser would open before the eyes of whoever sits here."""
    environ = os.environ
    if environ.get("SSH_CONNECTION") or environ.get("SSH_TTY"):
        return False
    if sys.platform in ("win32", "darwin"):
        return True
    return bool(environ.get("DISPLAY") or environ.get("WAYLAND_DISPLAY") or environ.get("BROWSER"))
