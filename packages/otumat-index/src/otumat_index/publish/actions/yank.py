"""Yank and unyank (PEP 592): still there for who pinned it, not chosen by anybody else."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from otumat.errors import Invalid, NotFound, Problem
from otumat_index.journal import actions as journal
from otumat_index.journal.actor import Actor
from otumat_index.publish import queries, rules
from otumat_index.publish.actions import entry
from otumat_index.publish.models import File, Project, Release

REASON_MAX_CHARS = 500


def check_reason(reason: str) -> str:
    """One line people can read; control characters and novels are refused."""
    reason = reason.strip()
    problems = []
    if len(reason) > REASON_MAX_CHARS:
        problems.append(
            Problem(
                "reason.too_long",
                "reason",
                f"The reason has {len(reason)} characters; {REASON_MAX_CHARS} are kept.",
                value=reason,
            )
        )
    if any(ord(char) < 32 or ord(char) == 127 for char in reason):
        problems.append(
            Problem("reason.control", "reason", "The reason must be one line without control characters.", value=reason)
        )
    if problems:
        raise Invalid(problems)
    return reason


@transaction.atomic
def yank_release(project: Project, version: str, *, reason: str, by: Actor, at: datetime) -> Release:
    """Yank all files of a release, with a reason installers show."""
    return set_release(project, version, True, check_reason(reason), by=by, at=at)


@transaction.atomic
def unyank_release(project: Project, version: str, *, by: Actor, at: datetime) -> Release:
    """Take a release's yank back."""
    return set_release(project, version, False, "", by=by, at=at)


def set_release(project: Project, version: str, is_yanked: bool, reason: str, *, by: Actor, at: datetime) -> Release:
    project = entry.lock(project)
    rules.check_may(by, "yank", queries.standing_of(by, project.normalized), name_claims="admin")
    release = queries.release(project, version)
    release.is_yanked, release.yank_reason, release.updated_at = is_yanked, reason, at
    release.save(update_fields=["is_yanked", "yank_reason", "updated_at"])
    entry.refresh_latest(project, at=at)
    action = "release.yank" if is_yanked else "release.unyank"
    subject = f"{project.name} {release.version}"
    journal.write(action, subject, by=by, at=at, topic=project.normalized, version=release.version, reason=reason)
    return release


@transaction.atomic
def yank_file(project: Project, filename: str, *, reason: str, by: Actor, at: datetime) -> File:
    """Yank one file."""
    return set_file(project, filename, True, check_reason(reason), by=by, at=at)


@transaction.atomic
def unyank_file(project: Project, filename: str, *, by: Actor, at: datetime) -> File:
    """Take a file's yank back."""
    return set_file(project, filename, False, "", by=by, at=at)


def set_file(project: Project, filename: str, is_yanked: bool, reason: str, *, by: Actor, at: datetime) -> File:
    project = entry.lock(project)
    rules.check_may(by, "yank", queries.standing_of(by, project.normalized), name_claims="admin")
    file = File.objects.filter(release__project=project, filename=filename).first()
    if file is None:
        raise NotFound(f"{project.name} has no file {filename!r}.")
    file.is_yanked, file.yank_reason = is_yanked, reason
    file.save(update_fields=["is_yanked", "yank_reason"])
    action = "file.yank" if is_yanked else "file.unyank"
    journal.write(action, filename, by=by, at=at, topic=project.normalized, reason=reason)
    return file
