"""Reading the catalogue, as far as publishing itself needs it."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

from django.db.models import Exists, OuterRef

from otumat.errors import NotFound
from otumat.spec import names, versions
from otumat.spec.classifiers import Vocabulary
from otumat_index.journal.actor import Actor
from otumat_index.publish import rules
from otumat_index.publish.models import File, Project, Release, Role


@lru_cache(maxsize=1)
def vocabulary() -> Vocabulary:
    """The classifiers this index accepts."""
    return Vocabulary.from_trove()


def standing_of(actor: Actor, normalized: str) -> rules.Standing:
    """What a decision needs to know of a project, in one query."""
    owned = Role.objects.filter(project=OuterRef("pk"), kind=Role.Kind.OWNER)
    row = (
        Project.objects.filter(normalized=normalized)
        .annotate(has_owner=Exists(owned))
        .values_list("pk", "status", "is_private", "has_owner")
        .first()
    )
    if row is None:
        return rules.Standing(name=normalized, exists=False)
    pk, status, is_private, has_owner = row
    role = (
        Role.objects.filter(project=pk, user=actor.user_id).values_list("kind", flat=True).first()
        if actor.user_id
        else None
    )
    return rules.Standing(normalized, True, role or "", status, is_private, has_owner)


def project(name: str, *, by: Actor) -> Project:
    """
    A project the actor may see, by any spelling of its name.

    Raises:
        NotFound: There is none, or none the actor may see: the same answer for both.
    """
    normalized = names.normalize(name)
    found = Project.objects.select_related("latest").filter(normalized=normalized).first()
    if found is None or (found.is_private and not rules.may(by, "read", standing_of(by, normalized))):
        raise NotFound(f"There is no project {name!r} on this index.", hint="Check the spelling, or search for it.")
    return found


def find(name: str, who: Callable[[], Actor]) -> Project:
    """
    The same for pages: credentials are looked at only where the project is not public.

    They are looked at for unknown names too, so that a wrong password gets one answer for hidden and missing projects.
    """
    found = Project.objects.select_related("latest").filter(normalized=names.normalize(name)).first()
    return found if found is not None and not found.is_private else project(name, by=who())


def release(of: Project, version: str) -> Release:
    """One release by any spelling of its version."""
    found = of.releases.filter(canonical=versions.canonical(version)).first()
    if found is None:
        raise NotFound(f"{of.name} has no release {version!r}.", hint="Its page lists the releases there are.")
    return found


def confusable_with(normalized: str) -> str | None:
    """Display name of another project that people would mistake for this name."""
    key = names.confusable_key(normalized)
    return Project.objects.filter(confusable=key).exclude(normalized=normalized).values_list("name", flat=True).first()


def file_key_is_known(key: str) -> bool:
    """Whether a committed row names these bytes."""
    return File.objects.filter(key=key).exists()
