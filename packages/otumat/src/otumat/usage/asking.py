"""
The one question, on standard error, and the one line of `notice`.

Asked at an interactive terminal only: never in CI, a notebook, a child process or off the main thread. Once a day until
answered; silence is no answer and is never stored.
"""

from __future__ import annotations

import os
import sys
import time
from typing import TYPE_CHECKING

from otumat.errors import OtumatError, Refused
from otumat.spec.consent import LOCAL, NOTICE, ON, UNSET, may_ask
from otumat.spec.manifest import digest, is_host
from otumat.usage import answers, changing, clock, denials, due, manifests
from otumat.usage.files import write_whole
from otumat.usage.releases import release_of

if TYPE_CHECKING:
    from datetime import date

    from otumat.spec.manifest import DeclaredEvent, Manifest
    from otumat.usage.agent import UsageAgent
    from otumat.usage.manifests import Found

QUESTION = "the question at the terminal"
_LOOK_UP_S = 0.2
WITH = (
    "With each: the release, the version of Python, the operating system,",
    "  the kind of processor, and whether in CI.",
)
NEVER = ("Never: who or where you are, what this machine or your files are called,", "  anything you type.")


def consider(agent: UsageAgent, enrolment: str, *, again: bool = False) -> None:
    """
    Ask, or hint, if it may be done here and now; store what was answered.

    Args:
        again: The host program asks for it (`install`), so it does not matter that somebody was asked today.
    """
    package, folder = str(agent.config["package_name"]), str(agent.home_path)
    level, _ = denials.effective(package, agent.answer.level)
    found = manifests.find(package, agent.manifest)
    fresh = manifests.news(found.manifest, agent.answer) if found.manifest else ()
    host = (found.manifest.host if found.manifest else "") or str(agent.config["host"] or "").rstrip("/")
    declined = agent.answer.declined.split(" ")
    grows = level in (ON, LOCAL) and bool(fresh) and digest_of(found) not in declined
    moves = level == ON and is_host(host) and host not in (agent.answer.host, *declined)
    if level in (ON, LOCAL) and not (grows or moves):
        changing.note_seen(folder, found)
        return
    allowed = may_ask(
        UNSET if grows or moves else level,
        enrolment,
        has_terminal=True,  # the agent looked before it imported this
        in_notebook=in_notebook(),
        in_child=in_child(),
        in_main_thread=in_main_thread(),
        in_ci=denials.in_ci(),
        asked_today=not again and _was_asked_today(folder),
    )
    if not allowed or found.broken or not is_host(host) or not _note_asked(folder):
        return
    if enrolment == NOTICE:
        _tell(f"{package} can count how it is used, if you like: see 'otumat usage on {package}'.")
    elif grows:
        _ask_for_more(agent, found, fresh)
    elif moves:
        _ask_to_move(agent, found, host)
    else:
        _ask_first(agent, found, host)


def digest_of(found: Found) -> str:
    return digest(found.manifest) if found.manifest else ""


def _ask_first(agent: UsageAgent, found: Found, host: str) -> None:
    package, folder = str(agent.config["package_name"]), str(agent.home_path)
    answer = ask_yes(question(package, found, host), timeout_s=float(agent.config["response_timeout"]))
    if answer is None:
        _tell(f"No answer, so nothing is counted. To decide later: otumat usage on {package}")
        return
    if not answer:
        changing.withdraw(folder, source=QUESTION)
        _tell(f"Nothing will be counted. If you change your mind: otumat usage on {package}")
        return
    account = found.manifest.account if found.manifest else "required"
    changing.turn(folder, ON, package=package, found=found, source=QUESTION, host=host, account=account)
    due.begin(folder)
    _tell(
        "Thank you. The first counts leave in an hour.\n"
        f"To see them before: otumat usage show {package}   To undo: otumat usage off {package}"
    )
    if account == "required":
        _enrol(agent, package)


def _ask_for_more(agent: UsageAgent, found: Found, fresh: tuple[DeclaredEvent, ...]) -> None:
    package, folder = str(agent.config["package_name"]), str(agent.home_path)
    lines = [f"{package} would like to count more than you said yes to:", *described(fresh)]
    answer = ask_yes("\n".join([*lines, "Is that all right?"]), timeout_s=float(agent.config["response_timeout"]))
    if answer:
        changing.accept_news(folder, found, source=QUESTION)
    elif answer is not None:
        changing.decline_news(folder, found, source=QUESTION)
        _tell("It goes on as before, without that.")


def _ask_to_move(agent: UsageAgent, found: Found, host: str) -> None:
    package, folder = str(agent.config["package_name"]), str(agent.home_path)
    text = f"{package} would like to send what you said yes to, from now on to {host} instead of {agent.answer.host}."
    answer = ask_yes(f"{text}\nIs that all right?", timeout_s=float(agent.config["response_timeout"]))
    if answer:
        account = found.manifest.account if found.manifest else "required"
        changing.turn(folder, ON, package=package, found=found, source=QUESTION, host=host, account=account)
    elif answer is not None:
        changing.decline_host(folder, found, host)


def question(package: str, found: Found, host: str) -> str:
    """All that somebody should know before a yes, in a few lines."""
    lines = [
        f"{package} asks: may it tell {host} how it is used?",
        *terms(found),
        f"To look closer: otumat usage show {package}   To undo a yes: otumat usage off {package}",
    ]
    return "\n  ".join(lines)


def terms(found: Found) -> list[str]:
    """What a yes is to: why, what, until when, with what, and what never."""
    if found.manifest is None:
        return ["Counted: how often its functions are used a day, by their names.", *WITH, *NEVER]
    why = [f"Why: {found.manifest.purpose}"] if found.manifest.purpose else []
    counted = f"Counted: how often a day{_until(found.manifest.expires)},"
    return [*why, counted, *described(found.manifest.events), *WITH, *_whose(found.manifest), *NEVER]


def _whose(manifest: Manifest) -> list[str]:
    return ["Account: a yes is linked to yours there; you sign in next."] if manifest.account == "required" else []


def described(events: tuple[DeclaredEvent, ...], *, most: int = 12) -> list[str]:
    """Events in a line each, with the names of their properties."""
    lines = [f"  {event.name}{_properties(event)}{_until(event.expires)}: {event.purpose}" for event in events[:most]]
    return [*lines, f"  and {len(events) - most} more"] if len(events) > most else lines


def described_whole(events: tuple[DeclaredEvent, ...]) -> list[str]:
    """All events, and below each its properties with every value that they may have."""
    lines = []
    for event in events:
        lines += described((event,))
        lines += [f"    {name}: {', '.join(values)}" for name, values in event.properties]
    return lines


def _properties(event: DeclaredEvent) -> str:
    return f" ({', '.join(name for name, _ in event.properties)})" if event.properties else ""


def _until(day: date | None) -> str:
    return f", until {day}" if day else ""


def ask_yes(text: str, *, timeout_s: float) -> bool | None:
    """Yes, no, or None when nobody answered in time. Anything but y and yes is a no."""
    try:
        sys.stderr.write(f"{text}\n  [y/N] ({timeout_s:.0f} s): ")
        sys.stderr.flush()
        line = _line_within(timeout_s)
    except KeyboardInterrupt:
        line = None
    if line is None:
        sys.stderr.write("\n")
        return None
    return line.strip().lower() in ("y", "yes")


def _line_within(timeout_s: float) -> str | None:
    """A line of standard input; None at its end, and when none comes in time."""
    if os.name == "nt":
        return _line_on_windows(timeout_s)
    import select

    deadline = time.monotonic() + timeout_s
    while True:
        left_s = deadline - time.monotonic()
        # Not at one go: a Ctrl-C that came just before, or to another thread, ends no waiting.
        readable, _, _ = select.select([sys.stdin], [], [], min(max(left_s, 0), _LOOK_UP_S))
        if readable:
            return sys.stdin.readline() or None
        if left_s <= 0:
            return None


def _line_on_windows(timeout_s: float) -> str | None:
    import msvcrt

    deadline, typed = time.monotonic() + timeout_s, ""
    while time.monotonic() < deadline:
        if not msvcrt.kbhit():  # type: ignore[attr-defined]
            time.sleep(0.05)
            continue
        character = msvcrt.getwche()  # type: ignore[attr-defined]
        if character in "\r\n":
            return typed
        typed += character
    return None


def _enrol(agent: UsageAgent, package: str) -> None:
    """Continue in the browser; whatever goes wrong there, the answer stands and can be completed later."""
    from otumat.usage.enrol import enrol
    from otumat.usage.hosts import usage_transport

    timeout_s = float(agent.config["response_timeout"])
    project = answers.read(str(agent.home_path)).project
    try:
        enrol(
            str(agent.home_path),
            release=release_of(package, project=project, manifest=agent.manifest),
            config=agent.config,
            tell=_tell,
            timeout_s=timeout_s,
            over=usage_transport(silence_s=5, total_s=10),
        )
    except Refused as exc:
        changing.withdraw(str(agent.home_path), source="the page in the browser")
        _tell(str(exc))
    except KeyboardInterrupt:
        _tell(f"To go on with it later: otumat usage on {package}")
    except (OtumatError, OSError) as exc:
        _tell(f"{exc} To go on with it later: otumat usage on {package}")


def in_notebook() -> bool:
    """Whether this is the kernel of a notebook, or a console that is none."""
    modules = sys.modules
    return "ipykernel" in modules or "google.colab" in modules or "pyodide" in modules


def in_child() -> bool:
    """Whether another Python started this process to work for it."""
    process = sys.modules.get("multiprocessing.process")
    if process is not None and process.parent_process() is not None:
        return True
    return any(argument.startswith("--multiprocessing-fork") or "spawn_main" in argument for argument in sys.orig_argv)


def in_main_thread() -> bool:
    """Whether this is the thread that the program began with."""
    threading = sys.modules.get("threading")
    return threading is None or threading.current_thread() is threading.main_thread()


def _was_asked_today(folder: str) -> bool:
    try:
        age_s = clock.now_s() - os.stat(os.path.join(folder, "asked")).st_mtime
    except OSError:
        return False
    return 0 <= age_s < 24 * 60 * 60


def _note_asked(folder: str) -> bool:
    """Note that somebody is asked now; where that cannot be noted, nobody is asked, or they would be every time."""
    try:
        write_whole(os.path.join(folder, "asked"), f"{clock.moment(clock.now_s())}\n".encode())
    except OSError:
        return False
    return True


def _tell(text: str) -> None:
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()
