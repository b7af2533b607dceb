"""Groups of people, who hold roles together, and the teams in them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from otumat.errors import NotFound
from otumat.publish import account, reply
from otumat.publish.api import rows, texts

if TYPE_CHECKING:
    from otumat.publish.api import Api


@dataclass(frozen=True)
class Group:
    """
    A group, or a team: a group within its parent.

    Attributes:
        slug: Its short name, as in `group:core`.
        parent: The short name of the group around a team; empty for a group.
    """

    slug: str
    name: str
    parent: str


@dataclass(frozen=True)
class Membership:
    """A group that whoever asks is in, or was asked to join."""

    group: Group
    is_manager: bool
    has_joined: bool


@dataclass(frozen=True)
class Member:
    """Somebody in a group; `joined_at` is empty for who was asked and has not said yes."""

    user: str
    is_manager: bool
    joined_at: str


def mine(api: Api) -> list[Membership]:
    """The groups of whoever asks."""
    return [
        Membership(_group(each), each.get("manager") is True, each.get("joined") is True)
        for each in rows(api.ask("GET", "groups"), "groups")
    ]


def read(api: Api, slug: str) -> tuple[Group, tuple[str, ...], list[Member]]:
    """A group, the short names of its teams, and its members."""
    answer = api.ask("GET", "groups", slug)
    return _group(answer), texts(answer.get("teams")), [_member(each) for each in rows(answer, "members")]


def create(api: Api, slug: str, name: str, *, parent: str = "") -> Group:
    """Make a group, or a team in a parent; whoever makes it manages it."""
    return _group(api.ask("POST", "groups", body={"slug": slug, "name": name, "parent": parent}))


def rename(api: Api, slug: str, name: str) -> Group:
    """Give a group another name; its short name stays."""
    return _group(api.ask("PATCH", "groups", slug, body={"name": name}))


def delete(api: Api, slug: str) -> None:
    """Dissolve a group, its teams, and the roles that they hold."""
    api.ask("DELETE", "groups", slug)


def put_member(api: Api, slug: str, user: str, *, is_manager: bool) -> Member:
    """Ask somebody to join (into a team, a member of its parent comes at once), or say whether a member manages."""
    return _member(api.ask("PUT", "groups", slug, "members", user, body={"manager": is_manager}))


def remove_member(api: Api, slug: str, user: str) -> None:
    """End a membership, there and in the group's teams, at once."""
    api.ask("DELETE", "groups", slug, "members", user)


def join(api: Api, slug: str) -> None:
    """
    Say yes to being asked.

    Errors:
        NotFound: `group.asked`, nobody asked; a member who joins again would otherwise change the membership.
    """
    if not any(each.group.slug == slug and not each.has_joined for each in mine(api)):
        raise NotFound(f"There is no group {slug!r} that asked you to join.", code="group.asked")
    put_member(api, slug, account.whoami(api).name, is_manager=False)


def leave(api: Api, slug: str) -> None:
    """End one's own membership."""
    remove_member(api, slug, account.whoami(api).name)


def _group(told: dict[str, object]) -> Group:
    return Group(reply.text(told.get("slug")), reply.text(told.get("name")), reply.text(told.get("parent")))


def _member(told: dict[str, object]) -> Member:
    return Member(reply.text(told.get("user")), told.get("manager") is True, reply.text(told.get("joined_at")))
