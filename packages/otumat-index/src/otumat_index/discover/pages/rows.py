"""Short rows: a project in one line and its summary, where a card would be too much."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import QuerySet

from otumat_index.publish.models import Project

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


def read(found: QuerySet[Project], count: int) -> list[Row]:
    """The first rows of a query, without anything that lists do not show (descriptions are long)."""
    return [Row(*values) for values in found.values_list(*COLUMNS)[:count]]
