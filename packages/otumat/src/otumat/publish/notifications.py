"""How much mail somebody gets about projects."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from otumat.publish import reply

if TYPE_CHECKING:
    from collections.abc import Mapping

    from otumat.publish.api import Api

LEVELS = ("all", "others", "none", "default")


@dataclass(frozen=True)
class Preference:
    """
    What somebody said about mail.

    Attributes:
        level: all, others (changes that others make), none; for a project also default: as in general.
        general: Of a project, what holds in general; empty for the general one.
        projects: Of the general one, what was said about single projects.
    """

    level: str
    general: str
    projects: Mapping[str, str]


def read(api: Api, project: str = "") -> Preference:
    """What whoever asks said about a project, or in general."""
    return _preference(api.ask("GET", *_place(project)))


def choose(api: Api, level: str, project: str = "") -> Preference:
    """Say it anew."""
    return _preference(api.ask("PUT", *_place(project), body={"level": level}))


def _place(project: str) -> tuple[str, ...]:
    return ("project", project, "notifications") if project else ("notifications",)


def _preference(told: dict[str, object]) -> Preference:
    said = told.get("projects")
    projects = {name: reply.text(level) for name, level in said.items()} if isinstance(said, dict) else {}
    return Preference(reply.text(told.get("level")), reply.text(told.get("default")), projects)
