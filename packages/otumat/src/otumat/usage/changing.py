"""
Every change of the user's answer, under one lock: on, local, off, and what a larger manifest adds.

Withdrawal wins every race: the answer is written first, so nobody begins anew; then everything held is deleted; a
round of sending that is under way looks at the answer before each request, writes its batches and a new install's
credential under this lock, and never an answer, but from *on* to *off*. What a change that was cut short left behind
goes before the next one is stored.
"""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING

from otumat.errors import Conflict
from otumat.spec.consent import LOCAL, OFF, ON, UNSET, WORDING_VERSION
from otumat.spec.manifest import digest
from otumat.usage import answers, batches, clock, copies, due, held, outbox, tallies, tokens, tombstones
from otumat.usage.answers import Answer
from otumat.usage.files import Busy, locked, write_whole
from otumat.usage.manifests import accepted_events

if TYPE_CHECKING:
    from otumat.transport import Transport
    from otumat.usage.manifests import Found
    from otumat.usage.tokens import Credential

LOCK_WAIT_S = 10
ROUND_WAIT_S = 5


def turn(
    folder: str, level: str, *, package: str, found: Found, source: str, host: str = "", account: str = ""
) -> Answer:
    """Store *local* or *on*. What was held for another host is not sent to this one: it is deleted."""
    with locked(os.path.join(folder, "consent.lock"), wait_s=LOCK_WAIT_S):
        _settle(folder)
        before = answers.read(folder)
        if before.level != ON:
            _leave_as_said(folder, before)  # a change that was cut short left more
        answer = _new_answer(level, package=package, found=found, source=source, host=host, account=account)
        is_same = before.level == level == ON and before.host == host and not copies.name_of(folder)
        if is_same:
            answer.since = before.since
        _store(folder, answer)
        if before.level == ON and not is_same:
            tombstones.bury(folder)
            keep_here(folder) if level == LOCAL else _wipe(folder)
            outbox.discard(folder)
        if level == ON:
            copies.note(folder)  # a yes given here is no copy's
        return answer


def settle(folder: str, *, wait_s: float = LOCK_WAIT_S) -> None:
    """
    See whether this state was copied, with its yes and its credential; if so, go on as a copy (`copies.py`).

    The yes holds in the copy. What was held and sent before is whoever's it was copied from.
    """
    if answers.read(folder).level == ON and not copies.is_unchanged(folder):
        with locked(os.path.join(folder, "consent.lock"), wait_s=wait_s):
            _settle(folder)


def withdraw(folder: str, *, source: str, reason: str = "", install: str = "", in_round: bool = False) -> None:
    """
    Store *off* and delete everything held. The host is told by whoever calls, with `tombstones.tell`.

    Args:
        install: Only if this is still the install, for news about an older one.
        in_round: The caller is a round of sending and holds its lock already.
    """
    with locked(os.path.join(folder, "consent.lock"), wait_s=LOCK_WAIT_S):
        if install and tombstones.current_install(folder) != install:
            return
        with suppress(OSError):  # nothing is in the way of a no
            _settle(folder)
        before = answers.read(folder)
        answer = Answer(OFF, since=clock.moment(clock.now_s()), source=source, reason=reason, host=before.host)
        answer.project, answer.seen = before.project, before.seen
        _store(folder, answer)
        tombstones.bury(folder)
        _delete_held(folder)
    if in_round:
        return
    with suppress(Busy), locked(os.path.join(folder, "sender.lock"), wait_s=ROUND_WAIT_S):
        _delete_held(folder)  # a batch that was being frozen while we wiped


def put_back(folder: str, before: Answer) -> None:
    """The answer that there was before a yes that nobody finished, without what was held since."""
    with locked(os.path.join(folder, "consent.lock"), wait_s=LOCK_WAIT_S):
        if before.level == UNSET:
            held.remove(os.path.join(folder, answers.FILE))
        _store(folder, before)
        _leave_as_said(folder, before)


def enrolled(folder: str, given: Answer, credential: Credential, *, instead_of: str, over: Transport) -> Credential:
    """
    Store the credential of an install that was made for an answer; the host is told which other one is over then.

    Args:
        instead_of: The install that there was before.

    Returns:
        That credential, or the one that another process stored meanwhile.

    Errors:
        Conflict: that answer holds no more.
    """
    with locked(os.path.join(folder, "consent.lock"), wait_s=LOCK_WAIT_S):
        holds = answers.is_still(folder, given)
        there = tokens.read(tokens.path_of(folder)) if holds else None
        if holds and (there is None or there.install == instead_of):
            if credential.install != instead_of:
                tombstones.bury(folder)  # nobody could end it any more
            tokens.write(tokens.path_of(folder), credential)
            return credential
        if there is None or there.install != credential.install:
            tombstones.bury_unused(folder, credential)
    tombstones.tell(folder, over=over)
    if there is None:
        raise Conflict("The answer was changed meanwhile.", code="enrol.changed")
    return there


def accept_news(folder: str, found: Found, *, source: str) -> None:
    """Add what a larger manifest asks for to what is accepted."""
    _amend(folder, found, source, accepted=True)


def decline_news(folder: str, found: Found, *, source: str) -> None:
    """Keep what was accepted, and do not ask for this manifest again."""
    _amend(folder, found, source, accepted=False)


def decline_host(folder: str, found: Found, host: str) -> None:
    """Stay with the host that the answer names, and do not ask for this one again."""
    with locked(os.path.join(folder, "consent.lock"), wait_s=LOCK_WAIT_S):
        answer = answers.read(folder)
        if answer.level == ON:
            answer.declined = f"{answer.declined} {host}".strip()
            answer.seen = found.stamp
            _store(folder, answer)


def note_seen(folder: str, found: Found) -> None:
    """The manifest's file was compared and asks for nothing new."""
    with locked(os.path.join(folder, "consent.lock"), wait_s=LOCK_WAIT_S):
        answer = answers.read(folder)
        if answer.level in (LOCAL, ON):
            answer.seen = found.stamp
            _store(folder, answer)


def keep_here(folder: str) -> None:
    """What was held for sending is held for the user to look at."""
    held.keep_here(folder)
    tallies.keep_here(folder)


def _settle(folder: str) -> None:
    """Under the lock, and before every change: a copy that ended what it found would end the install for all."""
    if answers.read(folder).level != ON or copies.is_unchanged(folder):
        return
    name = copies.name_of(folder)
    if copies.is_copied(folder):
        name = os.urandom(16).hex()
        _delete_held(folder)
        for sent in batches.sent(folder):
            held.remove(sent.path)
        due.forget(folder)
        tokens.become_copy(tokens.path_of(folder), name)
    copies.note(folder, copy=name)


def _amend(folder: str, found: Found, source: str, *, accepted: bool) -> None:
    if found.manifest is None:
        return
    with locked(os.path.join(folder, "consent.lock"), wait_s=LOCK_WAIT_S):
        answer = answers.read(folder)
        if answer.level not in (LOCAL, ON):
            return
        if accepted:
            answer.events |= accepted_events(found.manifest)
            answer.manifest, answer.bare, answer.declined = digest(found.manifest), False, ""
            answer.source = source
        else:
            answer.declined = digest(found.manifest)
        answer.seen = found.stamp
        _store(folder, answer)


def _new_answer(level: str, *, package: str, found: Found, source: str, host: str, account: str) -> Answer:
    answer = Answer(
        level,
        since=clock.moment(clock.now_s()),
        source=source,
        wording=str(WORDING_VERSION),
        project=found.manifest.project if found.manifest else package,
        host=host,
        account=account,
        seen=found.stamp,
    )
    if found.manifest is not None:
        answer.manifest = digest(found.manifest)
        answer.events = accepted_events(found.manifest)
    answer.bare = found.manifest is None and not found.broken
    return answer


def _store(folder: str, answer: Answer) -> None:
    if answer.level != UNSET:
        write_whole(os.path.join(folder, answers.FILE), answers.write_text(answer).encode())


def _leave_as_said(folder: str, answer: Answer) -> None:
    """What an answer other than a yes leaves there: no install, and nothing that waits to be sent."""
    tombstones.bury(folder)
    keep_here(folder) if answer.level == LOCAL else _wipe(folder)
    outbox.discard(folder)


def _delete_held(folder: str) -> None:
    _wipe(folder)
    outbox.discard(folder)
    for path in held.listed(folder):
        if path.endswith(".tmp"):  # tokens, of whoever was killed while they were written
            held.remove(path)


def _wipe(folder: str) -> None:
    held.wipe(folder)
    tallies.wipe(folder)
