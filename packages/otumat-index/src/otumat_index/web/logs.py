"""Logging: text for people or JSON for machines, to standard error, without secrets."""

from __future__ import annotations

import logging.config
import re
from typing import Any

from pythonjsonlogger.json import JsonFormatter

SECRET = re.compile(
    r"otumat-[\w-]{20,}"  # our tokens
    r"|\beyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]*"  # identity tokens of issuers
    r"|\b((?:Basic|Bearer)\s+)[\w+/=.~-]{8,}"  # Authorization headers
    r"|(://[^/\s:@]*:)[^/\s@]+(?=@)"  # passwords in URLs
    r"|(/(?:account/(?:first-admin|confirm-email|password/reset/key|mail/unsubscribe)|usage/visit)/)[^/\s\"?]+"  # links
    r"|(/api/usage-install/)[^/\s\"?]+",  # who tells its uses
    re.IGNORECASE,
)


def redacted(text: str) -> str:
    """The same without whatever looks like a secret."""
    return SECRET.sub(lambda found: next((each for each in found.groups() if each), "") + "[secret]", text)


class Text(logging.Formatter):
    """One line for people, tracebacks below it."""

    def format(self, record: logging.LogRecord) -> str:
        return redacted(super().format(record))


class Json(JsonFormatter):
    """One object a line for machines."""

    def format(self, record: logging.LogRecord) -> str:
        return redacted(super().format(record))


def configure(*, level: str, form: str) -> None:
    """Set logging up for this process."""
    config: dict[str, Any] = {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "text": {"()": Text, "fmt": "{asctime} {levelname:<7} {name}: {message}", "style": "{"},
            "json": {"()": Json, "fmt": "%(asctime)s %(levelname)s %(name)s %(message)s"},
        },
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": form}},
        "root": {"level": level, "handlers": ["stderr"]},
        "loggers": {
            "axes": {"level": "WARNING"},
            "allauth": {"level": "WARNING"},
            "uvicorn.access": {"level": "WARNING"},
            "django.security.DisallowedHost": {"level": "CRITICAL"},  # scanners send them all day
        },
    }
    logging.config.dictConfig(config)
