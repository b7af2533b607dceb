"""Reading what is published."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from otumat_index.journal.models import Entry
from otumat_index.publish.models import Project
from otumat_index.usage.published.models import Publication, PublishedWeek
from otumat_index.usage.rules.publishing import Figures

SHOWN_WEEKS = 104


@dataclass(frozen=True, slots=True)
class Published:
    """A project as everybody may see it: weeks by their Mondays, the newest first; none where nothing is published."""

    project: str
    is_on: bool
    weeks: tuple[tuple[date, Figures], ...] = ()

    @property
    def newest(self) -> Figures:
        """The last week that is told of."""
        return self.weeks[0][1] if self.weeks else Figures()

    @property
    def is_empty(self) -> bool:
        return all(figures.installs is None for _, figures in self.weeks)


def is_published(project: Project) -> bool:
    """
    Whether everybody may see how a project is used.

    A yes ends with the project's visibility: what was said of a public project is not said of one that was private.
    """
    if project.is_private or project.status == Project.Status.QUARANTINED:
        return False
    said = Publication.objects.filter(project=project, is_on=True).first()
    if said is None:
        return False
    moves = Entry.objects.filter(topic=project.normalized, action="project.visibility", at__gte=said.changed_at)
    return not moves.exists()


def published(project: Project) -> Published:
    """What everybody may see."""
    if not is_published(project):
        return Published(project.name, is_on=False)
    rows = PublishedWeek.objects.filter(project=project).order_by("-week")[:SHOWN_WEEKS]
    weeks = ((row.week, Figures(row.installs, {kind: pairs(row.parts[kind]) for kind in row.parts})) for row in rows)
    return Published(project.name, is_on=True, weeks=tuple(weeks))


def pairs(rows: list[list[object]]) -> tuple[tuple[str, int], ...]:
    return tuple((str(value), int(str(number))) for value, number in rows)
