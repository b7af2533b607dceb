"""Steps that submit and upload share: claim a name, write a release's information, find the newest release."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from otumat.errors import Problem
from otumat.spec import names, versions
from otumat.spec.metadata import Metadata
from otumat_index.journal.actor import Actor
from otumat_index.publish import queries, rules
from otumat_index.publish.models import Classifier, Project, Release, ReleaseClassifier, Role

NEWEST_FIRST = ("is_yanked", "is_prerelease", "-sort_key")
"""Order of a project's releases: not yanked, final before pre-release, highest version."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """
    What a submission did, or would have done.

    Attributes:
        action: `created`, `updated` or `verified`.
        name, version: As the index shows them.
        problems: Warnings; errors are raised.
        serial: Of the journal row; 0 for a verification.
    """

    action: str
    name: str
    version: str
    problems: tuple[Problem, ...] = ()
    serial: int = 0


def check_claim(name: str, standing: rules.Standing) -> list[Problem]:
    """What speaks against a new name; nothing for one that exists."""
    if standing.exists or names.check_name(name):
        return []
    return names.check_claim(name, existing_confusable=queries.confusable_with(standing.name))


def get_or_claim(name: str, *, by: Actor, at: datetime) -> tuple[Project, bool]:
    """The project, locked for this transaction; a free name gets its first owner."""
    normalized = names.normalize(name)
    project, claimed = Project.objects.select_for_update().get_or_create(
        normalized=normalized,
        defaults={"name": name, "confusable": names.confusable_key(name), "created_at": at, "updated_at": at},
    )
    if claimed and by.user_id is not None:
        Role.objects.create(project=project, user_id=by.user_id, kind=Role.Kind.OWNER, granted_at=at)
    return project, claimed


def write_release(project: Project, metadata: Metadata, *, at: datetime) -> tuple[Release, bool]:
    """Create the entry of (project, version) or replace all of its information."""
    values = {**rules.entry_values(metadata), "updated_at": at}
    created_values = {
        **values,
        "version": metadata.version,
        "sort_key": versions.sortable(metadata.version),
        "is_prerelease": versions.is_prerelease(metadata.version),
        "created_at": at,
    }
    release, created = Release.objects.update_or_create(
        project=project, canonical=versions.canonical(metadata.version), defaults=values, create_defaults=created_values
    )
    link_classifiers(release, metadata.classifiers, is_new=created)
    return release, created


def link_classifiers(release: Release, texts: tuple[str, ...], *, is_new: bool) -> None:
    """Make a release's classifier rows those of `texts`."""
    if not is_new:
        ReleaseClassifier.objects.filter(release=release).delete()
    if not texts:
        return
    known = dict(Classifier.objects.filter(text__in=texts).values_list("text", "pk"))
    for text in set(texts) - known.keys():
        known[text] = Classifier.objects.get_or_create(text=text)[0].pk
    ReleaseClassifier.objects.bulk_create(
        [ReleaseClassifier(release=release, classifier_id=known[text]) for text in dict.fromkeys(texts)]
    )


def refresh_latest(project: Project, *, at: datetime) -> None:
    """Point the project at its most recent release."""
    newest = project.releases.order_by(*NEWEST_FIRST).values_list("pk", flat=True).first()
    Project.objects.filter(pk=project.pk).update(latest=newest, updated_at=at)
