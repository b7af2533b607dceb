"""What changed since a serial, as far as mirrors copy it: the journal's rows of public projects' releases and files."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.db.models import Exists, OuterRef

from otumat_index.discover.mirrors.values import ChangedRow
from otumat_index.journal.models import Entry
from otumat_index.publish.models import Project

ROWS_AT_ONCE = 50_000
"""As many as the public index gives at once; who wants the rest asks again from the last serial."""

WORDS = {
    "release.create": "new release",
    "release.update": "update release",
    "release.yank": "yank release",
    "release.unyank": "unyank release",
    "file.publish": "add file",
    "file.remove": "remove file",
    "file.yank": "yank file",
    "file.unyank": "unyank file",
    "project.status": "change status",
    "project.visibility": "publish",
}
"""Changes of what a mirror copies, and how they are called there. Who holds which role is not a mirror's business."""


def since(serial: int) -> Iterator[ChangedRow]:
    """
    The first changes after a serial, oldest first, at most `ROWS_AT_ONCE`.

    A project that is private now is not there, whatever it was: no serial of its tells its name. One that was made
    public again comes with the row that says so, and the rows before it.
    """
    is_public = Project.objects.filter(normalized=OuterRef("topic"), is_private=False)
    rows = Entry.objects.filter(Exists(is_public), serial__gt=min(max(serial, 0), 2**62), action__in=WORDS)
    columns = rows.order_by("serial").values_list("topic", "data", "at", "action", "subject", "serial")
    for topic, data, at, action, subject, number in columns[:ROWS_AT_ONCE].iterator(chunk_size=2_000):
        yield topic, version_of(data), int(at.timestamp()), described(action, subject), number


def version_of(data: dict[str, Any]) -> str | None:
    version = data.get("version")
    return version if isinstance(version, str) else None


def described(action: str, subject: str) -> str:
    """What was done, in words; with the file's name where it is about a file."""
    return f"{WORDS[action]} {subject}" if action.startswith("file.") else WORDS[action]
