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
    """One change: who did what to which thing, when, and with which credential."""

    serial: int
    at: str
    actor: str
    credential: str
    action: str
    subject: str


def yank(api: Api, project: str, version: str, *, reason: str = "") -> None:
    """Take a release out of what installers choose by themselves; asked for by number, it is still there (PEP 592)."""
    api.ask("PUT", "project", project, version, "yank", body={"reason": reason})


def unyank(api: Api, project: str, version: str) -> None:
    """Take a yank back."""
    api.ask("DELETE", "project", project, version, "yank")


def journal(api: Api, project: str = "") -> list[Entry]:
    """The changes of a project, or, without one, those that concern whoever asks; in the order of the answer."""
    answer = api.ask("GET", *(("project", project, "journal") if project else ("journal",)))
    return [_entry(each) for each in rows(answer, "entries")]


def _entry(told: dict[str, object]) -> Entry:
    serial = told.get("serial")
    return Entry(
        serial=serial if isinstance(serial, int) else 0,
        at=reply.text(told.get("at")),
        actor=reply.text(told.get("actor")),
        credential=reply.text(told.get("credential")),
        action=reply.text(told.get("action")),
        subject=reply.text(told.get("subject")),
    )
