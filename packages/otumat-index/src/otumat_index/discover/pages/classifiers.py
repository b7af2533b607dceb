"""The list of classifiers as people and programs read it: counts, those of this index, and those of former times."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from otumat.spec.classifiers import SEPARATOR, Vocabulary, display_key, parents
from otumat_index.discover import search
from otumat_index.discover.pages import index
from otumat_index.discover.search.asked import Query
from otumat_index.discover.search.found import Source
from otumat_index.publish.queries import own_classifiers, vocabulary

SUMMED_MAX = 9_000
"""Projects that are counted one by one while the engine is being built; with more of them there are no counts then."""


@dataclass(frozen=True, slots=True)
class Term:
    """
    One classifier.

    Attributes:
        text: In full: `Topic :: Software Development :: Libraries`.
        leaf: Its last part.
        depth: 1 right below the category.
        count: Public projects that carry it or one below it on their most recent release; None while nobody knows.
        instead: Of one that is deprecated: what to use, perhaps nothing.
    """

    text: str
    leaf: str
    depth: int
    count: int | None
    is_own: bool = False
    is_deprecated: bool = False
    instead: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Category:
    """A first part (`Topic`) and the classifiers below it."""

    name: str
    terms: tuple[Term, ...]


def category_names() -> list[str]:
    """First parts of all classifiers, in order."""
    return list(dict.fromkeys(text.split(SEPARATOR)[0] for text in vocabulary().sorted_for_display))


def every(vocabulary: Vocabulary, *, matching: str = "") -> list[Term]:
    """Every classifier, deprecated ones included, in the order of the list, or those that contain a text."""
    counts, own, wanted = all_counts(), own_classifiers(), matching.casefold()
    texts = {text for text in vocabulary.allowed.union(vocabulary.deprecated) if wanted in text.casefold()}
    return [term_of(text, counts, own, vocabulary.deprecated) for text in sorted(texts, key=display_key)]


def term_of(
    text: str, counts: Mapping[str, int] | None, own: frozenset[str], deprecated: Mapping[str, tuple[str, ...]]
) -> Term:
    parts = text.split(SEPARATOR)
    count = None if counts is None else counts.get(text, 0)
    return Term(
        text, parts[-1], max(1, len(parts) - 1), count, text in own, text in deprecated, deprecated.get(text, ())
    )


def tree(vocabulary: Vocabulary, *, matching: str = "") -> dict[str, Any]:
    """What the page shows: categories of what may be chosen, and apart from them what no longer may."""
    found: dict[str, list[Term]] = {}
    terms = every(vocabulary, matching=matching)
    for term in terms:
        if not term.is_deprecated:
            found.setdefault(term.text.split(SEPARATOR)[0], []).append(term)
    return {
        "categories": [Category(name, tuple(each)) for name, each in found.items()],
        "deprecated": [term for term in terms if term.is_deprecated],
        "has_counts": any(term.count is not None for term in terms),
    }


def as_rows(vocabulary: Vocabulary, *, matching: str = "") -> list[dict[str, Any]]:
    """The same for programs."""
    return [
        {
            "classifier": term.text,
            "projects": term.count,
            "own": term.is_own,
            "deprecated": term.is_deprecated,
            "use_instead": list(term.instead),
        }
        for term in every(vocabulary, matching=matching)
    ]


def all_counts() -> Mapping[str, int] | None:
    """How many public projects carry each classifier or one below it; None when that would take too long."""
    found = search.ask(Query(), rows=1)
    if found.source == Source.ENGINE:
        return found.counts
    return summed() if found.total <= SUMMED_MAX else None


def summed() -> Counter[str]:
    """The same from the catalogue."""
    links = index.public().filter(latest__classifier_links__isnull=False)
    pairs = links.values_list("pk", "latest__classifier_links__classifier__text")
    return Counter(each for _, each in {(pk, up) for pk, text in pairs for up in (*parents(text), text)})
