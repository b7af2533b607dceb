"""Reading what is published."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery

from otumat_index.journal.models import Entry
from otumat_index.publish.models import Project, Role
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
    """Whether everybody may see how a project is used."""
    return in_effect().filter(project=project).exists()


def in_effect() -> QuerySet[Publication]:
    """
    The yeses that hold.

    One ends with the project's visibility, for what was said of a public project is not said of one that was private;
    and when who said it owns the project no more, for it is not the new owner's.
    """
    moves = Entry.objects.filter(
        topic=OuterRef("project__normalized"), action="project.visibility", at__gte=OuterRef("changed_at")
    )
    seen = Publication.objects.filter(is_on=True, project__is_private=False)
    return seen.exclude(project__status=Project.Status.QUARANTINED).filter(Exists(owning()), ~Exists(moves))


def owning() -> QuerySet[Role]:
    """The roles by which who said yes owns the project, by name or in a group."""
    who = OuterRef("said_by")
    in_group = Q(group__members__user=who, group__members__joined_at__isnull=False)
    return Role.objects.filter(Q(user=who) | in_group, project=OuterRef("project"), kind=Role.Kind.OWNER)


def of_who_left() -> QuerySet[Publication]:
    """The yeses of those who own the project no more."""
    return Publication.objects.filter(~Exists(owning()), is_on=True)


def in_use() -> dict[int, int]:
    """
    Installs of the newest week that is published, by project: a place among results tells nothing that a page does not.

    Projects whose owners publish nothing, and those of which too few tell, are not among them.
    """
    weeks = PublishedWeek.objects.filter(project=OuterRef("project")).order_by("-week").values("week")[:1]
    newest = PublishedWeek.objects.filter(project__in=in_effect().values("project"), week=Subquery(weeks))
    return {project: number for project, number in newest.values_list("project", "installs") if number is not None}


def published(project: Project) -> Published:
    """What everybody may see."""
    if not is_published(project):
        return Published(project.name, is_on=False)
    rows = PublishedWeek.objects.filter(project=project).order_by("-week")[:SHOWN_WEEKS]
    weeks = ((row.week, Figures(row.installs, {kind: pairs(row.parts[kind]) for kind in row.parts})) for row in rows)
    return Published(project.name, is_on=True, weeks=tuple(weeks))


def pairs(rows: list[list[object]]) -> tuple[tuple[str, int], ...]:
    return tuple((str(value), int(str(number))) for value, number in rows)
