"""A package's state in words, and where it is kept."""

from __future__ import annotations

import errno
from functools import wraps
from typing import TYPE_CHECKING, Any

from otumat.cli.console import BOLD, printable
from otumat.errors import Conflict, NotFound
from otumat.spec.consent import LOCAL, OFF, ON, UNSET
from otumat.usage import changing, places, state
from otumat.usage.files import Busy

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

    from otumat.cli.console import Console
    from otumat.settings import Settings

    Command = Callable[[argparse.Namespace, Settings, Console], int]

_WAYS_BACK = {ON: "off", LOCAL: "off", OFF: "on"}
_NO_PLACE = (
    *(errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOSPC, errno.EDQUOT, errno.ENOTDIR, errno.EFBIG),
    errno.ENOENT,  # where nothing can be made, as below /proc
)


def in_state_folder(command: Command) -> Command:
    """A command that says so if the user's state folder is busy or cannot be written."""

    @wraps(command)
    def run(options: argparse.Namespace, settings: Settings, console: Console) -> int:
        try:
            return command(options, settings, console)
        except Busy as exc:
            raise Conflict(
                "Another command, or a round of sending, is at work on it.",
                code="usage.busy",
                hint="Try again in a moment.",
            ) from exc
        except OSError as exc:
            if exc.errno not in _NO_PLACE:
                raise
            raise Conflict(
                f"{exc.filename or places.root()} cannot be written: {exc.strerror}.",
                code="usage.place",
                hint="Without a place for it no answer is kept, and nothing is recorded. "
                "XDG_STATE_HOME can name another folder.",
            ) from exc

    return run


def several(number: int, noun: str) -> str:
    """
    A number and its noun.

    >>> several(1, "request"), several(2, "request")
    ('1 request', '2 requests')
    """
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def folder_of(package: str) -> str:
    """Where a package's state is; what was copied there is a copy from then on."""
    folder = places.folder(package)
    if not folder or not places.is_ours(folder):
        raise NotFound(
            "There is no folder of yours to keep an answer in.", code="usage.home", hint="Set HOME, or XDG_STATE_HOME."
        )
    changing.settle(folder)
    return folder


def done(package: str, console: Console) -> int:
    told = state.describe(package)
    if console.as_json:
        console.show_json(told)
        return 0
    show_state(told, console)
    asked = told["answer"]["level"]
    if told["level"] != asked:
        console.note(f"You said {asked}, but {told['decided_by']} says {told['level']}, and any no wins.")
    console.note(f"To undo: otumat usage {_WAYS_BACK.get(asked, 'off')} {package}")
    return 0


def ways_on(package: str) -> str:
    """What somebody may do about an install that its host ended, while the answer is still on."""
    return f"Nothing is sent until 'otumat usage on {package}'. To stop counting, too: otumat usage off {package}"


def _decided(told: dict[str, Any]) -> str:
    word = told["unknown_word"] and f", whose '{printable(told['unknown_word'])}' is none of on, local, off"
    return f"{told['level']}, decided by {told['decided_by']}{word}"


def _install(told: dict[str, Any]) -> str:
    if told["ended"]:
        return f"{told['ended']} {ways_on(told['package'])}" if told["answer"]["level"] == ON else told["ended"]
    return told["install"] and f"{told['install']} ({_kind(told)})"


def _kind(told: dict[str, Any]) -> str:
    if told["copy_of_an_image"]:
        return (
            f"of an image; this is a copy, by the yes of whoever built it. Your own: otumat usage on {told['package']}"
        )
    return "linked to an account" if told["linked_to_account"] else "anonymous"


def show_state(told: dict[str, Any], console: Console) -> None:
    package = printable(told["package"])
    console.show(f"{console.style(package, BOLD)}: {_decided(told)}")
    if told["level"] == UNSET:
        console.note(f"Nothing is recorded before a yes. What a yes would cover: otumat usage show {package}")
    answer = told["answer"]
    held_now = ", ".join(f"{name} {times}" for name, times in told["held"].items())
    lost = [f"{name} {times} ({why})" for why, names in told["lost"].items() for name, times in names.items()]
    console.show_table(
        [
            ("since", [f"{answer['since']}, by {answer['source']}" if answer["since"] else ""]),
            ("host", [answer["host"]]),
            ("install", [_install(told)]),
            ("held", [held_now]),
            ("waiting", [several(told["batches_waiting"], "request") if told["batches_waiting"] else ""]),
            (
                "sent",
                [f"{several(told['batches_sent'], 'request')}, last {told['last_sent']}" if told["last_sent"] else ""],
            ),
            ("next", [told["next_round"]]),
            ("trouble", [told["trouble"]]),
            ("lost", [", ".join(lost)]),
            ("to be told", [several(told["hosts_to_be_told"], "host") if told["hosts_to_be_told"] else ""]),
            (
                "at hosts",
                [f"{several(told['left_behind'], 'install')} left, not erased" if told["left_behind"] else ""],
            ),
        ]
    )
