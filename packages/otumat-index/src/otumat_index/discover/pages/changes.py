"""The last changes of a project as sentences: what the journal says in public."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from otumat_index.journal import queries as journal
from otumat_index.journal.models import Entry
from otumat_index.publish.models import Project

SHOWN = 10
SENTENCES = {
    "release.create": "registered {subject}",
    "release.update": "updated the information of {subject}",
    "release.yank": "yanked {subject}",
    "release.unyank": "took the yank of {subject} back",
    "file.publish": "published {subject}",
    "file.remove": "removed {subject}",
    "file.yank": "yanked {subject}",
    "file.unyank": "took the yank of {subject} back",
    "project.status": "set the status to {status}",
    "project.visibility": "changed who may see the project",
    "role.assign": "made {subject} {role}",
    "role.remove": "took the role of {subject} away",
}
OPERATOR = "an operator"


@dataclass(frozen=True, slots=True)
class Change:
    """One change; `reason` may be empty."""

    at: datetime
    actor: str
    sentence: str
    reason: str


def changes_of(project: Project) -> list[Change]:
    """
    The newest changes of a project that concern everybody; one query.

    Readers of private projects are nobody else's business, so their roles are left out.
    """
    entries = journal.of_project(project.normalized, limit=4 * SHOWN)
    return [told(entry) for entry in entries if is_told(entry)][:SHOWN]


def is_told(entry: Entry) -> bool:
    """Whether everybody may know of it."""
    return entry.action in SENTENCES and entry.data.get("role") != "reader"


def told(entry: Entry) -> Change:
    words = {"subject": entry.subject, "status": entry.data.get("status", ""), "role": entry.data.get("role", "")}
    # Subjects are data: replaced word by word, for `format` would read braces inside them.
    sentence = SENTENCES[entry.action]
    for word, value in words.items():
        sentence = sentence.replace(f"{{{word}}}", str(value), 1)
    actor = OPERATOR if entry.credential == "cli" else entry.actor
    return Change(entry.at, actor, sentence, str(entry.data.get("reason", "")))
