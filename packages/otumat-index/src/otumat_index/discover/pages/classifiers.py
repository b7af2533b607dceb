"""Classifiers as people meet them: the whole list with counts, and ways to narrow what is shown."""

from __future__ import annotations

from dataclasses import dataclass, replace

from django.db.models import Count

from otumat.spec.classifiers import SEPARATOR
from otumat_index.discover.pages import catalogue
from otumat_index.discover.pages.asked import CLASSIFIERS_MAX, Asked
from otumat_index.publish.models import ReleaseClassifier
from otumat_index.publish.queries import vocabulary

NARROWING_MAX = 400
FIRST = ("Topic", "Environment", "Framework")
"""Shown first, for they say what a project is for; the rest follows in alphabetical order."""


@dataclass(frozen=True, slots=True)
class Term:
    """
    One classifier.

    Attributes:
        text: In full: `Topic :: Software Development :: Libraries`.
        leaf: Its last part.
        below: All but its first part, which lists show as their heading.
        depth: 1 right below the category.
        count: Public projects whose most recent release carries exactly this.
    """

    text: str
    leaf: str
    below: str
    depth: int
    count: int = 0


@dataclass(frozen=True, slots=True)
class Category:
    """A first part (`Topic`) and the classifiers below it."""

    name: str
    terms: tuple[Term, ...]


def categories(*, matching: str = "") -> list[Category]:
    """Every classifier of this index by category, with counts; those containing a text where one is given."""
    counts = all_counts()
    wanted = matching.casefold()
    texts = [text for text in vocabulary().sorted_for_display if wanted in text.casefold()]
    return grouped({text: counts.get(text, 0) for text in texts})


def category_names() -> list[str]:
    """First parts of all classifiers, in order."""
    return list(dict.fromkeys(text.split(SEPARATOR)[0] for text in vocabulary().sorted_for_display))


def grouped(counts: dict[str, int]) -> list[Category]:
    """Classifiers and their counts, in their order, under their first parts."""
    found: dict[str, list[Term]] = {}
    for text, count in counts.items():
        parts = text.split(SEPARATOR)
        found.setdefault(parts[0], []).append(
            Term(text, parts[-1], SEPARATOR.join(parts[1:]) or text, max(1, len(parts) - 1), count)
        )
    return [Category(name, tuple(terms)) for name, terms in found.items()]


def all_counts() -> dict[str, int]:
    """How many public projects carry each classifier on their most recent release; one query."""
    links = catalogue.public().filter(latest__classifier_links__isnull=False)
    return dict(links.values_list("latest__classifier_links__classifier__text").annotate(count=Count("pk")).order_by())


def narrowing(asked: Asked) -> list[Category]:
    """
    Classifiers that the selected projects carry, with how many of them do: what one may click next.

    One query; the most used `NARROWING_MAX` of them.
    """
    if len(asked.classifiers) >= CLASSIFIERS_MAX:
        return []
    releases = catalogue.narrowed(replace(asked, after="", before="")).values("latest")
    links = ReleaseClassifier.objects.filter(release__in=releases).exclude(classifier__text__in=asked.classifiers)
    rows = links.values_list("classifier__text").annotate(count=Count("pk")).order_by("-count", "classifier__text")
    counts = dict(rows[:NARROWING_MAX])
    found = grouped({text: counts[text] for text in sorted(counts)})
    return sorted(found, key=lambda category: FIRST.index(category.name) if category.name in FIRST else len(FIRST))
