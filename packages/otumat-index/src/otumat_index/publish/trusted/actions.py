"""Adding and removing publishers; what they mint is in `minting.py`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction

from otumat.errors import Conflict, Invalid, NotFound, Problem, Refused
from otumat.spec import names
from otumat_index.journal import actions as journal
from otumat_index.journal.actor import Actor
from otumat_index.publish import queries
from otumat_index.publish import rules as publishing
from otumat_index.publish.actions import entry
from otumat_index.publish.models import Project, TrustedPublisher
from otumat_index.publish.trusted import issuers, rules, standing

PUBLISHERS_MAX = 50
"""Of one project."""
PENDING_MAX = 20
"""Of one person."""


@transaction.atomic
def add_publisher(
    project: Project, *, issuer: str, claims: Mapping[str, object], by: Actor, at: datetime
) -> TrustedPublisher:
    """
    Let a workflow publish this project. The owner who adds it answers for it (docs/decisions/0007).

    Raises:
        Refused: The actor is no owner, or acts by a limited token.
        Invalid: With everything wrong with issuer and claims.
        Conflict: It is there already, or there are too many.
    """
    project = entry.lock(project)
    check_may_add(project, by=by)
    kind, checked = check_described(issuer, claims)
    there = TrustedPublisher.objects.filter(project=project)
    check_new(there, issuer, checked, most=PUBLISHERS_MAX)
    return write(TrustedPublisher(project=project), issuer, kind, checked, by=by, at=at)


def check_may_add(project: Project, *, by: Actor) -> None:
    """Owners only: a publisher is the person who added it, so an admin without a role could not stand behind one."""
    check_unlimited(by)
    state = queries.standing_of(by, project.normalized)
    publishing.check_may(by, "manage", state, name_claims="admin")
    if not publishing.may(standing.as_person(by), "manage", state):
        raise Refused(
            "A publisher acts for the owner who adds it, and you are no owner here.",
            hint="Ask an owner to add it, or make yourself one first.",
            code="role",
        )


def check_unlimited(by: Actor) -> None:
    """A publisher outlives any token: a limited one must not make itself a lasting door."""
    if by.actions is not None or by.projects is not None or by.user_id is None:
        raise Refused(
            "A limited token cannot add publishers.", hint="Sign in, or use a token without limits.", code="token_scope"
        )


def check_described(issuer: str, claims: Mapping[str, object]) -> tuple[str, dict[str, Any]]:
    """The kind of the issuer, and the claims in one spelling."""
    trusted = issuers.trusted()
    if issuer not in trusted:
        offered = ", ".join(trusted) or "none: trusted publishing is off"
        message = f"This index does not trust the issuer {issuer[:200]!r}."
        hint = f"It trusts {offered}."
        raise Invalid([Problem("publisher.issuer", "issuer", message, value=issuer[:200], hint=hint)])
    checked, problems = rules.check_claims(trusted[issuer], claims)
    if problems:
        raise Invalid(problems)
    return trusted[issuer], checked


def check_new(there: Any, issuer: str, claims: dict[str, Any], *, most: int) -> None:
    rows = list(there.filter(issuer=issuer).values_list("claims", flat=True))
    if claims in rows:
        hint = "If it sleeps, remove it first; otherwise nothing needs to be done."
        raise Conflict("That publisher is there already.", hint=hint, code="publisher_exists")
    if there.count() >= most:
        raise Conflict(f"There are {most} publishers, the most there may be.", hint="Remove some first.")


def write(
    publisher: TrustedPublisher, issuer: str, kind: str, claims: dict[str, Any], *, by: Actor, at: datetime
) -> TrustedPublisher:
    publisher.created_by_id = by.user_id or 0
    publisher.issuer, publisher.kind, publisher.claims = issuer, kind, claims
    publisher.key, publisher.created_at = rules.lookup(kind, claims), at
    publisher.save(force_insert=True)
    tell("publisher.add", publisher, by=by, at=at, issuer=issuer, claims=claims)
    return publisher


def tell(action: str, publisher: TrustedPublisher, *, by: Actor, at: datetime, **data: Any) -> None:
    """The journal's row, in the project's own journal; a pending one is its person's business alone."""
    project = publisher.project
    journal.write(
        action,
        rules.describe(publisher.kind, publisher.claims),
        by=by,
        at=at,
        topic=project.normalized if project else "",
        publisher=publisher.pk,
        **(data if project else {**data, "pending": publisher.pending_name}),
    )


@transaction.atomic
def add_pending(name: str, *, issuer: str, claims: Mapping[str, object], by: Actor, at: datetime) -> TrustedPublisher:
    """
    Let a workflow claim a new name with its first upload; the person who adds it becomes the owner. Ends in 30 days.

    It does not reserve the name: whoever uploads first has it.
    """
    check_unlimited(by)
    normalized = check_free(name, by=by)
    kind, checked = check_described(issuer, claims)
    TrustedPublisher.objects.filter(project=None, created_by_id=by.user_id, expires_at__lte=at).delete()
    mine = TrustedPublisher.objects.filter(project=None, created_by_id=by.user_id)
    check_new(mine.filter(pending_name=normalized), issuer, checked, most=PENDING_MAX)
    if mine.count() >= PENDING_MAX:
        raise Conflict(f"You have {PENDING_MAX} pending publishers, the most there may be.", hint="Remove some first.")
    publisher = TrustedPublisher(pending_name=normalized, expires_at=at + timedelta(days=rules.PENDING_DAYS))
    return write(publisher, issuer, kind, checked, by=by, at=at)


def check_free(name: str, *, by: Actor) -> str:
    """The normalised name, if the person might claim it by an upload of their own today."""
    problems = names.check_name(name)
    if problems:
        raise Invalid(problems)
    person, normalized = standing.as_person(by), names.normalize(name)
    state = queries.standing_of(person, normalized)
    if state.exists and not publishing.is_hidden(person, state):
        message = f"There is a project {normalized!r} already."
        raise Conflict(message, hint="Its owners add publishers on its own page.", code="project_exists")
    publishing.check_may(person, "upload", state, name_claims=settings.CONFIG.name_claims)
    if not state.exists and settings.CONFIG.name_claims == "admin":
        raise Refused("On this index an admin assigns names.", hint="Ask an admin for it.", code="claim_needs_admin")
    problems = [each for each in entry.check_claim(name, state, by=person) if each.severity == "error"]
    if problems:
        raise Invalid(problems)
    return normalized


@transaction.atomic
def remove_publisher(project: Project, publisher_id: int, *, by: Actor, at: datetime) -> None:
    """End a publisher of this project; what was minted for it ends with it."""
    project = entry.lock(project)
    publishing.check_may(by, "manage", queries.standing_of(by, project.normalized), name_claims="admin")
    remove(TrustedPublisher.objects.filter(project=project, pk=publisher_id).first(), by=by, at=at)


@transaction.atomic
def remove_pending(publisher_id: int, *, by: Actor, at: datetime) -> None:
    """End one of one's own pending publishers."""
    check_unlimited(by)
    mine = TrustedPublisher.objects.filter(project=None, created_by_id=by.user_id, pk=publisher_id)
    remove(mine.first(), by=by, at=at)


def remove(publisher: TrustedPublisher | None, *, by: Actor, at: datetime) -> None:
    if publisher is None:
        raise NotFound("There is no such publisher.", hint="Its page lists those there are.")
    tell("publisher.remove", publisher, by=by, at=at)
    publisher.delete()
