"""Reading publishers: rows for pages and API."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from otumat_index.accounts.models import User
from otumat_index.publish.models import Project, TrustedPublisher
from otumat_index.publish.trusted import issuers, rules, standing

LISTED_MAX = 200


@dataclass(frozen=True, slots=True)
class Row:
    """
    One publisher as its owners see it.

    Attributes:
        project: Normalised name; of a pending one, the name it waits for.
        sleeps: Why it cannot be used now; empty when it can.
    """

    pk: int
    project: str
    issuer: str
    kind: str
    text: str
    claims: dict[str, Any]
    pinned: dict[str, str]
    added_by: str
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None
    sleeps: str


def of_project(project: Project) -> list[Row]:
    """A project's publishers, oldest first; one query, and one for each person who added some."""
    found = TrustedPublisher.objects.filter(project=project).select_related("project", "created_by")[:LISTED_MAX]
    awake: dict[int, bool] = {}
    for publisher in found:
        if publisher.created_by_id not in awake:
            awake[publisher.created_by_id] = is_awake(publisher)
    return [row(publisher, awake=awake[publisher.created_by_id]) for publisher in found]


def pending_of(user: User, *, at: datetime) -> list[Row]:
    """A person's pending publishers that still wait, oldest first; one query."""
    found = standing.living(at=at).filter(created_by=user, project=None).select_related("created_by")
    return [row(publisher) for publisher in found[:LISTED_MAX]]


def is_awake(publisher: TrustedPublisher) -> bool:
    """Whether the person behind it could publish there now."""
    return publisher.created_by.is_active and standing.may_publish(publisher)


def row(publisher: TrustedPublisher, *, awake: bool = True) -> Row:
    """One publisher; of a new one it is known that its person may publish."""
    sleeps = ""
    if issuers.trusted().get(publisher.issuer) != publisher.kind:
        sleeps = "This index does not trust its issuer any more."
    elif not awake:
        sleeps = (
            f"{publisher.created_by.username} may not publish here any more; an owner can remove it and add it again."
        )
    return Row(
        pk=publisher.pk,
        project=publisher.project.normalized if publisher.project else publisher.pending_name,
        issuer=publisher.issuer,
        kind=publisher.kind,
        text=rules.describe(publisher.kind, publisher.claims),
        claims=publisher.claims,
        pinned=publisher.pinned,
        added_by=publisher.created_by.username,
        created_at=publisher.created_at,
        expires_at=publisher.expires_at,
        last_used_at=publisher.last_used_at,
        sleeps=sleeps,
    )
