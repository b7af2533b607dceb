"""Cards: what one needs to know of a project to choose it, for lists of any kind."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from django.db.models import Q, QuerySet
from django.utils.safestring import SafeString

from otumat_index.discover.pages import facts
from otumat_index.discover.pages.articles import article
from otumat_index.publish.models import Project
from otumat_index.web import prepared

ROWS_MOST = 256
COLUMNS = (
    "pk",
    "normalized",
    "name",
    "status",
    "is_private",
    "latest__version",
    "latest__created_at",
    "latest__is_yanked",
    "latest__is_prerelease",
    "latest__summary",
    "latest__requires_python",
    "latest__license_expression",
    "latest__license",
    "latest__classifiers",
)


@dataclass(frozen=True, slots=True)
class Card:
    """
    One project, as its most recent release says.

    Attributes:
        requires_python: As installers read it: `>=3.10`.
        python: Versions its classifiers name, in words: `3.10 to 3.13`.
        license: A short line.
        maturity: Its development status in a word: `Beta`.
        labels: Few classifiers that tell what it is for.
    """

    id: int
    normalized: str
    name: str
    status: str
    is_private: bool
    version: str
    released_at: datetime
    is_yanked: bool
    is_prerelease: bool
    summary: str
    requires_python: str
    license: str
    python: str
    maturity: str
    labels: tuple[facts.Label, ...]

    @property
    def url(self) -> str:
        """Path of its page."""
        return f"/project/{self.normalized}/"

    @property
    def html(self) -> SafeString:
        """It, as a list shows it."""
        return article(self)

    @property
    def mark(self) -> str:
        """What a reader should know before choosing it; mostly nothing."""
        return self.status if self.status != Project.Status.ACTIVE else "yanked" if self.is_yanked else ""


def cards(ids: Sequence[int], *, sees: Collection[int] = frozenset()) -> list[Card]:
    """
    Cards in the order of ids; one query, whatever their number.

    Args:
        ids: Primary keys of projects. Those that are gone, or not to be seen, are left out.
        sees: Primary keys of the private projects that whoever asks may see.
    """
    mine = [pk for pk in ids if pk in sees]
    if mine or not ids:
        rows: Iterable[Sequence[Any]] = shown(ids).filter(Q(is_private=False) | Q(pk__in=mine))
    else:
        rows = public_rows(len(ids))(*ids)
    found = {row[0]: card_of(*row) for row in rows}
    return [found[pk] for pk in ids if pk in found]


def shown(ids: Sequence[int]) -> QuerySet[Project, tuple[Any, ...]]:
    return Project.objects.filter(pk__in=ids, latest__isnull=False).values_list(*COLUMNS).order_by()


@lru_cache(maxsize=ROWS_MOST)
def public_rows(count: int) -> Callable[..., list[Any]]:
    """Asks for so many public projects by primary key, with a statement that is built once."""
    return prepared.rows(lambda *ids: shown(ids).filter(is_private=False))


def card_of(
    pk: int,
    normalized: str,
    name: str,
    status: str,
    is_private: bool,
    version: str,
    released_at: datetime,
    is_yanked: bool,
    is_prerelease: bool,
    summary: str,
    requires_python: str,
    expression: str,
    license_text: str,
    classifiers: list[str],
) -> Card:
    """One row, told in few words."""
    return Card(
        pk,
        normalized,
        name,
        status,
        is_private,
        version,
        released_at,
        is_yanked,
        is_prerelease,
        summary,
        requires_python,
        license=facts.license_of(expression, license_text, classifiers),
        python=facts.python_versions(classifiers),
        maturity=facts.status_of(classifiers),
        labels=facts.labels_of(classifiers),
    )
