"""
A question to the catalogue: what the query language, the form, the addresses and the API all mean the same by.

Pure: no Django, no clock. A `Query` says nothing about who asks; what somebody may see is added by `search.ask`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

TEXT = "text"
CLASSIFIER = "classifier"


class Order(StrEnum):
    """How results are sorted."""

    BEST = "best"
    NAME = "name"
    UPDATED = "updated"
    CREATED = "created"


@dataclass(frozen=True, slots=True)
class Term:
    """
    One test that a project passes or not.

    Attributes:
        field: `TEXT` (words in name, keywords, summary, description), `CLASSIFIER` (in full: carried by the most recent
            release, it or anything below it), or a field of the query language such as `author`, `depends`, `updated`.
        values: The test is passed by any of them. Text with a blank in it is a phrase.
        negated: The test is passed by everything else.
    """

    field: str
    values: tuple[str, ...]
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Query:
    """
    Projects that pass every test; all there are when there is none.

    Attributes:
        terms: In the order they were written.
        order: `BEST` without text is by quality alone.
        is_typing: The last word of the text may be the beginning of one.
    """

    terms: tuple[Term, ...] = ()
    order: Order = Order.BEST
    is_typing: bool = False
