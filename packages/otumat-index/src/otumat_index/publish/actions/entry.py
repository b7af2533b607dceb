"""Steps that submit and upload share: claim a name, write a release's information, find the newest release."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db import connection
from django.db.models import QuerySet

from otumat.errors import Invalid, NotFound, Problem
from otumat.spec import names, versions
from otumat.spec.metadata import Metadata
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
    """
    normalized = names.normalize(name)
    found = Project.objects.select_for_update(of=("self",)).filter(normalized=normalized).first()
    if found is not None:
        settle(found, claimed=False, by=by)
        return found, False
    key = names.confusable_key(name)
    alone_with(key)
    if problems := check_claim(name, queries.standing_of(by, normalized), by=by):
        raise Invalid(problems)
    project, claimed = Project.objects.select_for_update().get_or_create(
        normalized=normalized, defaults={"name": name, "confusable": key, "created_at": at, "updated_at": at}
    )
    if claimed and by.user_id is not None:
        prepared.insert(Role(project=project, user_id=by.user_id, kind=Role.Kind.OWNER, granted_at=at))
    settle(project, claimed=claimed, by=by)
    return project, claimed


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
    if not texts:
        return
    known = {text: key for text in set(texts) for (key,) in classifier_keys(text)}
    for text in sorted(set(texts) - known.keys()):  # in one order, or two uploads could wait for each other
        known[text] = Classifier.objects.get_or_create(text=text)[0].pk
    for text in dict.fromkeys(texts):
        prepared.insert(ReleaseClassifier(release=release, classifier_id=known[text]))


@prepared.rows
def classifier_keys(text: str) -> QuerySet[Classifier, tuple[int]]:
    return Classifier.objects.filter(text=text).values_list("pk")


def refresh_latest(project: Project, *, at: datetime) -> None:
    """Point the project at its most recent release."""
    newest = newest_release(project.pk)
    updated_at = Project._meta.get_field("updated_at").get_db_prep_save(at, connection)
    with connection.cursor() as cursor:
        sql = "UPDATE publish_project SET latest_id = %s, updated_at = %s WHERE id = %s"
        cursor.execute(sql, [newest[0][0] if newest else None, updated_at, project.pk])


@prepared.rows
def newest_release(project_id: int) -> QuerySet[Release, tuple[int]]:
    return Release.objects.filter(project_id=project_id).order_by(*NEWEST_FIRST).values_list("pk")[:1]
