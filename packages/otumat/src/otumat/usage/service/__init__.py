"""
The optional start at log-in: a look now and then whether a round of sending is due, without any host program running.
Off until somebody asks.

    systemd.py    a user service and its timer
    launchd.py    a launch agent
    windows.py    a task of the Task Scheduler

Each makes files whose text can be read first (`planned`), writes them (`install_service`), and takes them away again
(`remove_service`). Commands are lists of words, never a line for a shell; names with blanks, quotes and `&` are data.
"""

from __future__ import annotations

import os
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
_LOOK_EVERY_S = 60 * 60  # when a round is due is for `due.py` to say, as it is for host programs


class Kind(Protocol):
    """One way of a system to start things at log-in."""

    def files(self, name: str, command: Sequence[str], every_s: float) -> dict[str, bytes]: ...
    def links(self, name: str) -> dict[str, str]: ...
    def starting(self, name: str) -> list[list[str]]: ...
    def stopping(self, name: str) -> list[list[str]]: ...
    def forgetting(self) -> list[list[str]]: ...


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
    every_s = min(seconds_or_a_day(frequency), _LOOK_EVERY_S)
    return kind().files(_name(package), [*command, spawning.WHEN_DUE], every_s)


def install_service(package: str, *, frequency: str = "24h") -> list[str]:
    """Write and start the service; the paths written. Doing it twice changes nothing."""
    files, links = planned(package, frequency=frequency), kind().links(_name(package))
    for path, content in files.items():
        write_whole(path, content)
    for path, target in links.items():
        _link(path, target)
    _run(kind().starting(_name(package)))
    return [*files, *links]


def remove_service(package: str) -> list[str]:
    """Stop the service and delete its files; the paths that were there."""
    there = installed(package)
    if there:
        _run(kind().stopping(_name(package)))
        for path in there:
            remove(path)
        _run(kind().forgetting())
    return there


def installed(package: str) -> list[str]:
    """The service's files that exist."""
    paths = [*kind().files(_name(package), [""], 0), *kind().links(_name(package))]
    return [path for path in paths if os.path.isabs(path) and places.exists(path)]  # relative: there is no home


def _name(package: str) -> str:
    return f"otumat-usage-{places.key(package)}"


def _link(path: str, target: str) -> None:
    os.makedirs(os.path.dirname(path), 0o700, exist_ok=True)
    remove(path)
    os.symlink(target, path)


def _run(commands: list[list[str]]) -> None:
    """Best effort: without a session manager the files take effect at the next log-in."""
    for command in commands:
        with suppress(OSError, subprocess.SubprocessError):
            subprocess.run(command, capture_output=True, timeout=_COMMAND_S, check=False)  # noqa: S603 - our own lists
