"""What an owner may do to a whole project, and taking a file away."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from django.db import transaction

from otumat.errors import Invalid, NotFound, Problem, Refused
from otumat_index.accounts import second_factor
from otumat_index.journal import actions as journal
from otumat_index.journal.actor import Actor
from otumat_index.publish import files, queries, rules
from otumat_index.publish.actions import entry
from otumat_index.publish.actions.yank import check_reason
from otumat_index.publish.models import File, Project
from otumat_index.trust.judging import forget
from otumat_index.web import hints


@transaction.atomic
def set_status(project: Project, status: str, *, reason: str, by: Actor, at: datetime) -> Project:
    """
    Mark a project active, archived, deprecated or quarantined (the last by admins).

    Source: PEP 792.
    """
    project = entry.lock(project)
    rules.check_may(by, "manage", queries.standing_of(by, project.normalized), name_claims="admin")
    if status not in Project.Status.values:
        hint = f"Choose from {', '.join(Project.Status.values)}."
        raise Invalid(
            [
                Problem(
                    "project.status",
                    "status",
                    f"{status!r} is no project status.",
                    value=status,
                    hint=hint,
                    rule="PEP 792",
                )
            ]
        )
    rules.check_quarantine(by, project.status, status)
    project.status, project.status_reason, project.updated_at = status, check_reason(reason), at
    project.save(update_fields=["status", "status_reason", "updated_at"])
    journal.write(
        "project.status",
        project.name,
        by=by,
        at=at,
        topic=project.normalized,
        status=status,
        reason=project.status_reason,
    )
    return project


@transaction.atomic
def set_visibility(project: Project, *, is_private: bool, by: Actor, at: datetime) -> Project:
    """Show a project to everybody, or only to holders of a role."""
    project = entry.lock(project)
    rules.check_may(by, "manage", queries.standing_of(by, project.normalized), name_claims="admin")
    project.is_private, project.updated_at = is_private, at
    project.save(update_fields=["is_private", "updated_at"])
    serial = journal.write(
        "project.visibility", project.name, by=by, at=at, topic=project.normalized, is_private=is_private
    )
    transaction.on_commit(lambda: hints.changed(hints.LIST_TOPIC, serial))  # it names the project
    return project


@transaction.atomic
def require_second_factor(project: Project, *, required: bool, by: Actor, at: datetime) -> Project:
    """
    Ask a second factor of everybody who manages or publishes this project, or stop asking.

    Raises:
        Refused: Whoever asks it of others has none behind them: they would shut themselves out.
    """
    project = entry.lock(project)
    rules.check_may(by, "manage", queries.standing_of(by, project.normalized), name_claims="admin")
    if required and not second_factor.stands_behind(by):
        hint = "Set one up at /account/security/; an API token counts when it is made after that."
        raise Refused("You have no second factor yourself.", hint=hint, code="second_factor")
    project.requires_second_factor, project.updated_at = required, at
    project.save(update_fields=["requires_second_factor", "updated_at"])
    journal.write("project.second_factor", project.name, by=by, at=at, topic=project.normalized, required=required)
    return project


def remove_file(project: Project, filename: str, *, by: Actor, at: datetime) -> None:
    """
    Take a file away for good. Its name stays used: other bytes can never appear under it.

    Should we die between the commit and the deletion, the marker tells `files.recover` to go on.
    """
    files.undo(unlist_file(project, filename, by=by, at=at))


@transaction.atomic
def unlist_file(project: Project, filename: str, *, by: Actor, at: datetime) -> Path:
    project = entry.lock(project)
    rules.check_may(by, "manage", queries.standing_of(by, project.normalized), name_claims="admin")
    file = File.objects.filter(release__project=project, filename=filename).first()
    if file is None:
        raise NotFound(f"{project.name} has no file {filename!r}.")
    marker = files.condemn(file.key)
    file.delete()
    if not File.objects.filter(release__project=project, sha256=file.sha256).exists():
        forget(scope=project.normalized, sha256=file.sha256)
    entry.refresh_latest(project, at=at)
    journal.write("file.remove", filename, by=by, at=at, topic=project.normalized, sha256=file.sha256)
    return marker
