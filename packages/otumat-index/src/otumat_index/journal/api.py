"""How doors show the journal; the rooms that know who may read which rows call it."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

from otumat_index.journal.models import Entry
from otumat_index.journal.sentences import told

PAGE = 100
"""Rows of one page."""


def shown_page(entries: Sequence[Entry], before: int | None) -> dict[str, Any]:
    """Rows as JSON, newest first; `next` is the `before` of the next page. A row's data stays inside."""
    rows = [
        {**dataclasses.asdict(told(each)), "actor": each.actor, "action": each.action, "subject": each.subject}
        for each in entries
    ]
    return {"entries": rows, "next": before}
