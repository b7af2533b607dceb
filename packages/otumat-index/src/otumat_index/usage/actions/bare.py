"""Names of events of a project without a manifest: as many as a manifest could declare, for any copy makes them up."""

from __future__ import annotations

from collections.abc import Set as AbstractSet

from django.db import transaction

from otumat.spec.manifest import MAX_EVENTS
from otumat_index.publish.actions import entry
from otumat_index.publish.models import Project
from otumat_index.usage.models import BareName


def note_names(project: Project, told: AbstractSet[str]) -> set[str]:
    """Note the names that were told, while there is room; returns all that are known now."""
    known = names_of(project)
    if told <= known or len(known) >= MAX_EVENTS:
        return known
    with transaction.atomic():
        entry.lock(project)  # one batch after the other, for there is a bound
        known = names_of(project)
        new = sorted(told - known)[: max(MAX_EVENTS - len(known), 0)]
        BareName.objects.bulk_create(BareName(project=project, name=name) for name in new)
        return known.union(new)


def names_of(project: Project) -> set[str]:
    return set(BareName.objects.filter(project=project).values_list("name", flat=True))
