"""A systemd user service and timer: reached by every shell, and by none (P9)."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_SERVICE = """\
[Unit]
Description=Send consented usage counts ({name})

[Service]
Type=oneshot
ExecStart={command}
Nice=10
NoNewPrivileges=yes
"""

_TIMER = """\
[Unit]
Description=Send consented usage counts now and then ({name})

[Timer]
OnStartupSec=5min
OnUnitActiveSec={every_s}s
RandomizedDelaySec={spread_s}s

[Install]
WantedBy=timers.target
"""


def files(name: str, command: Sequence[str], every_s: float) -> dict[str, bytes]:
    service, timer = (os.path.join(_folder(), f"{name}.{kind}") for kind in ("service", "timer"))
    unit = _SERVICE.format(name=name, command=" ".join(map(quoted, command)))
    text = _TIMER.format(name=name, every_s=round(every_s), spread_s=round(every_s / 10))
    return {service: unit.encode(), timer: text.encode()}


def links(name: str) -> dict[str, str]:
    """What `systemctl enable` would link: this works without a session bus, too."""
    return {os.path.join(_folder(), "timers.target.wants", f"{name}.timer"): os.path.join("..", f"{name}.timer")}


def starting(name: str) -> list[list[str]]:
    return [["systemctl", "--user", "daemon-reload"], ["systemctl", "--user", "restart", f"{name}.timer"]]


def stopping(name: str) -> list[list[str]]:
    return [["systemctl", "--user", "stop", f"{name}.timer"]]


def forgetting() -> list[list[str]]:
    return [["systemctl", "--user", "daemon-reload"]]


def _folder() -> str:
    base = os.environ.get("XDG_CONFIG_HOME", "")
    if not os.path.isabs(base):
        base = os.path.join(os.environ.get("HOME", ""), ".config")
    return os.path.join(base, "systemd", "user")


def quoted(word: str) -> str:
    """
    A word of a command line in a unit file: quotes, backslashes, specifiers (%) and variables ($) are taken as they
    are.

    >>> print(quoted('a b"c%d$e'))
    "a b\\"c%%d$$e"

    Source: systemd.service(5), "Command lines"; systemd.unit(5), "Specifiers".
    """
    escaped = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$").replace("\n", "\\n")
    return f'"{escaped}"'
