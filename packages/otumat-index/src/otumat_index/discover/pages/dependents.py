"""Who requires a project: what the engine knows, and nothing while it is being built (SQL would read every release)."""

from __future__ import annotations

from dataclasses import dataclass

from otumat_index.discover import search
from otumat_index.discover.pages.project import url_of
from otumat_index.discover.search.asked import DEPENDS, Query, Term
from otumat_index.publish.models import Project

SHOWN = 20


@dataclass(frozen=True, slots=True)
class Dependents:
    """
    Public projects whose most recent release requires another, always or for an extra.

    Attributes:
        first: Names and paths of the best of them.
    """

    total: int
    first: tuple[tuple[str, str], ...]


def dependents_of(project: Project, *, shown: int = SHOWN) -> Dependents | None:
    """None while nobody knows; one query for the names, where any are to be shown."""
    if search.describe().kind != search.READY:
        return None
    found = search.ask(Query((Term(DEPENDS, (project.normalized,)),)), rows=shown, counts=False)
    ids = found.ids[:shown]
    if not ids:
        return Dependents(found.total, ())
    rows = Project.objects.filter(pk__in=ids, is_private=False).values_list("pk", "name", "normalized")
    named = {pk: (name, url_of(Project(normalized=normalized))) for pk, name, normalized in rows}
    return Dependents(found.total, tuple(named[pk] for pk in ids if pk in named))
