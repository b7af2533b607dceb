"""Steps that submit and upload share: claim a name, write a release's information, find the newest release."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import connection
from django.db.models import QuerySet

from otumat.errors import Invalid, NotFound, Problem
from otumat.spec import names, versions
from otumat.spec.metadata import Metadata
from otumat_index.accounts import limits
from otumat_index.journal.actor import Actor
from otumat_index.publish import queries, rules
from otumat_index.publish.models import Classifier, Project, Release, ReleaseClassifier, Role
from otumat_index.publish.trusted.standing import settle
from otumat_index.web import prepared

NEWEST_FIRST = ("is_yanked", "is_prerelease", "-sort_key")
"""Order of a project's releases: not yanked, final before pre-release, highest version."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """
    What a submission did, or would have done.

    Attributes:
        action: `created`, `updated`, `unchanged` or `verified`.
        name, version: As the index shows them.
        problems: Warnings; errors are raised.
        serial: Of the journal row; 0 for a verification.
    """

    action: str
    name: str
    version: str
    problems: tuple[Problem, ...] = ()
    serial: int = 0


def check_claim(name: str, standing: rules.Standing, *, by: Actor) -> list[Problem]:
    """What speaks against a new name; nothing for one that exists. A private project's name is not told."""
    if standing.exists or names.check_name(name):
        return []
    twin, is_taken = queries.confusable_with(standing.name, by=by)
    problems = names.check_claim(name, existing_confusable=twin)
    if is_taken and twin is None:
        message = f"The name {name!r} cannot be claimed."
        problems.append(Problem("name.unavailable", "name", message, value=name, hint="Choose another name."))
    return problems


def get_or_claim(name: str, *, by: Actor, at: datetime) -> tuple[Project, bool]:
    """
    The project, locked for this transaction; a free name gets its first owner.

    Raises:
        Invalid: Somebody claimed a name that looks alike since `check_claim` was asked.
        TooMany: The actor claimed too many names today.
    """
    normalized = names.normalize(name)
    for found in locked(normalized):
        settle(found, claimed=False, by=by)
        return found, False
    key = names.confusable_key(name)
    alone_with(key)
    if problems := check_claim(name, queries.standing_of(by, normalized), by=by):
        raise Invalid(problems)
    project, claimed = Project.objects.select_for_update().get_or_create(
        normalized=normalized, defaults={"name": name, "confusable": key, "created_at": at, "updated_at": at}
    )
    if claimed:
        limits.check_new_project(by)
    if claimed and by.user_id is not None:
        prepared.insert(Role(project=project, user_id=by.user_id, kind=Role.Kind.OWNER, granted_at=at))
    settle(project, claimed=claimed, by=by)
    return project, claimed


@prepared.rows
def locked(normalized: str) -> QuerySet[Project]:
    return Project.objects.select_for_update(of=("self",)).filter(normalized=normalized)


def alone_with(confusable: str) -> None:
    """Until commit, nobody else claims a name with this key. SQLite lets one transaction write at a time anyway."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"claim {confusable}"])


def lock(project: Project) -> Project:
    """
    The project as it is now, locked for this transaction.

    Every action on a project begins here: what its door had read may have changed since, and the locks of all
    actions come in one order (project, then the journal's head).
    """
    found = Project.objects.select_for_update(of=("self",)).filter(pk=project.pk).first()
    if found is None:
        raise NotFound(f"There is no project {project.name!r} on this index.")
    return found


def release_of(project: Project, metadata: Metadata) -> Release | None:
    """The entry of (project, version), if there is one; nobody else makes it while the project is locked."""
    found = release_keys(project.pk, versions.canonical(metadata.version))
    return Release(pk=found[0][0], project=project, version=found[0][1]) if found else None


@prepared.rows
def release_keys(project_id: int, canonical: str) -> QuerySet[Release, tuple[int, str]]:
    return Release.objects.filter(project_id=project_id, canonical=canonical).values_list("pk", "version")[:1]


def write_release(
    project: Project, metadata: Metadata, release: Release | None, *, at: datetime
) -> tuple[Release, bool]:
    """Create the entry of (project, version), or replace all of its information; says whether it is new."""
    values = {**rules.entry_values(metadata), "updated_at": at}
    created = release is None
    if release is None:
        release = prepared.insert(
            Release(
                project=project,
                version=metadata.version,
                canonical=versions.canonical(metadata.version),
                sort_key=versions.sortable(metadata.version),
                is_prerelease=versions.is_prerelease(metadata.version),
                created_at=at,
                **values,
            )
        )
    else:
        Release.objects.filter(pk=release.pk).update(**values)
    link_classifiers(release, metadata.classifiers, is_new=created)
    return release, created


def link_classifiers(release: Release, texts: tuple[str, ...], *, is_new: bool) -> None:
    """Make a release's classifier rows those of `texts`."""
    if not is_new:
        ReleaseClassifier.objects.filter(release=release).delete()
    wanted = sorted(set(texts))  # in one order, or two uploads could wait for each other
    if link_known(release, wanted) < len(wanted):
        linked = ReleaseClassifier.objects.filter(release=release).values_list("classifier__text", flat=True)
        for text in sorted(set(wanted) - set(linked)):
            classifier, _ = Classifier.objects.get_or_create(text=text)
            prepared.insert(ReleaseClassifier(release=release, classifier=classifier))


def link_known(release: Release, texts: Sequence[str]) -> int:
    """Link the classifiers that have a row already, which all but the first users of one have; returns how many."""
    if not texts:
        return 0
    with connection.cursor() as cursor:
        cursor.execute(LINK.format(", ".join(["%s"] * len(texts))), [release.pk, *texts])
        return int(cursor.rowcount)


LINK = """
INSERT INTO publish_releaseclassifier (release_id, classifier_id)
SELECT %s, c.id FROM publish_classifier c WHERE c.text IN ({})
"""


def refresh_latest(project: Project, *, at: datetime) -> None:
    """Point the project at its most recent release."""
    updated_at = prepared.value_of(Project._meta.get_field("updated_at"), at)
    with connection.cursor() as cursor:
        cursor.execute(REFRESH, [project.pk, updated_at, project.pk])


REFRESH = """
UPDATE publish_project SET latest_id = (
    SELECT r.id FROM publish_release r WHERE r.project_id = %s
    ORDER BY r.is_yanked, r.is_prerelease, r.sort_key DESC LIMIT 1
), updated_at = %s WHERE id = %s
"""
