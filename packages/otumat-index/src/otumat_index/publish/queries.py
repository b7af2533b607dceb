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
from otumat_index.publish.models import Classifier, File, Project, Release, Role


@lru_cache(maxsize=1)
def vocabulary() -> Vocabulary:
    """The classifiers this index accepts."""
    return Vocabulary.from_trove()


@lru_cache(maxsize=1)
def widths() -> dict[str, int]:
    """Most characters of each column of a release's texts; `classifier` is that of one classifier."""
    columns = {each.name: getattr(each, "max_length", None) for each in Release._meta.concrete_fields}
    return {
        **{name: width for name, width in columns.items() if width},
        "classifier": Classifier._meta.get_field("text").max_length or 0,
    }


def standing_of(actor: Actor, normalized: str) -> rules.Standing:
    """What a decision needs to know of a project, in two queries (one for nobody), whether it exists or not."""
    if names.check_name(normalized):  # nor could every database be asked for it
        return rules.Standing(name=normalized, exists=False)
    owned = Role.objects.filter(project=OuterRef("pk"), kind=Role.Kind.OWNER)
    row = (
        Project.objects.filter(normalized=normalized)
        .annotate(has_owner=Exists(owned))
        .values_list("pk", "status", "is_private", "has_owner")
        .first()
    )
    pk, status, is_private, has_owner = row or (0, "", False, False)
    held = Role.objects.filter(project=pk, user=actor.user_id).values_list("kind", flat=True)
    role = held.first() if actor.user_id else None
    if row is None:
        return rules.Standing(name=normalized, exists=False)
    return rules.Standing(normalized, True, role or "", status, is_private, has_owner)


def project(name: str, *, by: Actor) -> Project:
    """
    A project the actor may see, by any spelling of its name.

    Raises:
        NotFound: There is none, or none the actor may see: the same answer for both.
    """
    normalized = names.normalize(name)
    found = by_name(normalized)
    if found is None or found.is_private:
        # Asked for missing ones too, so that they take as long as hidden ones (A86).
        standing = standing_of(by, normalized)
        if found is None or not rules.may(by, "read", standing):
            raise NotFound(f"There is no project {name!r} on this index.", hint="Check the spelling, or search for it.")
    return found


def by_name(normalized: str) -> Project | None:
    """The project of a normalised name, whoever asks."""
    if names.check_name(normalized):  # nor could every database be asked for it
        return None
    return Project.objects.select_related("latest").filter(normalized=normalized).first()


def find(name: str, who: Callable[[], Actor]) -> Project:
    """
    The same for pages: credentials are looked at only where the project is not public.

    They are looked at for unknown names too, so that a wrong password gets one answer for hidden and missing projects.
    """
    found = by_name(names.normalize(name))
    return found if found is not None and not found.is_private else project(name, by=who())


def release(of: Project, version: str) -> Release:
    """One release by any spelling of its version."""
    found = of.releases.filter(canonical=versions.canonical(version)).first()
    if found is None:
        raise NotFound(f"{of.name} has no release {version!r}.", hint="Its page lists the releases there are.")
    return found


def confusable_with(normalized: str, *, by: Actor) -> tuple[str | None, bool]:
    """
    Another project that people would mistake for this name.

    Returns:
        Its display name, where the actor may see it (None otherwise); and whether there is one at all.
    """
    twins = Project.objects.filter(confusable=names.confusable_key(normalized)).exclude(normalized=normalized)
    # A public one first: its name may be told.
    twin = twins.order_by("is_private", "normalized").first()
    if twin is None:
        return None, False
    return (None if rules.is_hidden(by, standing_of(by, twin.normalized)) else twin.name), True


def file_key_is_known(key: str) -> bool:
    """Whether a committed row names these bytes."""
    return File.objects.filter(key=key).exists()
