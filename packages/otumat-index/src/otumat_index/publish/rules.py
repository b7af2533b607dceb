"""Pure decisions about publishing: who may do what, and which upload contradicts what is there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from otumat.errors import Problem, Refused
from otumat.spec import metadata as spec
from otumat.spec.classifiers import Vocabulary
from otumat.spec.metadata import Metadata
from otumat_index.journal.actor import Actor

MAY: Mapping[str, frozenset[str]] = {
    # The draft: owner and maintainer submit and update; the owner assigns roles; the admin decides who owns a name.
    "submit": frozenset({"owner", "maintainer"}),
    "upload": frozenset({"owner", "maintainer"}),
    "yank": frozenset({"owner", "maintainer", "admin"}),
    "manage": frozenset({"owner", "admin"}),
    "read": frozenset({"owner", "maintainer", "reader", "admin"}),
}
"""Which roles may do which action on a project. Not named is not allowed."""

VERBS = {
    "submit": "submit information for",
    "upload": "upload files to",
    "yank": "yank releases of",
    "manage": "manage",
    "read": "see",
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


def roles_of(actor: Actor, standing: Standing) -> frozenset[str]:
    """Every role an actor has towards a project."""
    return frozenset(role for role in (standing.role, "admin" if actor.is_admin else "") if role)


def may(actor: Actor, action: str, standing: Standing) -> bool:
    """Whether role and credential both reach."""
    if action == "read" and standing.exists and not standing.is_private:
        return True
    return actor.covers(action, standing.name) and bool(roles_of(actor, standing) & MAY.get(action, frozenset()))


def check_may(actor: Actor, action: str, standing: Standing, *, name_claims: str) -> None:
    """
    Refuse what role, credential or the project's state do not allow. A free name may be claimed by submit and upload.

    Raises:
        Refused: Saying which of them it was.
    """
    what = f"{VERBS.get(action, action)} {standing.name!r}"
    if not actor.covers(action, standing.name):
        raise Refused(
            f"This token may not {what}.", hint="Use a token that covers this project and action.", code="token_scope"
        )
    if not standing.exists:
        if name_claims == "admin" and not actor.is_admin:
            raise Refused(
                f"The name {standing.name!r} is free, but on this index an admin assigns names.",
                hint="Ask an admin to make you its owner.",
                code="claim_needs_admin",
            )
        return
    if not roles_of(actor, standing) & MAY.get(action, frozenset()):
        hint = (
            "Ask one of its owners for a role."
            if standing.has_owner
            else "It has no owner yet: ask an admin to assign one."
        )
        raise Refused(f"{actor.name!r} may not {what}.", hint=hint, code="role")
    if standing.status in ("archived", "quarantined") and action in ("submit", "upload"):
        raise Refused(
            f"{standing.name!r} is {standing.status}: nothing can be added to it.",
            hint="An owner or admin can change its status first.",
            code="project_status",
        )


def check_quarantine(actor: Actor, old: str, new: str) -> None:
    """Quarantine is an admin's: neither an owner nor a stolen token lifts it."""
    if "quarantined" in (old, new) and old != new and not actor.is_admin:
        raise Refused(
            "Only an admin puts a project into quarantine or takes it out.", hint="Ask an admin.", code="quarantine"
        )


def check_entry(
    metadata: Metadata, *, vocabulary: Vocabulary, max_description_kb: int, lenient_version: bool = False
) -> list[Problem]:
    """Every rule for the information of an entry: those of core metadata, and the limits of this index."""
    problems = spec.check(metadata, vocabulary=vocabulary, lenient_version=lenient_version)
    size_bytes = len(metadata.description.encode("utf-8", "replace"))
    if size_bytes > max_description_kb * 1000:
        message = f"The description has {size_bytes / 1000:.0f} kB; this index accepts {max_description_kb} kB."
        hint = "Move the details to your documentation, or ask the admin to raise MAX_DESCRIPTION_KB."
        problems.append(Problem("description.too_long", "description", message, hint=hint))
    return problems


def check_digests(claimed: Mapping[str, str], actual: Mapping[str, str]) -> list[Problem]:
    """Claimed digests, whichever were sent, must be those of the bytes that arrived (case does not matter)."""
    problems = []
    for name, value in claimed.items():
        if (
            name == "md5_digest" and len(value.strip()) != 32
        ):  # twine sends md5 as base64 of another kind to some indexes
            problems.append(
                Problem("digest.malformed", name, f"{name} is {value!r}, which is no MD5 in hex.", value=value)
            )
        elif value.strip().lower() != actual[name]:
            problems.append(
                Problem(
                    "digest.mismatch",
                    name,
                    f"{name} says {value.strip()!r}, but the bytes that arrived have {actual[name]!r}.",
                    value=value,
                    hint="The upload was damaged or the digest belongs to another file; send it again.",
                )
            )
    return problems


STATIC = ("requires_dist", "requires_python", "provides_extra")
"""What resolvers rely on: where sdist and wheel differ in these, one of them lies."""


def check_siblings(sdist: Metadata, wheel: Metadata) -> list[Problem]:
    """
    A wheel may not differ from its release's sdist in a field the sdist did not declare dynamic.

    Returns:
        Errors where PEP 643 binds (sdist metadata 2.2 and later) and resolvers would be misled, warnings otherwise.

    Source: PEP 643: a field not in Dynamic "MUST" have the same value in every wheel built from the sdist.
    """
    binding = spec_number(sdist.metadata_version) >= (2, 2)
    dynamic = {value.lower() for value in sdist.dynamic}
    found = {
        each.field: each for each in (*spec.compare(wheel, sdist), *spec.compare(sdist, wheel)) if each.field in STATIC
    }
    return [
        Problem(
            "release.files_differ",
            field,
            f"The wheel and the sdist of this release say different things of {field.replace('_', '-')}.",
            value=problem.value,
            hint="Build both from the same source, or declare the field dynamic.",
            rule="PEP 643",
            severity="error" if binding and field.replace("_", "-") not in dynamic else "warning",
        )
        for field, problem in found.items()
    ]


def spec_number(version: str) -> tuple[int, ...]:
    """`2.2` as (2, 2); anything unreadable as (0,)."""
    try:
        return tuple(int(part) for part in version.split("."))
    except ValueError:
        return (0,)


def entry_values(metadata: Metadata) -> dict[str, Any]:
    """Columns of `Release` that come from metadata, all of them: what is absent is cleared, as the draft says."""
    values: dict[str, Any] = {}
    for field in spec.FIELDS:
        if field.attribute not in ("name", "version"):
            value = getattr(metadata, field.attribute)
            values[field.attribute] = as_json(value) if field.multiple else value
    return values


def as_json(values: tuple[Any, ...]) -> list[Any]:
    """A tuple of texts or pairs as JSON keeps it."""
    return [list(each) if isinstance(each, tuple) else each for each in values]
