"""Trusted publishers: build jobs that may publish without a password, known by what their issuer says of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from otumat.publish import reply
from otumat.publish.api import rows

if TYPE_CHECKING:
    from collections.abc import Mapping

    from otumat.publish.api import Api

Claims = dict[str, object]


@dataclass(frozen=True)
class Publisher:
    """
    Who may publish a project.

    Attributes:
        project: Of a pending one, the name it claims with its first upload.
        claims: What its tokens must say, by the fields of the issuer.
        sleeps: Why it cannot be used now; empty when it can.
    """

    id: str
    project: str
    issuer: str
    claims: Mapping[str, object]
    added_by: str
    expires_at: str
    last_used_at: str
    sleeps: str


@dataclass(frozen=True)
class Field:
    """Something that a publisher of an issuer is described by."""

    name: str
    is_needed: bool
    help: str


@dataclass(frozen=True)
class Issuer:
    """Whose word an index trusts, and what a publisher there is described by."""

    url: str
    kind: str
    fields: tuple[Field, ...]


def publishers(api: Api, project: str = "") -> tuple[list[Publisher], list[Issuer]]:
    """The publishers of a project, or, without one, the pending ones of whoever asks; and the issuers there are."""
    answer = api.ask("GET", *_place(project, is_pending=not project))
    return [_publisher(each) for each in rows(answer, "publishers")], [
        _issuer(each) for each in rows(answer, "issuers")
    ]


def add(api: Api, project: str, issuer: str, claims: Claims, *, is_pending: bool = False) -> Publisher:
    """Let a build job publish a project; a pending one claims a new name with its first upload."""
    name = {"project": project} if is_pending else {}
    body = {**name, "issuer": issuer, "claims": claims}
    return _publisher(api.ask("POST", *_place(project, is_pending=is_pending), body=body))


def remove(api: Api, project: str, publisher_id: str, *, is_pending: bool = False) -> None:
    """End a publisher at once."""
    api.ask("DELETE", *_place(project, is_pending=is_pending), publisher_id)


def _place(project: str, *, is_pending: bool) -> tuple[str, ...]:
    return ("publishers",) if is_pending else ("project", project, "publishers")


def _publisher(told: dict[str, object]) -> Publisher:
    claims = told.get("claims")
    return Publisher(
        id=str(told.get("id", ""))[:100],
        project=reply.text(told.get("project")),
        issuer=reply.text(told.get("issuer")),
        claims=claims if isinstance(claims, dict) else {},
        added_by=reply.text(told.get("added_by")),
        expires_at=reply.text(told.get("expires_at")),
        last_used_at=reply.text(told.get("last_used_at")),
        sleeps=reply.text(told.get("sleeps")),
    )


def _issuer(told: dict[str, object]) -> Issuer:
    fields = [
        Field(reply.text(each.get("name")), each.get("needed") is True, reply.text(each.get("help")))
        for each in rows(told, "fields")
    ]
    return Issuer(reply.text(told.get("issuer")), reply.text(told.get("kind")), tuple(fields))
