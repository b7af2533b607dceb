"""
Who may do what to a project: the one table, and the questions that are asked of it.

Pages, API, uploads and the tests that walk every route with every role and every state all read `TABLE`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from otumat.errors import Refused
from otumat_index.journal.actor import Actor

STRONGEST = ("owner", "maintainer", "reader")
FREE_OF_FACTORS = ("read", "leave")
"""What needs no second factor, even where the project asks for one."""


@dataclass(frozen=True, slots=True)
class Deed:
    """
    Something done to a project.

    Attributes:
        verb: As in "'bob' may not … 'roundup'".
        roles: Who may. Not named is not allowed.
        scope: The action of a token that covers it.
        closed_in: States of a project (PEP 792) in which nobody may, or only an admin.
    """

    verb: str
    roles: frozenset[str]
    scope: str
    closed_in: frozenset[str] = frozenset()


def deed(verb: str, roles: str, scope: str, *, closed_in: str = "") -> Deed:
    return Deed(verb, frozenset(roles.split()), scope, frozenset(closed_in.split()))


TABLE: Mapping[str, Deed] = {
    # The draft: owner and maintainer submit and update; the owner assigns roles; the admin decides who owns a name.
    "submit": deed("submit information for", "owner maintainer", "submit", closed_in="archived quarantined"),
    "upload": deed("upload files to", "owner maintainer", "upload", closed_in="archived quarantined"),
    "yank": deed("yank releases of", "owner maintainer admin", "yank"),
    "manage": deed("manage", "owner admin", "manage"),
    "read": deed("see", "owner maintainer reader admin", "read"),
    "audit": deed("see the journal of", "owner maintainer admin", "manage"),
    # What users told is for those who make the software; an admin runs the index, and may end the collection.
    "measure": deed("see the uses of", "owner maintainer", "manage"),
    "disclose": deed("publish the uses of", "owner", "manage"),
    "invite": deed("invite people to", "owner admin", "manage", closed_in="quarantined"),
    "transfer": deed("hand over", "owner admin", "manage", closed_in="quarantined"),
    # A publisher acts for whoever added it, so even an admin adds none without being an owner.
    "entrust": deed("add publishers to", "owner", "manage"),
    # A key vouches for a project for good; an admin can end one, never add one.
    "vouch": deed("add keys to", "owner", "manage", closed_in="quarantined"),
    "leave": deed("leave", "owner maintainer reader admin", "manage"),
    "assign": deed("assign an owner to", "admin", "manage"),
}


@dataclass(frozen=True, slots=True)
class Standing:
    """What a decision needs to know of a project: does it exist, whose is it, may it change?"""

    name: str
    exists: bool
    role: str = ""
    status: str = "active"
    is_private: bool = False
    has_owner: bool = True
    lacks_factor: bool = False
    """The project wants a second factor behind whoever changes it, and there is none."""
    signatures: str = ""
    """What the project asks of signatures; empty: what the index does."""


def strongest(kinds: Iterable[str]) -> str:
    """The role that reaches furthest; empty where there is none."""
    held = set(kinds)
    return next((kind for kind in STRONGEST if kind in held), "")


def roles_of(actor: Actor, standing: Standing) -> frozenset[str]:
    """Every role an actor has towards a project."""
    return frozenset(role for role in (standing.role, "admin" if actor.is_admin else "") if role)


def may(actor: Actor, action: str, standing: Standing) -> bool:
    """Whether role and credential both reach."""
    if action == "read" and standing.exists and not standing.is_private:
        return True
    row = TABLE[action]
    return actor.covers(row.scope, standing.name) and bool(roles_of(actor, standing) & row.roles)


def is_closed(actor: Actor, action: str, standing: Standing) -> bool:
    """Whether the project's state forbids it; an admin may do what closed states forbid to owners, but adds nothing."""
    return standing.status in TABLE[action].closed_in and not (actor.is_admin and "admin" in TABLE[action].roles)


def is_hidden(actor: Actor, standing: Standing) -> bool:
    """Whether the project is none of the actor's business: private, and without a role there."""
    return standing.exists and standing.is_private and not roles_of(actor, standing)


def check_may(actor: Actor, action: str, standing: Standing, *, name_claims: str) -> None:
    """
    Refuse what role, credential or the project's state do not allow. A free name may be claimed by submit and upload.

    Raises:
        Refused: Saying which of them it was.
    """
    row = TABLE[action]
    what = f"{row.verb} {standing.name!r}"
    if not actor.covers(row.scope, standing.name):
        raise Refused(
            f"This token may not {what}.", hint="Use a token that covers this project and action.", code="token_scope"
        )
    if is_hidden(actor, standing) or not standing.exists:
        # A hidden project and a free name get one answer wherever nobody may claim; where anybody may, the refusal of
        # a hidden one says no more than that the name cannot be had (A86).
        if name_claims == "admin" and not actor.is_admin:
            raise Refused(
                f"You have no role for {standing.name!r}, and on this index an admin assigns names.",
                hint="Ask an admin to make you its owner.",
                code="claim_needs_admin",
            )
        if standing.exists:
            raise Refused(
                f"The name {standing.name!r} cannot be claimed.", hint="Choose another name.", code="name_unavailable"
            )
        return
    if not roles_of(actor, standing) & row.roles:
        hint = (
            "Ask one of its owners for a role."
            if standing.has_owner
            else "It has no owner yet: ask an admin to assign one."
        )
        raise Refused(f"{actor.name!r} may not {what}.", hint=hint, code="role")
    if standing.lacks_factor and action not in FREE_OF_FACTORS:
        raise Refused(
            f"{standing.name!r} asks for a second factor of everybody who changes it.",
            hint="Set one up at /account/security/; API tokens count when they are made after that.",
            code="second_factor",
        )
    if is_closed(actor, action, standing):
        told = "nothing can be added to it" if row.scope in ("submit", "upload") else f"nobody may {row.verb} it"
        raise Refused(
            f"{standing.name!r} is {standing.status}: {told}.",
            hint="An owner or admin can change its status first.",
            code="project_status",
        )


def check_quarantine(actor: Actor, old: str, new: str) -> None:
    """Quarantine is an admin's: neither an owner nor a stolen token lifts it."""
    if "quarantined" in (old, new) and old != new and not actor.is_admin:
        raise Refused(
            "Only an admin puts a project into quarantine or takes it out.", hint="Ask an admin.", code="quarantine"
        )


def check_may_assign(actor: Actor, standing: Standing) -> None:
    """Names are an admin's to give, free ones as well."""
    row = TABLE["assign"]
    if not (actor.is_admin and actor.covers(row.scope, standing.name)):
        raise Refused("Only an admin of this index assigns names.", hint="Ask an admin.", code="admin")
