"""What pages of the journal have in common; who may read which rows is decided by the rooms above."""

from __future__ import annotations

from django.http import HttpRequest

PAGE = 50
"""Rows of one page."""


def asked_before(request: HttpRequest) -> int | None:
    """The serial that a page's address asks before; None for the newest rows."""
    text = request.GET.get("before", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None
