"""Mail of the embedded default: every message on the console and, one RFC 5322 file each, in `data/mail`."""

from __future__ import annotations

import secrets
import sys
from collections.abc import Sequence

from django.conf import settings
from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend
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
