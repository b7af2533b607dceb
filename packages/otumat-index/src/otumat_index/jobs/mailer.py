"""
The mailer: sends what the outbox holds, each mail at most once, also after kill -9.

A row is marked `sending`, committed, before its mail is handed to the SMTP server, and `sent` afterwards. Who finds a
row in `sending` cannot know whether it arrived: it becomes `unknown`, is reported, and is not sent again. One mailer
sends at a time, whatever the number of machines (`alone.py`), so such a row can only be that of a mailer that died.
"""

from __future__ import annotations

import logging
import smtplib
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.core.mail import get_connection
from django.core.mail.backends.base import BaseEmailBackend
from django.db import DatabaseError, close_old_connections, transaction
from django.utils import timezone

from otumat_index.jobs import outbox
from otumat_index.jobs.alone import Alone
from otumat_index.jobs.models import Mail
from otumat_index.journal import queries as journal

log = logging.getLogger(__name__)
LOOK_EVERY_S = 0.2
"""At the journal's head, one row. More is looked at when it has moved, while mail waits, and now and then."""
IDLE_S = 2.0
"""Another machine's follower may have queued a mail for a change that this one has seen."""
PAUSES_S = (15, 60, 300, 1800, 7200, 21_600, 43_200, 86_400)
"""After each temporary failure of one mail; after the last of them it has failed."""
LONGEST_SILENCE_S = 60
"""Between two tries to reach a server that cannot be reached; no mail is claimed meanwhile."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one mail: its new state, and why."""

    state: Mail.State
    problem: str = ""


class Mailer:
    """Sends queued mails, one SMTP connection a batch."""

    def __init__(self, connect: Callable[[], BaseEmailBackend] = get_connection) -> None:
        self.make_backend = connect
        self.undone: list[tuple[Mail, Outcome]] = []
        self.silent_until, self.silence_s = 0.0, 1.0

    def recover(self, *, at: datetime) -> None:
        """Called before the first mail, by the only mailer there is: whatever is on its way was another's."""
        self.record(at=at)
        for mail in Mail.objects.filter(state=Mail.State.SENDING):
            log.error("%s was being sent when the mailer ended. It may have arrived; it is not sent again.", mail)
            Mail.objects.filter(pk=mail.pk, state=Mail.State.SENDING).update(
                state=Mail.State.UNKNOWN, done_at=at, problem="The mailer ended while sending."
            )

    def send_due(self, *, at: datetime, stopping: threading.Event | None = None) -> int:
        """Send what is due; returns how many mails were handed over."""
        self.record(at=at)
        due = Mail.objects.filter(state=Mail.State.QUEUED, due_at__lte=at)
        if time.monotonic() < self.silent_until or not due.exists():
            return 0
        backend, sent = self.make_backend(), 0
        try:
            while self.reach(backend) and not (stopping and stopping.is_set()):
                mail = self.claim(at=at)
                if mail is None:
                    break
                outcome = hand_over(mail, backend)
                self.undone.append((mail, outcome))
                sent += outcome.state == Mail.State.SENT
        finally:
            close(backend)
            self.record(at=at)
        return sent

    def reach(self, backend: BaseEmailBackend) -> bool:
        """Whether the server can be talked to; asked before a mail is claimed, so that an outage costs none a try."""
        try:
            backend.open()
        except (OSError, smtplib.SMTPException) as exc:
            log.warning("The mail server cannot be reached: %s. Mail waits %d s.", exc, self.silence_s)
            self.silent_until = time.monotonic() + self.silence_s
            self.silence_s = min(2 * self.silence_s, LONGEST_SILENCE_S)
            return False
        self.silence_s = 1.0
        return True

    @transaction.atomic
    def claim(self, *, at: datetime) -> Mail | None:
        """Mark the next mail as being sent, and in the same transaction the one before as done."""
        self.record(at=at)
        due = Mail.objects.filter(state=Mail.State.QUEUED, due_at__lte=at).order_by("due_at", "pk")
        mail = due.select_for_update(skip_locked=True).first()
        if mail is not None:
            mail.state, mail.tries = Mail.State.SENDING, mail.tries + 1
            mail.save(update_fields=["state", "tries"])
        return mail

    def record(self, *, at: datetime) -> None:
        """Write down what became of mails. Kept in memory until it is committed: the database may be away just now."""
        if not self.undone:
            return
        done = list(self.undone)
        with transaction.atomic():
            for mail, outcome in done:
                Mail.objects.filter(pk=mail.pk).update(problem=outcome.problem[:300], **after(mail, outcome, at=at))
            transaction.on_commit(self.undone.clear)


def after(mail: Mail, outcome: Outcome, *, at: datetime) -> dict[str, object]:
    """The columns of a mail that was tried: done with, or due again later."""
    if outcome.state != Mail.State.QUEUED:
        return {"state": outcome.state, "done_at": at}
    if mail.tries > len(PAUSES_S):
        log.error("%s failed for good: %s", mail, outcome.problem)
        return {"state": Mail.State.FAILED, "done_at": at}
    return {"state": Mail.State.QUEUED, "due_at": at + timedelta(seconds=PAUSES_S[mail.tries - 1])}


def hand_over(mail: Mail, backend: BaseEmailBackend) -> Outcome:
    """Write the mail and give it to the server; what happened decides whether it may be tried again."""
    try:
        message = outbox.RENDERERS[mail.kind](mail)
        if message is None:
            return Outcome(Mail.State.DROPPED)
        message.message()  # what cannot be a mail shows now, before anything went out
    except Exception as exc:
        log.exception("%s cannot be written", mail)
        return Outcome(Mail.State.FAILED, f"It cannot be written: {type(exc).__name__}")
    try:
        backend.send_messages([message])
    except (smtplib.SMTPException, OSError) as exc:
        outcome = judge(exc, may_have_arrived=getattr(backend, "may_have_arrived", False))
        if outcome.state != Mail.State.QUEUED:
            log.error("%s: %s", mail, outcome.problem)
        if reply(exc)[0] in (0, 421):
            close(backend)  # the next one gets a connection that works
        return outcome
    return Outcome(Mail.State.SENT)


def judge(exc: Exception, *, may_have_arrived: bool) -> Outcome:
    """
    What a failure means: 5xx is for good, 4xx is for now, and silence after the body was sent is not to be known.

    Source: RFC 5321, 4.2.1 (reply codes) and 4.5.3.2.6 (a lost reply to the end of the data).
    """
    code, text = reply(exc)
    if 500 <= code < 600:
        return Outcome(Mail.State.FAILED, f"The mail server refused it: {code} {text}")
    if may_have_arrived and not code:
        return Outcome(Mail.State.UNKNOWN, "The connection ended before the mail server said whether it took it.")
    return Outcome(Mail.State.QUEUED, f"{code or type(exc).__name__} {text}".strip())


def reply(exc: Exception) -> tuple[int, str]:
    """The server's reply code and text; 0 where there was none."""
    said: bytes | str
    if isinstance(exc, smtplib.SMTPRecipientsRefused) and exc.recipients:
        code, said = next(iter(exc.recipients.values()))
    elif isinstance(exc, smtplib.SMTPResponseException):
        code, said = exc.smtp_code, exc.smtp_error
    else:
        return 0, str(exc)
    return code, said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)


def close(backend: BaseEmailBackend) -> None:
    try:
        backend.close()
    except (OSError, smtplib.SMTPException) as exc:
        log.info("Closing the connection to the mail server: %s", exc)


def main(stopping: threading.Event) -> None:
    """Entry of the process that `serve` starts: follow the journal and send, until told to stop."""
    mailer, alone = Mailer(), Alone("mailer", settings.CONFIG.data / "mailer.lock")
    seen, look_at, tidy_at, was_alone = None, 0.0, 0.0, False
    pause_s = 0.0
    while not stopping.wait(max(pause_s, LOOK_EVERY_S)):
        begun, pause_s = time.monotonic(), 0.0
        try:
            head = journal.last_serial()
            if head == seen and time.monotonic() < look_at:
                continue
            seen, at = head, timezone.now()
            if not alone.is_held():
                was_alone = False
            elif not was_alone:
                mailer.recover(at=at)
                was_alone = True
            outbox.follow(at=at)
            if was_alone:
                mailer.send_due(at=at, stopping=stopping)
            if time.monotonic() >= tidy_at:
                outbox.forget(at=at)
                tidy_at = time.monotonic() + 3600
            # While changes pour in, mail takes a quarter of a core at most, and leaves the database to who makes them.
            pause_s = min(1.0, 3 * (time.monotonic() - begun))
            look_at = time.monotonic() + (0.25 if Mail.objects.filter(state=Mail.State.QUEUED).exists() else IDLE_S)
        except Exception as exc:
            log.log(
                logging.WARNING if isinstance(exc, DatabaseError) else logging.ERROR,
                "The mailer stumbled; it tries again.",
                exc_info=not isinstance(exc, DatabaseError),
            )
            seen, look_at, was_alone = None, 0.0, False
            close_old_connections()
            stopping.wait(1)
    alone.release()
