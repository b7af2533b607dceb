"""What owners do with the keys of their project. Every one of these is mailed to all owners."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction

from otumat.errors import Invalid, Problem
from otumat.spec.key_list import Change
from otumat_index.journal import actions as journal
from otumat_index.journal.actor import Actor, command
from otumat_index.publish import queries
from otumat_index.publish import rules as publishing
from otumat_index.publish.actions import entry
from otumat_index.publish.models import Project
from otumat_index.publish.trusted.actions import check_unlimited
from otumat_index.trust import history, keys, rules
from otumat_index.trust import queries as known
from otumat_index.trust.models import Key


def locked(project: Project, deed: str, by: Actor) -> Project:
    """The project, locked, if the actor may do this to it."""
    project = entry.lock(project)
    publishing.check_may(by, deed, queries.standing_of(by, project.normalized), name_claims="admin")
    return project


@transaction.atomic
def add_key(
    project: Project,
    text: str,
    *,
    role: str = "maintainer",
    note: str = "",
    replaces: str = "",
    by: Actor,
    at: datetime,
) -> Key:
    """
    Let a key sign for this project, in the place of another one where `replaces` names it.

    A key outlives whatever added it, so a limited token adds none.

    Args:
        text: PEM, or a line of OpenSSH.

    Raises:
        Refused: The actor is no owner. Invalid, Conflict, NotFound: As `trust.keys.add` and `find`.
    """
    project = vouching(project, by)
    old = keys.find(project.normalized, replaces) if replaces else None
    new = keys.add(project.normalized, keys.read(text), role=role, note=note.strip(), replaces=old, by=by.name, at=at)
    return told_of(project, new, old, proof=None, by=by, at=at)


@transaction.atomic
def add_proven_key(project: Project, change: Mapping[str, Any], *, by: Actor, at: datetime) -> Key:
    """
    The same by a change that keys of the project signed: whoever relies on those takes the new one without asking.

    Args:
        change: Payload and signatures, as `otumat.spec.key_list` has them.

    Raises:
        Refused, Invalid, Conflict, NotFound: As above, and as `trust.history.check_proof`.
    """
    project = vouching(project, by)
    proof, told = history.check_proof(project.normalized, change, at=at)
    old = keys.find(project.normalized, proof.replaces) if proof.replaces else None
    new = keys.add(
        project.normalized, told.public, role=told.role, note=told.note, replaces=old, proof=proof, by=by.name, at=at
    )
    return told_of(project, new, old, proof=proof, by=by, at=at)


def vouching(project: Project, by: Actor) -> Project:
    """The project, locked, if the actor may add a key to it: an owner, or an operator at the machine itself."""
    if by == command():
        return entry.lock(project)
    check_unlimited(by)
    return locked(project, "vouch", by)


def told_of(project: Project, new: Key, old: Key | None, *, proof: Change | None, by: Actor, at: datetime) -> Key:
    """The key, once the journal has it."""
    signed = {"signed": ", ".join(f"{each.keyid[:16]}…" for each in proof.signatures)} if proof else {}
    if old is None:
        tell("key.add", project, new, by=by, at=at, role=new.role, note=new.note, **signed)
    else:
        short = f"{old.key_id[:16]}…"
        tell("key.rotate", project, new, by=by, at=at, role=new.role, note=new.note, old=short, **signed)
    return new


@transaction.atomic
def revoke_key(
    project: Project,
    key_id: str,
    *,
    kind: str,
    reason: str = "",
    since: datetime | None = None,
    by: Actor,
    at: datetime,
) -> Key:
    """
    End a key, for good.

    Args:
        kind: `superseded`: what it signed before stays good; `compromised`: nothing published since counts.
        since: Of a compromise: when it may have begun; now when left out.
    """
    project = locked(project, "manage", by)
    key = keys.revoke(keys.find(project.normalized, key_id), kind=kind, reason=reason, since=since, by=by.name, at=at)
    moment = key.revoked_at.isoformat() if key.revoked_at else ""
    tell("key.revoke", project, key, by=by, at=at, kind=kind, reason=key.reason, since=moment)
    return key


@transaction.atomic
def ask_signatures(project: Project, policy: str, *, by: Actor, at: datetime) -> Project:
    """
    Set what is done about the signatures of uploads; empty for what the index does. Never less than that.

    Raises:
        Invalid: It is no policy, or would refuse everything because there is no key.
    """
    project = locked(project, "manage", by)
    if policy not in ("", *rules.POLICIES):
        message = f"{policy[:40]!r} is nothing that can be done about signatures."
        hint = f"Choose {', '.join(rules.POLICIES)}, or nothing."
        raise Invalid([Problem("signatures.policy", "policy", message, hint=hint)])
    if policy == "refuse" and not any(key.revoked_at is None for key in known.keys(project.normalized)):
        message = "Without a key, every wheel would be refused."
        raise Invalid([Problem("signatures.no_key", "policy", message, hint="Add a key first.")])
    project.signatures, project.updated_at = policy, at
    project.save(update_fields=["signatures", "updated_at"])
    journal.write(
        "project.signatures", project.name, by=by, at=at, topic=project.normalized, policy=policy or "the index's"
    )
    return project


def tell(action: str, project: Project, key: Key, *, by: Actor, at: datetime, **data: str) -> None:
    """The journal's row: the key by how its id begins, and by its note."""
    subject = f"{key.key_id[:16]}…" + (f" ({key.note})" if key.note else "")
    journal.write(action, subject, by=by, at=at, topic=project.normalized, key=key.key_id, **data)
