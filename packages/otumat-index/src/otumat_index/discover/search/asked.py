"""
A question to the catalogue: what the query language, the form, the addresses and the API all mean the same by.

Pure: no Django, no clock. A `Query` says nothing about who asks; what somebody may see is added by `search.ask`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

TEXT = "text"
CLASSIFIER = "classifier"
LICENSE = "license"
DEPENDS = "depends"
HAS = "has"
IS = "is"
UPDATED = "updated"
CREATED = "created"

STATUS = "status"

THINGS = ("wheel", "sdist", "files", "description", "docs-url")
"""Values of `HAS`: what the most recent release comes with."""

STATES = ("yanked", "prerelease", "private")
"""Values of `IS`: what the most recent release or the project is."""

STATUSES = ("active", "archived", "deprecated", "quarantined")
"""Values of `STATUS` (PEP 792)."""


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
        field: What is looked at, always in the most recent release:
            `TEXT`: words in name, keywords, summary, description; text with a blank in it is a phrase.
            `CLASSIFIER`: one in full; it is carried, or anything below it.
            `LICENSE`: with ` :: ` in it a classifier, as above; other text is an id or words of `license_expression` or
            `license` (`MIT`), without regard to case. The language gives both: "BSD License" or `BSD-3-Clause` or …
            `DEPENDS`: a project, normalised, that `requires_dist` names.
            `HAS`, `IS`, `STATUS`: one of `THINGS`, of `STATES`, of `STATUSES`.
            `UPDATED`, `CREATED`: the project's moment, as `moments.span` reads it.
            Any other field of core metadata by its attribute (`summary`, `author`, `requires_python`): words in it,
            without regard to case; `author` and `maintainer` are also looked for in their addresses.
        values: The test is passed by any of them; never empty.
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
