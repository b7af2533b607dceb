"""`otumat usage send`, `otumat usage service`, and `otumat upload` of 0.3."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from otumat.cli.console import BOLD
from otumat.cli.usage.telling import folder_of, in_state_folder, several, ways_on
from otumat.errors import Conflict, Unreachable
from otumat.spec.consent import ON
from otumat.usage import service as services
from otumat.usage import state
from otumat.usage.agent import UsageAgent
from otumat.usage.frequency import seconds_of
from otumat.usage.hosts import usage_transport
from otumat.usage.recurring import recur
from otumat.usage.sender import send_round

if TYPE_CHECKING:
    import argparse

    from otumat.cli.console import Console
    from otumat.settings import Settings


@in_state_folder
def send(options: argparse.Namespace, settings: Settings, console: Console) -> int:
    """A round of sending, now."""
    before = _lost(state.describe(options.package))
    done = send_round(folder_of(options.package), options.package, over=usage_transport())
    told = state.describe(options.package)
    lost = _lost(told) - before
    if done.trouble and told["level"] != ON:
        why = f"{options.package} is {told['level']}, decided by {told['decided_by']}: nothing is sent."
        raise Conflict(why, code="usage.trouble", hint=f"'otumat usage status {options.package}' says more.")
    if done.trouble and told["ended"]:
        raise Conflict(told["ended"], code="usage.trouble", hint=ways_on(options.package))
    if done.trouble:
        raise Unreachable(done.trouble, code="usage.trouble", hint="What is held stays held; it is tried again later.")
    if console.as_json:
        console.show_json({"package": options.package, "batches": done.batches, "uses": done.uses, "lost": lost})
    else:
        console.show(f"Sent {several(done.uses, 'use')} in {several(done.batches, 'request')}.")
        if lost > 0:
            console.note(f"{several(lost, 'use')} did not count: 'otumat usage status {options.package}' says why.")
    return 0


def _lost(told: dict[str, Any]) -> int:
    return sum(times for names in told["lost"].values() for times in names.values())


@in_state_folder
def service(options: argparse.Namespace, settings: Settings, console: Console) -> int:
    """The optional start at log-in."""
    seconds_of(options.every)
    if options.do == "remove":
        files = services.remove_service(options.package)
    elif options.do == "show":
        planned = services.planned(options.package, frequency=options.every)
        files = list(planned)
        if not console.as_json:
            for path, content in planned.items():
                console.show(console.style(path, BOLD))
                console.show(content.decode("utf-16" if content[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8"))
    else:
        files = services.install_service(options.package, frequency=options.every)
    if console.as_json:
        console.show_json({"package": options.package, "files": files})
    elif options.do != "show":
        console.show("\n".join([f"{'Removed' if options.do == 'remove' else 'Wrote'} {path}" for path in files]))
        if options.do == "install":
            _note_silent(options.package, console)
            console.note(f"To undo: otumat usage service {options.package} --remove")
    return 0


def _note_silent(package: str, console: Console) -> None:
    """A service may be there before a yes, and does nothing until then."""
    told = state.describe(package)
    if told["level"] != ON:
        why = f"{package} is {told['level']}, decided by {told['decided_by']}"
        console.note(f"It sends nothing yet: {why}. To say yes: otumat usage on {package}")


@in_state_folder
def upload(options: argparse.Namespace, settings: Settings, console: Console) -> int:
    """The command that 0.3 put into start-up files."""
    UsageAgent(
        author=options.author,
        data_directory=options.data_directory,
        package_name=options.package_name,
        enrolment="manual",
    )
    recur(folder_of(options.package_name), options.package_name, start=options.start, frequency=options.frequency)
    return 0
