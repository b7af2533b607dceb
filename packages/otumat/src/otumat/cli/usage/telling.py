"""A package's state in words, and where it is kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from otumat.cli.console import BOLD, printable
from otumat.errors import NotFound
from otumat.spec.consent import LOCAL, OFF, ON
from otumat.usage import places, state

if TYPE_CHECKING:
    from otumat.cli.console import Console

_WAYS_BACK = {ON: "off", LOCAL: "off", OFF: "on"}


def folder_of(package: str) -> str:
    folder = places.folder(package)
    if not folder or not places.is_ours(folder):
        raise NotFound("There is no folder of yours to keep an answer in.", code="usage.home", hint="Is HOME set?")
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


def show_state(told: dict[str, Any], console: Console) -> None:
    console.show(f"{console.style(printable(told['package']), BOLD)}: {told['level']}, decided by {told['decided_by']}")
    answer = told["answer"]
    held_now = ", ".join(f"{name} {times}" for name, times in told["held"].items())
    enrolled = (
        told["install"]
        and f"{told['install']} ({'linked to an account' if told['linked_to_account'] else 'anonymous'})"
    )
    lost = [f"{name} {times} ({why})" for why, names in told["lost"].items() for name, times in names.items()]
    console.show_table(
        [
            ("since", [f"{answer['since']}, by {answer['source']}" if answer["since"] else ""]),
            ("host", [answer["host"]]),
            ("install", [enrolled or told["ended"]]),
            ("held", [held_now]),
            ("waiting", [f"{told['batches_waiting']} request(s)" if told["batches_waiting"] else ""]),
            (
                "sent",
                [f"{told['batches_sent']} request(s), last {told['last_success']}" if told["batches_sent"] else ""],
            ),
            ("next", [told["next_round"]]),
            ("trouble", [told["trouble"]]),
            ("lost", [", ".join(lost)]),
            ("to be told", [f"{told['hosts_to_be_told']} host(s)" if told["hosts_to_be_told"] else ""]),
        ]
    )
