"""The last changes of a project as sentences: what the journal says in public."""

from __future__ import annotations

from otumat_index.journal import queries as journal
from otumat_index.journal.models import Entry
from otumat_index.journal.sentences import Told, told
from otumat_index.publish.models import Project

__all__ = ["PUBLIC", "SHOWN", "changes_of", "is_told", "told"]
SHOWN = 10
PUBLIC = frozenset(
    {
        "release.create",
        "release.update",
        "release.yank",
        "release.unyank",
        "file.publish",
        "file.remove",
        "file.yank",
        "file.unyank",
        "project.status",
        "project.visibility",
        "project.assign",
        "project.transfer",
        "role.assign",
        "role.accept",
        "role.remove",
        "key.add",
        "key.rotate",
        "key.revoke",
    }
)


def changes_of(project: Project) -> list[Told]:
    """The newest changes of a project that concern everybody; one query."""
    entries = journal.of_project(project.normalized, limit=4 * SHOWN)
    return [told(entry) for entry in entries if is_told(entry)][:SHOWN]


def is_told(entry: Entry) -> bool:
    """Whether a change concerns everybody. Readers of private projects are nobody else's business."""
    return entry.action in PUBLIC and entry.data.get("role") != "reader"
