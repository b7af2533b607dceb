"""
One round of sending: freeze what is held, send each batch, and note when the next round is due.

Runs as a process of its own (`otumat.usage.spawning`), in `agent.send()`, or in `otumat usage`. Before every request
it looks at the answer again; it stores none, but for *off* when the host says that it is over.

Source: docs/protocol/usage.md, "Events".
"""

from __future__ import annotations

import gzip
import os
import random
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from otumat.errors import Conflict, OtumatError, Refused, Unreachable
from otumat.spec.consent import may_send
from otumat.spec.event import MEDIA_TYPE
from otumat.transport import Request
from otumat.usage import answers, batches, changing, clock, copies, denials, due, held, outbox, tokens, tombstones
from otumat.usage.dialect03 import is_expired, uses_in
from otumat.usage.enrol.anonymous import enrol_anonymously
from otumat.usage.files import Busy, locked
from otumat.usage.frequency import DAY_S
from otumat.usage.readdressing import enrolled_anew
from otumat.usage.spawning import WHEN_DUE

if TYPE_CHECKING:
    from collections.abc import Callable

    from otumat.transport import Response, Transport
    from otumat.usage.answers import Answer
    from otumat.usage.batches import Frozen
    from otumat.usage.tokens import Credential

COPY_EVERY_S = 60 * 60
"""A copy of an image may be gone tomorrow, so it does not wait until then."""
_UNREADABLE = (400, 409, 413, 415, 422)
_NEVER_LEFT = ("unreachable.host", "unreachable.refused")


@dataclass(frozen=True)
class Round:
    """
    How a round went.

    Attributes:
        batches, uses: Taken by the host.
        trouble: Why something waits; "" when nothing does.
    """

    batches: int = 0
    uses: int = 0
    trouble: str = ""


def send_round(
    folder: str,
    package: str,
    *,
    over: Transport,
    every_s: float = DAY_S,
    chance: Callable[[], float] = random.random,
) -> Round:
    """Send everything that may be sent; never raises for what can go wrong outside."""
    try:
        with locked(os.path.join(folder, "sender.lock"), wait_s=0):
            tombstones.tell(folder, over=over)
            changing.settle(folder)
            if not _may_send(folder, package):
                return Round(trouble="Nothing may be sent.")
            return _send_and_note(folder, package, over, every_s, chance)
    except Busy:
        return Round(trouble="Another process is sending.")
    except OSError as exc:
        return Round(trouble=f"The state folder cannot be used: {exc.strerror}.")


def _send_and_note(folder: str, package: str, over: Transport, every_s: float, chance: Callable[[], float]) -> Round:
    before = due.read(folder)
    try:
        done = _send_all(folder, package, over)
    except _Later as exc:
        due.failed(folder, before, exc.message, retry_after_s=exc.retry_after_s, chance=chance())
        return Round(trouble=exc.message)
    except (Unreachable, Conflict, Refused) as exc:
        due.failed(folder, before, str(exc), chance=chance())
        return Round(trouble=str(exc))
    if _may_send(folder, package):
        often_s = min(every_s, COPY_EVERY_S) if copies.name_of(folder) else every_s
        due.succeeded(folder, every_s=often_s, chance=chance())
    return done


def _send_all(folder: str, package: str, over: Transport) -> Round:
    given = answers.read(folder)
    credential = _credential(folder, over)
    goes_on = partial(_goes_on, folder, package, given)
    sent = uses = 0
    while True:
        answer = answers.read(folder)
        waiting = outbox.freeze(folder, answer, credential.install, dialect=credential.dialect, copy=credential.copy)
        if not goes_on():
            if not answers.is_still(folder, given):
                outbox.discard(folder)  # withdrawn, or said anew, while we froze
            return Round(sent, uses, "Withdrawn.")
        if not waiting:
            return Round(sent, uses)
        for frozen in waiting:
            counted = _send_one(folder, frozen, over, goes_on)
            if counted is None:
                return Round(sent, uses, "Withdrawn.")
            uses += counted
            sent += 1


def _credential(folder: str, over: Transport) -> Credential:
    """This machine's credential; an anonymous install is made here, the first time."""
    known = tokens.read(tokens.path_of(folder))
    if known is None and copies.name_of(folder):
        hint = "'otumat usage on' makes it an install of its own."
        raise Conflict("This is a copy of an image in which nobody had enrolled.", code="enrol.copy", hint=hint)
    if known is None:
        return enrol_anonymously(folder, over=over)
    if known.ended:
        raise Conflict(known.ended, code="credential.ended", hint="'otumat usage on' enrols this machine again.")
    if not known.is_fresh(clock.now_s()):
        with suppress(Unreachable):  # the old one may do
            return tokens.refreshed(tokens.path_of(folder), known.access_token, over=over)
    return known


def _send_one(folder: str, frozen: Frozen, over: Transport, goes_on: Callable[[], bool]) -> int | None:
    """Send one batch; returns how many uses were counted, None when it may not be sent any more."""
    known = tokens.read(tokens.path_of(folder))
    if not goes_on():
        return None
    if known is None:
        raise Conflict("This install was withdrawn.", code="credential.none")
    answer = _post(frozen, known, over)
    if answer.status == 401 and (known.dialect == "1.0" or is_expired(answer)):
        known = tokens.refreshed(tokens.path_of(folder), known.access_token, over=over)
        if not goes_on():
            return None
        answer = _post(frozen, known, over)
    return _judge(folder, frozen, known, answer)


def _post(frozen: Frozen, known: Credential, over: Transport) -> Response:
    """Send a batch in the name of its own install, and note before that it was tried, unless it cannot have arrived."""
    if known.install != frozen.install:
        raise enrolled_anew()
    may_be_there, was_tried = True, frozen.is_tried
    frozen.note_tried()
    try:
        answer = over.send(_request(known, frozen))
        may_be_there = answer.status != 401
    except Unreachable as exc:
        may_be_there = exc.code not in _NEVER_LEFT
        raise
    finally:
        if not (may_be_there or was_tried):
            frozen.forget_tried()
    return answer


def _judge(folder: str, frozen: Frozen, known: Credential, answer: Response) -> int:
    told = tokens.json_of(answer)
    if 200 <= answer.status < 300:
        if known.dialect == "1.0" and told.get("batch") != frozen.batch:
            raise _Later(f"{known.host} did not say that it took the batch.")
        _settle(folder, frozen, known, told)
        counted = told.get("counted", 0) if known.dialect == "1.0" else uses_in(frozen.body)
        return counted if isinstance(counted, int) else 0
    if answer.status == 410 and known.dialect == "1.0":
        withdrawn = isinstance(told.get("error"), dict) and told["error"].get("code") == "withdrawn"
        reason = "" if withdrawn else "stopped"
        changing.withdraw(folder, source=known.host, reason=reason, install=known.install, in_round=True)
        raise Conflict(f"{known.host} takes no more uses of this install.", code="install.over")
    if answer.status in _UNREADABLE and known.dialect == "1.0":
        batches.set_aside(folder, frozen, why=held.UNREADABLE)
        return 0
    raise _Later(f"{known.host} answered {answer.status}.", due.retry_after_s(answer.headers.get("retry-after", "")))


def _settle(folder: str, frozen: Frozen, known: Credential, told: dict[str, Any]) -> None:
    """
    Keep what was sent, unless its install was erased meanwhile: who erases withdraws first, then deletes that. What its
    host refused is lost; asked again, it says the same, and that counts once.
    """
    with locked(os.path.join(folder, "consent.lock"), wait_s=changing.LOCK_WAIT_S):
        for why, counts in batches.refused(frozen, told).items():
            held.count_lost(folder, why, counts, segment=frozen.name)
        batches.settle(folder, frozen, told, kept=tombstones.is_there(folder, known.install))


def _request(known: Credential, frozen: Frozen) -> Request:
    if known.dialect != "1.0":
        headers = {**known.bearer, "Content-Type": "application/json"}
        return Request("POST", known.endpoints["event"], headers, frozen.body)
    return Request("POST", known.endpoints["event"], known.bearer | body_headers(frozen), compressed(frozen.body))


def body_headers(frozen: Frozen) -> dict[str, str]:
    """The headers of a batch, but for the token."""
    return {
        "Content-Type": MEDIA_TYPE,
        "Content-Encoding": "gzip",
        "Idempotency-Key": frozen.batch,
        "Accept": "application/json",
    }


def compressed(body: bytes) -> bytes:
    """The same bytes every time: no clock in the gzip header."""
    return gzip.compress(body, mtime=0)


def _goes_on(folder: str, package: str, given: Answer) -> bool:
    """Whether the yes that a round began with holds, and nothing denies it."""
    return _may_send(folder, package) and answers.is_still(folder, given)


def _may_send(folder: str, package: str) -> bool:
    level, _ = denials.effective(package, answers.read(folder).level)
    return may_send(level)


class _Later(OtumatError):
    """A passing fault: the same again, later."""

    def __init__(self, message: str, retry_after_s: float = 0) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


def main() -> None:
    """The process that `spawning` starts: one round, silently; a service's, only once one is due."""
    import sys

    from otumat.usage.frequency import seconds_or_a_day
    from otumat.usage.hosts import usage_transport

    folder, package, frequency, *when = sys.argv[1:]
    if when == [WHEN_DUE] and not due.is_due(folder, frequency):
        return
    os.closerange(3, 1024)  # a host's sockets, if it leaks any
    os.chdir(os.path.abspath(os.sep))  # keep no folder of the host busy
    if hasattr(os, "nice"):
        os.nice(10)
    send_round(folder, package, over=usage_transport(), every_s=seconds_or_a_day(frequency))
