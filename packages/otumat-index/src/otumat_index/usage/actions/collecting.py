"""Which projects collect, and what: from the manifests in their wheels, or as an owner says."""

from __future__ import annotations

import errno
import io
import json
import re
import tomllib
import zipfile
import zlib
from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import lru_cache

from django.db import transaction
from django.db.models import Q, QuerySet

from otumat.errors import Invalid, Problem
from otumat.spec import manifest as spec
from otumat_index.journal import actions as journal
from otumat_index.journal.actor import Actor
from otumat_index.publish import files
from otumat_index.publish import queries as publish
from otumat_index.publish import rules as roles
from otumat_index.publish.actions import entry
from otumat_index.publish.models import File, Project
from otumat_index.usage.models import Collection, Manifest

INDEX = Actor(credential="job")
AT_ONCE, ROUNDS = 5, 10
"""
So many wheels are looked into at a time, and so often in a row. Of what there was before the collection began only the
newest `AT_ONCE`: releases of old that still tell declared nothing that those do not, as a rule.
"""
PASSED_OVER_MOST = 1_000
_PLACE = re.compile(r"[^/]+/otumat-usage\.(toml|json)")


def catch_up(project: Project, *, at: datetime) -> None:
    """Read the manifests of all wheels that came since last time; a great many at once wait for the next time."""
    for _ in range(ROUNDS):
        if not learn(project, at=at):
            return


def learn(project: Project, *, at: datetime) -> bool:
    """
    Read the manifests of some wheels that came since last time; the first one found turns the collection on.

    Cheap when there is nothing new. An owner who stopped the collection is not overruled. Returns whether any wheel was
    new.
    """
    known = Collection.objects.filter(project=project).first()
    since, passed_over = (known.looked_until, known.passed_over) if known else (looked_at_least(project), [])
    unread = wheels_of(project).filter(Q(pk__gt=since) | Q(pk__in=passed_over))[:AT_ONCE]
    looked_into = look_into(unread, project.normalized)
    if not looked_into or not (known or any(found for _, found in looked_into)):
        return False
    with transaction.atomic():
        entry.lock(project)
        kept = {"is_on": True, "changed_at": at, "looked_until": since}
        collection, is_new = Collection.objects.select_for_update().get_or_create(project=project, defaults=kept)
        for file, found in looked_into:
            for manifest in found:
                keep(project, manifest, at=file.uploaded_at)
        note_looked(collection, {file.pk for file, _ in looked_into})
        if is_new:
            journal.write("usage.collect", project.normalized, by=INDEX, at=at, topic=project.normalized)
    return True


def look_into(wheels: Iterable[File], project: str) -> list[tuple[File, list[spec.Manifest]]]:
    """The wheels up to the first that cannot be read just now, which waits for the next time; and their manifests."""
    done: list[tuple[File, list[spec.Manifest]]] = []
    for file in wheels:
        try:
            done.append((file, manifests_of(file, project)))
        except OSError:
            break
    return done


def note_looked(collection: Collection, done: set[int]) -> None:
    """Wheels were looked into; others up to the newest of them were yanked, and wait for that to be taken back."""
    until = max(*done, collection.looked_until)
    came = File.objects.filter(release__project=collection.project_id, kind=File.Kind.WHEEL)
    passed = came.filter(pk__gt=collection.looked_until, pk__lte=until).values_list("pk", flat=True)
    collection.passed_over = sorted({*collection.passed_over, *passed} - done)[-PASSED_OVER_MOST:]
    collection.looked_until = until
    collection.save(update_fields=["looked_until", "passed_over"])


def wheels_of(project: Project) -> QuerySet[File]:
    """In the order in which they came."""
    return File.objects.filter(release__project=project, kind=File.Kind.WHEEL, is_yanked=False).order_by("pk")


def looked_at_least(project: Project) -> int:
    """The newest of the wheels that are too many to look into, for a project that was never looked at."""
    return wheels_of(project).reverse().values_list("pk", flat=True)[AT_ONCE : AT_ONCE + 1].first() or 0


def offered(project: Project) -> spec.Manifest | None:
    """What the newest wheel with a manifest among the last few declares, whether or not the project collects."""
    for file in wheels_of(project).reverse()[:AT_ONCE]:
        for _, found in look_into([file], project.normalized):
            if found:
                return found[0]
    return None


def manifests_of(file: File, project: str) -> list[spec.Manifest]:
    """
    The manifests in a wheel that name its own project; one that is lost declares nothing.

    Raises:
        OSError: It cannot be read just now.
    """
    try:
        return list(declared_in(file.key, project)) if declares(file.key, project) else []
    except FileNotFoundError:
        return []
    except OSError as exc:
        if exc.errno == errno.EIO:  # the disk does not give it
            return []
        raise


@lru_cache(maxsize=20_000)
def declares(key: str, project: str) -> bool:
    """Whether a wheel has such a manifest. A file never changes, and anybody's question leads here: it is read once."""
    return bool(declared_in(key, project))


def declared_in(key: str, project: str) -> tuple[spec.Manifest, ...]:
    place = files.store().local_path(key)
    source = place or io.BytesIO(files.store().read(key))
    try:
        with zipfile.ZipFile(source) as archive:
            infos = [info for info in archive.infolist() if _PLACE.fullmatch(info.filename)]
            texts = [
                (info.filename, archive.open(info).read(spec.MANIFEST_MAX_BYTES + 1).decode()) for info in infos[:5]
            ]
        found = [read(name, text) for name, text in texts]
    except (ValueError, zipfile.BadZipFile, zlib.error, EOFError, Invalid, RuntimeError):
        return ()
    return tuple(manifest for manifest in found if manifest.project == project)


def read(name: str, text: str) -> spec.Manifest:
    if len(text.encode()) > spec.MANIFEST_MAX_BYTES:
        raise ValueError(name)
    table = json.loads(text) if name.endswith(".json") else tomllib.loads(text)
    if not isinstance(table, dict):
        raise ValueError(name)
    return spec.from_table(table)


def keep(project: Project, manifest: spec.Manifest, *, at: datetime) -> None:
    """Know a manifest, of a locked project, as of when it was declared: again, where it was known from before that."""
    digest = spec.digest(manifest)
    known = Manifest.objects.filter(project=project, digest=digest)
    if known.filter(declared_at__gte=at).exists():
        return
    known.delete()  # a new row, by which every worker sees that something changed (`queries.declared_until`)
    Manifest.objects.create(project=project, digest=digest, table=spec.to_table(manifest), declared_at=at)


def locked(project: Project, by: Actor) -> Project:
    project = entry.lock(project)
    roles.check_may(by, "manage", publish.standing_of(by, project.normalized), name_claims="admin")
    return project


@transaction.atomic
def set_collecting(project: Project, *, is_on: bool, by: Actor, at: datetime) -> None:
    """Begin to take uses, or stop: every install that tells afterwards is told so, and ends."""
    project = locked(project, by)
    changed = {"is_on": is_on, "changed_at": at}
    new = {**changed, "looked_until": looked_at_least(project)}
    Collection.objects.update_or_create(project=project, defaults=changed, create_defaults=new)
    action = "usage.collect" if is_on else "usage.stop"
    journal.write(action, project.normalized, by=by, at=at, topic=project.normalized)


@transaction.atomic
def declare(project: Project, table: Mapping[str, object], *, by: Actor, at: datetime) -> str:
    """
    Tell the index a manifest that is in none of its wheels; returns its digest.

    Raises:
        Invalid: With everything wrong with it.
    """
    project = locked(project, by)
    manifest = spec.from_table(table)
    if manifest.project != project.normalized:
        told = f"The manifest is of {manifest.project!r}, not of {project.normalized!r}."
        raise Invalid([Problem("manifest.project", "project", told, value=manifest.project)])
    keep(project, manifest, at=at)
    digest = spec.digest(manifest)
    journal.write("usage.manifest", project.normalized, by=by, at=at, topic=project.normalized, digest=digest)
    return digest
