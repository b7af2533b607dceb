"""Logging: text for people or JSON for machines, to standard error, without secrets."""

from __future__ import annotations

import logging.config
import re
from typing import Any

from pythonjsonlogger.json import JsonFormatter

# Whatever slips into a message: tokens of ours, Authorization headers, passwords in URLs.
SECRET = re.compile(
    r"otumat-[\w-]{20,}|((?:Basic|Bearer)\s+)[\w+/=.~-]{8,}|(://[^/\s:@]+:)[^/\s@]+(?=@)", re.IGNORECASE
)


class Redact(logging.Filter):
    """Blank out secrets in what is about to be written."""

    def filter(self, record: logging.LogRecord) -> bool:
        text = record.getMessage()
        clean = SECRET.sub(lambda found: (found[1] or found[2] or "") + "[secret]", text)
        if clean != text:
            record.msg, record.args = clean, None
        return True


def configure(*, level: str, form: str) -> None:
    """Set logging up for this process."""
    config: dict[str, Any] = {
        "version": 1,
        "disable_existing_loggers": False,
        "filters": {"redact": {"()": Redact}},
        "formatters": {
            "text": {"format": "{asctime} {levelname:<7} {name}: {message}", "style": "{"},
            "json": {"()": JsonFormatter, "fmt": "%(asctime)s %(levelname)s %(name)s %(message)s"},
        },
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": form, "filters": ["redact"]}},
        "root": {"level": level, "handlers": ["stderr"]},
        "loggers": {
            "axes": {"level": "WARNING"},
            "allauth": {"level": "WARNING"},
            "uvicorn.access": {"level": "WARNING"},
        },
    }
    logging.config.dictConfig(config)
