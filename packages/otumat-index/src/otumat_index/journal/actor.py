"""Who acts, and by which credential."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """
    The person (or command) behind a change, as the door found out.

    Attributes:
        name: Login name; `cli` for an operator's command; empty for nobody.
        user_id: Row of the person, None for nobody and for commands.
        credential: `session`, `password`, `token:7`, `publisher:7`, `cli`, `link` or empty.
        is_admin: Holds the admin role of this index.
        actions: What the credential is limited to (`submit`, `upload`, `yank`, `read`, `manage`); None means all.
        projects: Normalised names the credential is limited to; None means every project.
        publishers: The trusted publishers whom the credential was minted for; empty for people's own.
    """

    name: str = ""
    user_id: int | None = None
    credential: str = ""
    is_admin: bool = False
    actions: frozenset[str] | None = None
    projects: frozenset[str] | None = None
    publishers: tuple[int, ...] = ()

    @property
    def is_known(self) -> bool:
        """Whether anybody is there."""
        return bool(self.credential)

    def covers(self, action: str, project: str) -> bool:
        """Whether the credential reaches this far; roles are asked separately."""
        return (self.actions is None or action in self.actions) and (self.projects is None or project in self.projects)


NOBODY = Actor()


def command(name: str = "cli") -> Actor:
    """An operator at the machine itself."""
    return Actor(name=name, credential="cli", is_admin=True)
