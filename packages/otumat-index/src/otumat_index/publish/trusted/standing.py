"""
For whom a minted token acts.

A publisher can never do more than the person who added it could do now: that person stands behind every use, looked up
at that use. So a person's removal, a publisher's removal and a closed account end it at once on every path (A47).
"""

from __future__ import annotations

import dataclasses
from datetime import datetime

from django.db.models import Exists, OuterRef, Q, QuerySet

from otumat.errors import Refused
from otumat.spec import names
from otumat_index.journal.actor import Actor
from otumat_index.publish import queries, rules
from otumat_index.publish.models import Project, TrustedPublisher


def living(*, at: datetime) -> QuerySet[TrustedPublisher]:
    """
    Publishers that may be used: of a project, or pending as long as nobody has the name; added by an active account.
    """
    taken = Project.objects.filter(normalized=OuterRef("pending_name"))
    waiting = Q(project=None, expires_at__gt=at) & ~Exists(taken)
    return TrustedPublisher.objects.filter(Q(project__isnull=False) | waiting, created_by__is_active=True)


def person_behind(publisher: TrustedPublisher) -> Actor:
    """The actor a publisher is: who added it, limited to submitting and uploading for its one project."""
    name = publisher.project.normalized if publisher.project else publisher.pending_name
    return Actor(
        name=publisher.created_by.username,
        user_id=publisher.created_by_id,
        credential=f"publisher:{publisher.pk}",
        actions=frozenset({"submit", "upload"}),
        projects=frozenset({name}),
        publishers=(publisher.pk,),
    )


def may_publish(publisher: TrustedPublisher) -> bool:
    """Whether the person behind a publisher could upload there now; of a free name, whether anybody is asked for it."""
    if publisher.project is None:
        return True
    by = person_behind(publisher)
    return rules.may(by, "upload", queries.standing_of(by, publisher.project.normalized))


def stand_in(by: Actor, name: str, *, at: datetime) -> Actor:
    """
    The person behind the publisher that covers a project, where the actor is a minted token; else the actor itself.

    Raises:
        Refused: None of the token's publishers covers the project any more, or two people's pending ones do.
    """
    if not by.publishers:
        return by
    normalized = names.normalize(name)
    found = covering(by.publishers, normalized, at=at)
    if not found:
        raise Refused(
            f"This token may not publish {normalized!r}.",
            hint="Its trusted publisher covers another project, was removed, or the person who added it has left.",
            code="token_scope",
        )
    if found[0].project is None and len({publisher.created_by_id for publisher in found}) > 1:
        # Whoever we chose might be a stranger who foretold this upload to own its name (A58).
        raise Refused(
            f"Several people wait for this publisher to claim {normalized!r}.",
            hint="Upload the first release yourself, then add the publisher to the project.",
            code="pending_ambiguous",
        )
    return person_behind(found[0])


def covering(publishers: tuple[int, ...], normalized: str, *, at: datetime) -> list[TrustedPublisher]:
    """Those of a token's publishers that may publish a project now, the oldest first."""
    if names.check_name(normalized):  # nor could every database be asked for it
        return []
    named = Q(project__normalized=normalized) | Q(pending_name=normalized)
    rows = living(at=at).filter(named, pk__in=publishers).select_related("project", "created_by").order_by("pk")
    return [publisher for publisher in rows if may_publish(publisher)]


def settle(project: Project, *, claimed: bool, by: Actor) -> None:
    """
    In the transaction of a publication, with the project locked: pending publishers of a name that is claimed end.

    The one whose upload claimed it becomes the project's; all others of that name die (A58).

    Raises:
        Refused: The publisher was removed since it was asked for, or another was quicker.
    """
    if claimed:
        waiting = TrustedPublisher.objects.filter(pending_name=project.normalized)
        waiting.filter(pk__in=by.publishers).update(project=project, pending_name="", expires_at=None)
        waiting.delete()
    if by.publishers and not TrustedPublisher.objects.filter(pk__in=by.publishers, project=project).exists():
        raise Refused(
            f"This token may not publish {project.normalized!r} any more.",
            hint="Its trusted publisher was removed, or somebody else claimed the name first.",
            code="token_scope",
        )


def as_person(by: Actor) -> Actor:
    """The actor without an admin's powers: what a publisher of theirs could do."""
    return dataclasses.replace(by, is_admin=False)
