"""The list of public projects: the most recent version of each, alphabetical, filtered, a page at a time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import reduce
from operator import or_

from django.db.models import Exists, OuterRef, Q, QuerySet

from otumat_index.discover.pages.asked import Asked
from otumat_index.publish.models import Project, ReleaseClassifier

COUNTED_MAX = 1_000
"""Beyond this a list says "more than": an exact number would cost a walk over the whole catalogue."""

COLUMNS = (
    "normalized",
    "name",
    "latest__version",
    "latest__summary",
    "latest__is_yanked",
    "status",
    "created_at",
    "updated_at",
)
COLUMNS_OF = {
    "name": ("name",),
    "author": ("latest__author", "latest__author_email"),
    "maintainer": ("latest__maintainer", "latest__maintainer_email"),
    "license": ("latest__license", "latest__license_expression"),
}
"""Where a field is looked for, when not in its own column alone: people are often named in their address only."""


@dataclass(frozen=True, slots=True)
class Row:
    """One project as lists show it."""

    normalized: str
    name: str
    version: str
    summary: str
    is_yanked: bool
    status: str
    created_at: datetime
    updated_at: datetime

    @property
    def mark(self) -> str:
        """What a reader should know before choosing it; mostly nothing."""
        return self.status if self.status != Project.Status.ACTIVE else "yanked" if self.is_yanked else ""


@dataclass(frozen=True, slots=True)
class Page:
    """
    A page of a list.

    Attributes:
        total: How many projects match all in all, up to `COUNTED_MAX`.
        is_more_than_total: Whether there are more than that.
        next_after, previous_before: Where the neighbouring pages begin and end; empty where there is none.
    """

    rows: tuple[Row, ...]
    total: int
    is_more_than_total: bool
    next_after: str
    previous_before: str


def public() -> QuerySet[Project]:
    """Every project that everybody may see and that has something to show."""
    return Project.objects.filter(is_private=False, latest__isnull=False)


def narrowed(asked: Asked) -> QuerySet[Project]:
    """The public projects whose most recent release is what was asked for."""
    found = public()
    for word in asked.text.split()[:8]:
        found = found.filter(Q(name__icontains=word) | Q(latest__summary__icontains=word))
    for field, text in asked.fields:
        columns = COLUMNS_OF.get(field, (f"latest__{field}",))
        found = found.filter(reduce(or_, (Q(**{f"{column}__icontains": text}) for column in columns)))
    for classifier in asked.classifiers:
        found = found.filter(Exists(carriers(classifier)))
    return found


def carriers(classifier: str) -> QuerySet[ReleaseClassifier]:
    """Links from a project's latest release to a classifier or one below it."""
    at_or_below = Q(classifier__text=classifier) | Q(classifier__text__startswith=f"{classifier} :: ")
    return ReleaseClassifier.objects.filter(at_or_below, release=OuterRef("latest"))


def page(asked: Asked) -> Page:
    """
    One page of the list; two queries at most, whatever the length of the list.

    A place is a name, not a number: nobody can ask for page 10**18, and nothing shows twice when projects come and go.
    """
    found = narrowed(asked)
    if asked.before:
        rows = read(found.filter(normalized__lt=asked.before).order_by("-normalized"), asked.rows + 1)
        here, has_previous, has_next = rows[: asked.rows][::-1], len(rows) > asked.rows, True
    else:
        rows = read(found.filter(normalized__gt=asked.after).order_by("normalized"), asked.rows + 1)
        here, has_previous, has_next = rows[: asked.rows], bool(asked.after), len(rows) > asked.rows
    is_all = not asked.after and not asked.before and not has_next
    total = len(here) if is_all else found.order_by()[: COUNTED_MAX + 1].count()
    return Page(
        rows=tuple(here),
        total=min(total, COUNTED_MAX),
        is_more_than_total=total > COUNTED_MAX,
        next_after=here[-1].normalized if here and has_next else "",
        previous_before=here[0].normalized if here and has_previous else "",
    )


def newest(count: int) -> list[Row]:
    """The projects that came last."""
    return read(public().order_by("-pk"), count)


def recently_updated(count: int) -> list[Row]:
    """The projects that changed last."""
    return read(public().order_by("-updated_at", "-pk"), count)


def read(found: QuerySet[Project], count: int) -> list[Row]:
    """The first rows of a query, without anything that lists do not show (descriptions are long)."""
    return [Row(*values) for values in found.values_list(*COLUMNS)[:count]]
