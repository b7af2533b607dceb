"""
Starting a round of sending as a process of its own, once it is due: no thread, no socket, nothing to wait for at exit.

On the hot path of a host that is consented to: `os` and `sys` only. The process is started through a shell that ends
at once, so that it is nobody's child: no zombie, and no surprise for a host that waits for its own children.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

_LEASE_S = 300
_AHEAD_MAX_S = 8 * 24 * 60 * 60
WHEN_DUE = "when-due"
_CODE = "import sys; sys.path.append(sys.argv.pop(1)); from otumat.usage.sender import main; main()"
# Not at once: a program that is about to end, or has just begun, would share its processor with ours.
_LATER = ("/bin/sh", "-c", '{ sleep 1; exec "$@"; } </dev/null >/dev/null 2>&1 &', "sh")
_AT_ONCE = ("/bin/sh", "-c", '"$@" </dev/null >/dev/null 2>&1 &', "sh")


def send_if_due(folder: str, package: str, now_s: int, frequency: str = "24h") -> bool:
    """Start a round if one is due; whether it was started."""
    due_s = _due(folder)
    if now_s < due_s and not is_too_far(due_s - now_s, frequency):
        return False
    line = command(folder, package, frequency)
    if not line or not _lease(folder, now_s + _LEASE_S):
        return False
    return start(line, begin=_LATER)


def is_too_far(ahead_s: float, frequency: str) -> bool:
    """Whether a round is due so late that a clock that was wrong must have said so."""
    if ahead_s <= _AHEAD_MAX_S:
        return False
    from otumat.usage.frequency import seconds_or_a_day

    return ahead_s > max(_AHEAD_MAX_S, 2 * seconds_or_a_day(frequency))


def command(folder: str, package: str, frequency: str) -> list[str]:
    """The command of one round; empty where there is no interpreter to run it, as in a frozen program."""
    python = sys.executable or ""
    is_python = os.path.basename(python).lower().startswith(("python", "pypy"))
    if not is_python or getattr(sys, "frozen", False):
        return []
    root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    # -P: the working directory of the host is no place to import from.
    return [python, "-P", "-c", _CODE, root, folder, package, frequency]


def _due(folder: str) -> int:
    try:
        fd = os.open(os.path.join(folder, "due"), os.O_RDONLY)
    except OSError:
        return 0
    try:
        return int(os.read(fd, 32))
    except (OSError, ValueError):
        return 0
    finally:
        os.close(fd)


def _lease(folder: str, until_s: int) -> bool:
    """Keep other processes from starting one, too. Where nothing can be written, nothing was recorded to be sent."""
    passing = os.path.join(folder, f"due.{os.getpid()}.tmp")
    try:
        fd = os.open(passing, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            os.write(fd, b"%d\n" % until_s)
        finally:
            os.close(fd)
        os.replace(passing, os.path.join(folder, "due"))
    except OSError:
        return False
    return True


def start(line: Sequence[str], *, begin: Sequence[str] = _AT_ONCE) -> bool:
    """Start a command that nobody waits for; whether it was started."""
    if not hasattr(os, "posix_spawn"):
        return _start_on_windows(line)
    try:
        shell = os.posix_spawn(begin[0], [*begin, *line], os.environ, setsid=True)
    except (OSError, NotImplementedError):
        return False
    try:
        os.waitpid(shell, 0)
    except ChildProcessError:
        pass  # a host that ignores SIGCHLD
    return True


def _start_on_windows(line: Sequence[str]) -> bool:
    import subprocess

    flags = 0x00000008 | 0x00000200 | 0x08000000  # DETACHED_PROCESS, CREATE_NEW_PROCESS_GROUP, CREATE_NO_WINDOW
    try:
        subprocess.Popen(  # noqa: S603 - our own command, as a list
            line,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            close_fds=True,
            creationflags=flags,
        )
    except OSError:
        return False
    return True
