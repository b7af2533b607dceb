"""Upload: a wheel or sdist is checked down to its last member, kept durably, and listed."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import QuerySet

from otumat.errors import Conflict, Invalid, OtumatError, Problem
from otumat.spec import archive, names, versions
from otumat.spec import metadata as spec
from otumat.spec.metadata import Metadata
from otumat_index.journal import actions as journal
from otumat_index.journal.actor import Actor
from otumat_index.publish import files, queries, rules
from otumat_index.publish.actions import entry
from otumat_index.publish.actions.entry import Outcome
from otumat_index.publish.actions.sent import Upload
from otumat_index.publish.actions.submit import check
from otumat_index.publish.models import File, Project, Release, UsedName
from otumat_index.publish.signing import attested, judging
from otumat_index.publish.trusted.standing import stand_in
from otumat_index.trust.judging import Judged, keep
from otumat_index.web import prepared


@dataclass(slots=True)
class Checked:
    """An upload after all checks: what will be written, and what was found."""

    metadata: Metadata
    inspection: archive.Inspection
    problems: list[Problem] = field(default_factory=list)
    judged: Judged | None = None
    held: Sequence[attested.Checked] = ()

    @property
    def slot(self) -> str:
        """What the file is, however its name is spelled."""
        assert self.inspection.parsed is not None  # noqa: S101 - without, there would be a problem
        return rules.slot(self.inspection.parsed)


def publish_file(upload: Upload, *, by: Actor, at: datetime, verify: bool = False) -> Outcome:
    """
    Publish one wheel or sdist; claims the name and creates the release where needed.

    The file is the truth: name, version and all metadata come from it, and a form that says otherwise is refused.

    Raises:
        Invalid: With every problem of archive, metadata, form and digests.
        Refused: The actor may not upload to this project.
        Conflict: The filename was used before, or another upload of it was quicker.
    """
    by = stand_in(by, upload.project_name, at=at)
    checked = check_upload(upload, by=by, at=at)
    if any(problem.severity == "error" for problem in checked.problems):
        raise Invalid(checked.problems)
    same = already_there(upload, checked)
    if same or verify:
        return outcome_of("unchanged" if same else "verified", checked)
    key = files.new_key(upload.digests["sha256_digest"], upload.filename)
    marker = files.keep(upload.file, key)
    try:
        outcome = write(upload, checked, key, by=by, at=at)
    except IntegrityError:
        files.undo(marker)
        if already_there(upload, checked):  # another upload of the same bytes was quicker
            return outcome_of("unchanged", checked)
        raise
    except OtumatError:
        files.undo(marker)
        raise
    # Any other exception may have come after the commit (a lost connection): the marker stays, `recover` will see.
    files.settle(marker)
    return outcome


def outcome_of(action: str, checked: Checked) -> Outcome:
    """An outcome that wrote nothing."""
    return Outcome(action, checked.metadata.name, checked.metadata.version, tuple(checked.problems))


def check_upload(upload: Upload, *, by: Actor, at: datetime) -> Checked:
    """All checks of design section 7, in one go."""
    form, form_problems = spec.from_form(upload.metadata_pairs)
    standing = check_may_upload(form.name, by=by)  # before a stranger makes us open an archive
    inspection = archive.inspect(upload.file, upload.filename, limits=limits())
    metadata, problems = spec.from_bytes(inspection.metadata) if inspection.metadata else (form, [])
    if names.normalize(metadata.name) != standing.name:
        standing = check_may_upload(metadata.name, by=by)
    problems = [*form_problems, *inspection.problems, *problems]
    problems += rules.check_digests(upload.claimed_digests, upload.digests)
    problems += rules.check_filetype(upload.filetype, inspection.kind)
    if inspection.metadata:
        problems += check(metadata)
        problems += archive.missing_license_files(inspection, metadata.license_files)
        problems += spec.compare(form, metadata)
        problems += check_against_siblings(standing.name, inspection.kind, metadata)
    problems += entry.check_claim(metadata.name, standing, by=by)
    judged, signature_problems = judging.judge(upload.file, inspection, standing, at=at)
    held, attestation_problems = attested.check(
        upload.attestations,
        filename=upload.filename,
        sha256=upload.digests["sha256_digest"],
        project=standing.name,
        by=by,
        at=at,
    )
    problems += [*signature_problems, *attestation_problems]
    return Checked(metadata, inspection, list(dict.fromkeys(problems)), judged, held)


def check_may_upload(name: str, *, by: Actor) -> rules.Standing:
    """The project of this name, if the actor may upload to it; a name that is none is told of later."""
    standing = queries.standing_of(by, names.normalize(name))
    if not names.check_name(name):
        rules.check_may(by, "upload", standing, name_claims=settings.CONFIG.name_claims)
    return standing


def limits() -> archive.Limits:
    """What this index accepts of an archive."""
    return archive.Limits(file_bytes=settings.CONFIG.max_file_mb * 1_000_000)


def check_against_siblings(normalized: str, kind: str, metadata: Metadata) -> list[Problem]:
    """Compare with the release's sdist, or the new sdist with its wheels."""
    other = File.Kind.SDIST if kind == "wheel" else File.Kind.WHEEL
    problems: list[Problem] = []
    if names.check_name(normalized) or not versions.is_valid(metadata.version):
        return problems
    for data in queries.metadata_of_files(normalized, versions.canonical(metadata.version), other):
        sibling, _ = spec.from_bytes(data)
        sdist, wheel = (metadata, sibling) if kind == "sdist" else (sibling, metadata)
        problems += rules.check_siblings(sdist, wheel)
    return problems


def already_there(upload: Upload, checked: Checked) -> bool:
    """
    Whether exactly this file is listed already: sending it again is no error and changes nothing.

    Raises:
        Conflict: The name, in whatever spelling, was used before, for other bytes or for a file that was removed.
    """
    if not used_names(checked.slot):
        return False
    sha256 = File.objects.filter(filename=upload.filename).values_list("sha256", flat=True).first()
    if sha256 != upload.digests["sha256_digest"]:
        raise taken(upload.filename)
    return True


@prepared.rows
def used_names(slot: str) -> QuerySet[UsedName, tuple[str]]:
    return UsedName.objects.filter(filename=slot).values_list("filename")


def taken(filename: str) -> Conflict:
    """Begins with the words twine's --skip-existing and uv look for."""
    return Conflict(
        f"File already exists: {filename!r}, or the same under another spelling, was published before, and names are "
        "never used again.",
        hint="Make a new version, or a new build number for a wheel. A release has one sdist.",
        code="file_exists",
    )


@transaction.atomic
def write(upload: Upload, checked: Checked, key: str, *, by: Actor, at: datetime) -> Outcome:
    metadata = checked.metadata
    project, claimed = entry.get_or_claim(metadata.name, by=by, at=at)
    # Asked again under the lock: another first submitter may have won the name meanwhile.
    rules.check_may(by, "upload", queries.standing_of(by, project.normalized), name_claims=settings.CONFIG.name_claims)
    check_quota(project)
    release = entry.release_of(project, metadata)
    if release is not None:
        check_new_siblings(project, checked)
    prepared.insert(UsedName(filename=checked.slot))
    release, created = release_for(project, metadata, release, at=at)
    add_file(release, upload, checked, key, by=by, at=at)
    keep_trust(project, upload, checked, at=at)
    entry.refresh_latest(project, at=at)
    serial = journal.write(
        "file.publish",
        upload.filename,
        by=by,
        at=at,
        topic=project.normalized,
        version=release.version,
        sha256=upload.digests["sha256_digest"],
        created=created,
        claimed=claimed,
    )
    return Outcome("created", project.name, release.version, tuple(checked.problems), serial)


def keep_trust(project: Project, upload: Upload, checked: Checked, *, at: datetime) -> None:
    """What was found out about signatures and attestations, by the digest of the file."""
    if checked.judged is not None:
        keep(checked.judged, scope=project.normalized, sha256=upload.digests["sha256_digest"], at=at)
    attested.keep(checked.held, scope=project.normalized, at=at)


def check_new_siblings(project: Project, checked: Checked) -> None:
    """Once more under the lock: sdist and wheel may have been on their way at once, each not seeing the other."""
    found = check_against_siblings(project.normalized, checked.inspection.kind, checked.metadata)
    if any(problem.severity == "error" for problem in found):
        raise Invalid(found)


def check_quota(project: Project) -> None:
    """Under the project's lock, so that uploads at once cannot pass together."""
    limit = settings.CONFIG.max_project_files
    if not limit or beyond(limit)(project.pk):
        raise Conflict(
            f"{project.name} has {limit} files, the most this index keeps for one project.",
            hint="Remove old files, or ask the admin to raise MAX_PROJECT_FILES.",
            code="too_many_files",
        )


@lru_cache(maxsize=4)
def beyond(limit: int) -> Callable[..., list[tuple[int]]]:
    """Asks whether a project has more files than may be added to; a LIMIT is no value that a statement takes."""
    return prepared.rows(
        lambda project_id: (
            File.objects.filter(release__project_id=project_id).order_by().values_list("pk")[limit - 1 : limit]
        )
    )


def release_for(project: Project, metadata: Metadata, release: Release | None, *, at: datetime) -> tuple[Release, bool]:
    """The release a file belongs to. Its first file sets the entry; later ones leave it as it is."""
    if release is not None and files_of(release.pk):
        return release, False
    return entry.write_release(project, metadata, release, at=at)


@prepared.rows
def files_of(release_id: int) -> QuerySet[File, tuple[int]]:
    return File.objects.filter(release_id=release_id).order_by().values_list("pk")[:1]


def python_tag(inspection: archive.Inspection) -> str:
    """A wheel's Python tags, `py2.py3`; empty for an sdist."""
    tags = inspection.parsed.tags if inspection.parsed else ()
    return ".".join(sorted({tag.partition("-")[0] for tag in tags}))[:100]


def add_file(release: Release, upload: Upload, checked: Checked, key: str, *, by: Actor, at: datetime) -> File:
    metadata, inspection = checked.metadata, checked.inspection
    upload.file.seek(0, 2)
    # PEP 658; for sdists only from 2.2 (PEP 643), where PKG-INFO can be relied on.
    served = inspection.kind == "wheel" or rules.spec_number(metadata.metadata_version) >= (2, 2)
    file = File(
        release=release,
        filename=upload.filename,
        kind=inspection.kind,
        python_tag=python_tag(inspection),
        size_bytes=upload.file.tell(),
        sha256=upload.digests["sha256_digest"],
        blake2_256=upload.digests["blake2_256_digest"],
        md5=upload.digests["md5_digest"],
        key=key,
        metadata=inspection.metadata,
        metadata_sha256=hashlib.sha256(inspection.metadata).hexdigest() if served else "",
        requires_python=metadata.requires_python,
        has_provenance=bool(checked.held),
        uploaded_at=at,
        uploaded_by=by.name,
    )
    return prepared.insert(file)
