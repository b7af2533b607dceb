"""How mail leaves: on the console and, one RFC 5322 file each, in `data/mail`, or by SMTP."""

from __future__ import annotations

import secrets
import smtplib
import sys
from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend
from django.core.mail.backends.smtp import EmailBackend
from django.utils import timezone


class ConsoleAndFolder(BaseEmailBackend):
    """For trying things out; set MAIL_URL to send for real."""

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        folder = settings.CONFIG.data / "mail"
        folder.mkdir(parents=True, exist_ok=True)
        for message in email_messages:
            data = message.message().as_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
            name = f"{timezone.now():%Y%m%dT%H%M%S.%f}-{secrets.token_hex(3)}.eml"
            (folder / name).write_bytes(data)
            sys.stdout.write(
                f"\n--- mail to {', '.join(message.to)} ({folder / name}) ---\n"
                f"{message.subject}\n\n{message.body}\n---\n"
            )
        sys.stdout.flush()
        return len(email_messages)


class Watched(smtplib.SMTP):
    """An SMTP conversation that remembers whether a message's text may have reached the other side."""

    may_have_arrived = False

    def sendmail(self, *args: Any, **words: Any) -> dict[str, tuple[int, bytes]]:
        self.may_have_arrived = False
        return super().sendmail(*args, **words)

    def data(self, msg: Any) -> tuple[int, bytes]:
        self.may_have_arrived = True
        return super().data(msg)


class WatchedTls(Watched, smtplib.SMTP_SSL):
    """The same inside TLS."""


class Smtp(EmailBackend):
    """Django's, and it can say after a failure whether the message may have arrived all the same."""

    may_have_arrived = False

    @property
    def connection_class(self) -> type[smtplib.SMTP]:
        return WatchedTls if self.use_ssl else Watched

    def _send(self, email_message: EmailMessage) -> bool:
        conversation = self.connection
        self.may_have_arrived = False
        try:
            return bool(super()._send(email_message))  # type: ignore[misc]
        finally:
            self.may_have_arrived = getattr(conversation, "may_have_arrived", False)
