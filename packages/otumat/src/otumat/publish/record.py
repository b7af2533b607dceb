"""What becomes of a release after it was published: its yank, and its line in the journal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from otumat.publish import reply
from otumat.publish.api import rows

if TYPE_CHECKING:
    from otumat.publish.api import Api


@dataclass(frozen=True)
class Entry:
    """
    One change: who did what to which thing, when, and with which credential.

    Attributes:
        sentence: What was done, as the index words it; may be empty, as `project` and `reason` may.
    """

    serial: int
    at: str
    actor: str
    credential: str
    action: str
    subject: str
    project: str
    sentence: str
    reason: str


def yank(api: Api, project: str, version: str, *, reason: str = "") -> None:
    """Take a release out of what installers choose by themselves; asked for by number, it is still there (PEP 592)."""
    api.ask("PUT", "project", project, version, "yank", body={"reason": reason})


def unyank(api: Api, project: str, version: str) -> None:
    """Take a yank back."""
    api.ask("DELETE", "project", project, version, "yank")


def journal(api: Api, project: str = "", *, before: int | None = None) -> tuple[list[Entry], int | None]:
    """
    The changes of a project, or, without one, those that concern whoever asks; newest first.

    Args:
        before: Only changes that are older than the one with this serial.

    Returns:
        One page, and the `before` of the next; None on the last.
    """
    path = ("project", project, "journal") if project else ("journal",)
    answer = api.ask("GET", *path, query="" if before is None else f"before={before}")
    older = answer.get("next")
    return [_entry(each) for each in rows(answer, "entries")], older if isinstance(older, int) else None


def _entry(told: dict[str, object]) -> Entry:
    serial = told.get("serial")
    return Entry(
        serial=serial if isinstance(serial, int) else 0,
        at=reply.text(told.get("at")),
        actor=reply.text(told.get("actor")),
        credential=reply.text(told.get("credential")),
        action=reply.text(told.get("action")),
        subject=reply.text(told.get("subject")),
        project=reply.text(told.get("project")),
        sentence=reply.text(told.get("sentence")),
        reason=reply.text(told.get("reason")),
    )
