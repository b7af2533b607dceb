"""What may stand before a colon, and behind: read by the parser and by the help page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from otumat.spec.metadata import FIELDS
from otumat_index.discover.search import asked

TEXT_MAX_CHARS = 500
TERMS_MAX = 32
VALUES_MAX = 16
SLIPS_MAX = 8
"""Told; to say of each value what was perhaps meant costs a look at every classifier."""
DEAR_MAX = 12
"""Phrases, moments, versions: each may cost a walk over the whole catalogue (at 886,000 projects up to 15 ms)."""
SORT = "sort"

METADATA = tuple(field.attribute for field in FIELDS if field.attribute not in ("classifiers", "license"))
"""Fields of core metadata that contain what is asked for."""

OTHERS: Mapping[str, str] = {
    "dev": "status",
    "development-status": "status",
    "env": "environment",
    "lang": "language",
    "programming-language": "language",
    "operating-system": "os",
    "intended-audience": "audience",
    "natural-language": "natural",
    "licence": asked.LICENSE,
    "classifiers": asked.CLASSIFIER,
    "dependency": asked.DEPENDS,
    "dependencies": asked.DEPENDS,
    "modified": asked.UPDATED,
    "changed": asked.UPDATED,
    "platform": "platforms",
    "keyword": "keywords",
    "homepage": "home_page",
    "email": "author_email",
    "extra": "provides_extra",
    "import": "import_names",
    "order": SORT,
    "words": asked.TEXT,
}
"""Other words for fields."""

TESTS = (asked.TEXT, asked.CLASSIFIER, asked.LICENSE, asked.DEPENDS, asked.HAS, asked.IS, asked.UPDATED, asked.CREATED)
TAKEN = frozenset([SORT, *TESTS, *OTHERS, *(each.replace("_", "-") for each in METADATA)])
"""Words that an index's own categories cannot have as a field."""

DEAR = frozenset([asked.UPDATED, asked.CREATED, "requires_python", "version"])
"""Fields whose every value costs; so do words of text with anything between letters, for these are phrases."""

VALUES: Mapping[str, str] = {"file": "files", "docs": "docs-url", "pre-release": "prerelease"}
"""Other words for values of `has` and `is`."""

ORDERS: Mapping[str, asked.Order] = {
    **{order.value: order for order in asked.Order},
    "relevance": asked.Order.BEST,
    "recent": asked.Order.UPDATED,
    "newest": asked.Order.CREATED,
}


@dataclass(frozen=True, slots=True)
class Told:
    """A line of the help page: how something is written, and what it finds."""

    example: str
    finds: str


HELP: tuple[tuple[str, tuple[Told, ...]], ...] = (
    (
        "Words",
        (
            Told("issue tracker", "both words, in name, keywords, summary or description"),
            Told('"time series"', "the phrase, as it stands"),
            Told("text:queue,broker", "either word"),
            Told("djan*", "words that begin so; the last word of a query only"),
            Told("-windows", "without the word; a minus turns every test round"),
        ),
    ),
    (
        "Classifiers",
        (
            Told("framework:django", "Framework :: Django, or anything below it"),
            Told("framework:django,flask", "either of them"),
            Told("framework:django/5.0", "Framework :: Django :: 5.0"),
            Told("topic:office/business os:os/2", "both: the topic, and the operating system"),
            Told("python:3.13 status:stable", "says it runs on Python 3.13, and that it is ready for production"),
            Told("audience:developers environment:console", "for developers, at the console"),
            Told("language:rust natural:german typing:typed", "written in, speaks, has type hints"),
            Told('classifier:"Framework :: Django :: 5.0"', "written in full, in quotes"),
        ),
    ),
    (
        "Licences",
        (
            Told("license:MIT", "by classifier or by licence expression, whichever the project uses"),
            Told("license:apache-2.0,bsd", "either of them"),
            Told("-license:gplv3", "not that one"),
        ),
    ),
    (
        "People and other fields",
        (
            Told('author:"R. Jones"', "the author's name or address contains it"),
            Told("name:flask", "the project's name contains it"),
            Told(
                "summary:asynchronous", "so for every field of core metadata: keywords, requires_python, home_page, …"
            ),
        ),
    ),
    (
        "What it needs, has and is",
        (
            Told("depends:numpy", "requires numpy"),
            Told("has:wheel", f"its newest release has one; also {', '.join(asked.THINGS[1:])}"),
            Told("-is:yanked", f"not yanked; also {', '.join((*asked.STATES[1:], *asked.STATUSES))}"),
        ),
    ),
    (
        "When",
        (
            Told("updated:<90d", "changed less than 90 days ago; d, w, m and y are days to years"),
            Told("updated:>2y", "not changed for two years"),
            Told("created:>2024-01-01", "first seen after that day; also 2024, 2024-03, <=2024-03-31"),
        ),
    ),
    (
        "Order",
        (Told("sort:updated", "the last changed first; also name, created, and best, which is the usual one"),),
    ),
)
