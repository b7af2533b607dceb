"""Pure decisions of usage: what a batch adds up to (`counting`), and what an install's days change (`activity`)."""

from __future__ import annotations

from otumat_index.usage.rules.activity import (
    FORTNIGHT,
    KINDS,
    LATE_DAYS,
    MASK_DAYS,
    MONTH,
    WEEK,
    Cell,
    Marked,
    Moved,
    Seen,
    cells,
    in_weeks,
    mark,
    monday,
    places,
    shifts,
)
from otumat_index.usage.rules.counting import (
    LOST,
    OTHER,
    counts,
    days_of,
    joined,
    known_release,
    losses,
    merged,
)

__all__ = [
    "FORTNIGHT",
    "KINDS",
    "LATE_DAYS",
    "LOST",
    "MASK_DAYS",
    "MONTH",
    "OTHER",
    "WEEK",
    "Cell",
    "Marked",
    "Moved",
    "Seen",
    "cells",
    "counts",
    "days_of",
    "in_weeks",
    "joined",
    "known_release",
    "losses",
    "mark",
    "merged",
    "monday",
    "places",
    "shifts",
]
