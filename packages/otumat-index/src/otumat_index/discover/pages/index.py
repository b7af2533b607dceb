"""
The index: every public project in alphabetical order, the most recent version of each, a page at a time or all at once.

Names are compared as PEP 503 writes them: letters without case, `-`, `_` and `.` as one; other alphabets are none
(PEP 508), so that there is no accent to sort by. A place is a name, not a number: page 40,000 costs what page 1 does,
and nothing shows twice when projects come and go.
"""

from __future__ import annotations

import string
from collections.abc import Iterator
from dataclasses import dataclass

from django.db.models import QuerySet

from otumat_index.publish.models import Project

LETTERS = ("0", *string.ascii_lowercase)
"""Where the bar leads: digits come before letters."""
CHUNK_ROWS = 5_000


@dataclass(frozen=True, slots=True)
class Place:
    """
    Where a page of the list is: from a name on, after one, or before one; the beginning when all are empty.

    Attributes:
        rows: Most projects on the page.
    """

    start: str = ""
    after: str = ""
    before: str = ""
    rows: int = 50


@dataclass(frozen=True, slots=True)
class Slice:
    """
    Projects of one page.

    Attributes:
        next_after, previous_before: Where the neighbouring pages begin and end; empty where there is none.
    """

    ids: tuple[int, ...] = ()
    next_after: str = ""
    previous_before: str = ""


def public() -> QuerySet[Project]:
    """Every project that everybody may see and that has something to show."""
    return Project.objects.filter(is_private=False, latest__isnull=False)


def page(place: Place) -> Slice:
    """One page of the whole list; one query, which reads as many rows as it shows and one more."""
    if place.before:
        rows = keys(public().filter(normalized__lt=place.before).order_by("-normalized"), place.rows)
        here, is_first, is_last = rows[: place.rows][::-1], len(rows) <= place.rows, False
    else:
        after = public().filter(normalized__gt=place.after) if place.after else public()
        rows = keys(after.filter(normalized__gte=place.start).order_by("normalized"), place.rows)
        here, is_last = rows[: place.rows], len(rows) <= place.rows
        is_first = not place.after and not place.start
    return Slice(
        ids=tuple(pk for pk, _ in here),
        next_after=here[-1][1] if here and not is_last else "",
        previous_before=here[0][1] if here and not is_first else "",
    )


def keys(found: QuerySet[Project], rows: int) -> list[tuple[int, str]]:
    """Keys and names of the first rows, and of one more, which tells whether there is a next page."""
    return list(found.values_list("pk", "normalized")[: rows + 1])


def lines() -> Iterator[str]:
    """`name version` of everything, a line each, in chunks that hold no transaction open while they are sent."""
    rows, columns = public().order_by("normalized"), ("normalized", "name", "latest__version")
    after = ""
    while chunk := list(rows.filter(normalized__gt=after).values_list(*columns)[:CHUNK_ROWS]):
        yield "".join(f"{name} {version}\n" for _, name, version in chunk)
        after = chunk[-1][0]
