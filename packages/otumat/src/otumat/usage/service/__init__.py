"""
The optional start at log-in: a round of sending now and then, without any host program running. Off until somebody
asks.

    systemd.py    a user service and its timer
    launchd.py    a launch agent
    windows.py    a task of the Task Scheduler

Each makes files whose text can be read first (`planned`), writes them (`install_service`), and takes them away again
(`remove_service`). Commands are lists of words, never a line for a shell; names with blanks, quotes and `&` are data.
"""

from __future__ import annotations

import subprocess
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Protocol

from otumat.errors import Conflict
from otumat.usage import places, spawning
from otumat.usage.files import write_whole
from otumat.usage.frequency import seconds_or_a_day
from otumat.usage.held import remove
from otumat.usage.service import launchd, systemd, windows

if TYPE_CHECKING:
    from collections.abc import Sequence

_COMMAND_S = 20


class Kind(Protocol):
    """One way of a system to start things at log-in."""

    def files(self, name: str, command: Sequence[str], every_s: float) -> dict[str, bytes]: ...
    def paths(self, name: str) -> list[str]: ...
    def starting(self, name: str) -> list[list[str]]: ...
    def stopping(self, name: str) -> list[list[str]]: ...


def kind() -> Kind:
    """The one of this system."""
    if sys.platform == "win32":
        return windows
    return launchd if sys.platform == "darwin" else systemd


def planned(package: str, *, frequency: str = "24h") -> dict[str, bytes]:
    """
    The files that would be written: path to content.

    Errors:
        Conflict: there is no interpreter to start, or no home to write to.
    """
    folder = places.folder(package)
    command = spawning.command(folder, package, frequency)
    if not command or not folder:
        raise Conflict("A service needs a Python of its own and a home folder.", code="service.none")
    return kind().files(_name(package), command, seconds_or_a_day(frequency))


def install_service(package: str, *, frequency: str = "24h") -> list[str]:
    """Write and start the service; the paths written. Doing it twice changes nothing."""
    files = planned(package, frequency=frequency)
    for path, content in files.items():
        write_whole(path, content)
    _run(kind().starting(_name(package)))
    return list(files)


def remove_service(package: str) -> list[str]:
    """Stop the service and delete its files; the paths that were there."""
    there = installed(package)
    if there:
        _run(kind().stopping(_name(package)))
        for path in there:
            remove(path)
    return there


def installed(package: str) -> list[str]:
    """The service's files that exist."""
    return [path for path in kind().paths(_name(package)) if places.exists(path)]


def _name(package: str) -> str:
    return f"otumat-usage-{places.key(package)}"


def _run(commands: list[list[str]]) -> None:
    """Best effort: without a session manager the files take effect at the next log-in."""
    for command in commands:
        with suppress(OSError, subprocess.SubprocessError):
            subprocess.run(command, capture_output=True, timeout=_COMMAND_S, check=False)  # noqa: S603 - our own lists
