"""A mail server on this machine, and journal rows to turn into mail."""

from __future__ import annotations

import email
import email.policy
from collections.abc import Callable, Iterator
from email.message import EmailMessage
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from django.db import transaction

from harness.server import free_port
from harness.waiting import PATIENCE_S
from otumat_index.journal import actions as journal
from otumat_index.journal.actor import Actor


class Server:
    """A real SMTP server; `answer` decides on each message by its recipient."""

    def __init__(self) -> None:
        self.messages: list[tuple[str, EmailMessage]] = []
        self.sessions: set[int] = set()
        self.kept: list[Any] = []
        self.answer: Callable[[str], str] = lambda address: "250 OK"
        self.port = free_port()
        self.controller: Controller | None = None

    def start(self) -> None:
        self.controller = Controller(self, hostname="127.0.0.1", port=self.port, ready_timeout=PATIENCE_S)
        self.controller.start()

    def stop(self) -> None:
        if self.controller is not None:
            self.controller.stop()
            self.controller = None

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        self.kept.append(session)  # so that no other gets its id
        self.sessions.add(id(session))
        reply = self.answer(envelope.rcpt_tos[0])
        if reply == "hang up":
            server.transport.abort()
            return "421 bye"
        if reply.startswith("2"):
            message = email.message_from_bytes(envelope.content, policy=email.policy.default)
            self.messages.append((envelope.rcpt_tos[0], message))  # type: ignore[arg-type]
        return reply

    def addresses(self) -> list[str]:
        return sorted(address for address, _ in self.messages)


@pytest.fixture
def smtp(settings: Any) -> Iterator[Server]:
    """The server, and Django told of it as MAIL_URL would."""
    server = Server()
    server.start()
    settings.EMAIL_BACKEND = "otumat_index.web.mail.Smtp"
    settings.EMAIL_HOST, settings.EMAIL_PORT, settings.EMAIL_TIMEOUT = "127.0.0.1", server.port, 10
    settings.EMAIL_HOST_USER = settings.EMAIL_HOST_PASSWORD = ""
    settings.EMAIL_USE_TLS = settings.EMAIL_USE_SSL = False
    yield server
    server.stop()


@pytest.fixture
def row(now: Any) -> Callable[..., int]:
    """Write a journal row; returns its serial."""

    def write(action: str = "tests.happen", subject: str = "it", actor: str = "alice", topic: str = "") -> int:
        with transaction.atomic():
            return journal.write(action, subject, by=Actor(name=actor, credential="session"), at=now, topic=topic)

    return write
