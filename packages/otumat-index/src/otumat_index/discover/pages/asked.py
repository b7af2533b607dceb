"""Texts and numbers of an address: bounded, without control characters, never an error."""

from __future__ import annotations

from django.http import QueryDict

TEXT_MAX_CHARS = 200
ROWS = 50
ROWS_MAX = 200


def text_of(query: QueryDict, name: str) -> str:
    """One value as tidy text, empty when it is not there."""
    return tidy(query.get(name, ""))


def tidy(text: str) -> str:
    """One line without control characters (PostgreSQL refuses NUL), at most `TEXT_MAX_CHARS` long."""
    return " ".join("".join(char if char.isprintable() else " " for char in text[:TEXT_MAX_CHARS]).split())


def rows_of(query: QueryDict) -> int:
    """Rows a page: 1 to `ROWS_MAX`; anything unreadable is the default."""
    text = query.get("rows", "")
    return min(max(int(text), 1), ROWS_MAX) if text.isascii() and text.isdigit() and len(text) < 5 else ROWS
