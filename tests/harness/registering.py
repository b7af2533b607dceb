"""Somebody new, who registers by the draft's routes, and finds the links in the mail that comes."""

from __future__ import annotations

import re
from typing import Any

from django.core import mail
from django.test import Client

NEW = "quite another sentence"
DANA = {"name": "dana", "password": NEW, "confirm": NEW, "email": "dana@example.org"}
JSON = {"Accept": "application/json", "Host": "evil.example"}


def post(path: str, fields: dict[str, Any], **headers: str) -> Any:
    """A POST of somebody new, as a program sends it."""
    return Client(enforce_csrf_checks=True).post(path, fields, headers={**JSON, **headers})


def links() -> list[str]:
    """The paths of links in the newest mail, none of them elsewhere."""
    body = mail.outbox[-1].body
    assert "evil.example" not in str(body)
    return re.findall(r"http://localhost:8000(/\S+)", str(body))
