"""The answer to a question: a page of project ids, and the live counts of every classifier within the selection."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Source(StrEnum):
    """Who answered."""

    ENGINE = "engine"
    SQL = "sql"


@dataclass(frozen=True, slots=True)
class Found:
    """
    One page of results.

    Attributes:
        total: Projects that match, whatever the page; from SQL at most `sql.COUNTED_MAX` (10,000), which means more.
        ids: Primary keys of projects in order, at most as many as were asked for.
        next, previous: Opaque places of the neighbouring pages; empty where there is none.
        counts: For every category (`Topic`) and classifier of the index with any: `total` if it were selected too.
        suggestion: The text as it was probably meant, when nothing or little matched; else empty.
        serial: The journal's serial this answer knows of.
        source: `SQL` answers come without ranking, suggestions and (`counts` empty) counts.
    """

    total: int
    ids: tuple[int, ...]
    next: str = ""
    previous: str = ""
    counts: Mapping[str, int] = field(default_factory=dict)
    suggestion: str = ""
    serial: int = 0
    source: Source = Source.ENGINE
