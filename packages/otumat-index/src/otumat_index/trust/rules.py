"""Pure decisions about keys and signatures over time: no clock, no table, no request."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from otumat.errors import Problem
from otumat.spec.vouching.checking import why_not
from otumat.spec.vouching.keyring import COMPROMISED, ROLES, SUPERSEDED, KeyRecord
from otumat.spec.vouching.verdict import REVOKED, TRUSTED

POLICIES = ("off", "mark", "refuse")
"""From the most lenient on: what is done about signatures of uploads."""
REASONS = (SUPERSEDED, COMPROMISED)
NOTE_MAX_CHARS, REASON_MAX_CHARS = 200, 500
KEYS_MAX = 50
"""Of one scope, those that ended included."""
LEEWAY = timedelta(minutes=5)
"""How far ahead of ours a clock may be that names a moment of the past."""


def stricter(*policies: str) -> str:
    """
    The strictest of these policies; an empty one asks for nothing.

    >>> stricter("mark", ""), stricter("mark", "refuse"), stricter("refuse", "off")
    ('mark', 'refuse', 'refuse')
    """
    return max((each for each in policies if each), key=POLICIES.index, default="off")


def moment(at: datetime) -> str:
    """
    A moment in the one form that policies and statements have.

    Args:
        at: Aware.
    """
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def state_now(state: str, key_ids: Sequence[str], known: Mapping[str, KeyRecord], *, at: str, published: str) -> str:
    """
    What a verdict comes to today: trusted as long as one of its keys counts for the moment of publication.

    The index saw the file at `published`: that proves when, at the latest, it was signed. So what a key signed before
    it was revoked stays good, and what was published since does not, also where the revocation names an earlier moment.

    Args:
        state: As it was found when the file came.
        known: Every key of the scope by id, with its revocation.
    """
    if state != TRUSTED:
        return state
    return TRUSTED if any(counts(known.get(each), at=at, published=published) for each in key_ids) else REVOKED


def counts(record: KeyRecord | None, *, at: str, published: str) -> bool:
    """Whether a key counts for something published then."""
    return record is not None and why_not(record, at, published) is None


def check_new(role: str, note: str) -> list[Problem]:
    """What may be said of a new key."""
    problems = []
    if role not in ROLES:
        problems.append(
            Problem("key.role", "role", f"{role[:40]!r} is no role of a key.", hint=f"Choose {', '.join(ROLES)}.")
        )
    if len(note) > NOTE_MAX_CHARS or not note.isprintable():
        message = f"The note must be one line of up to {NOTE_MAX_CHARS} characters."
        problems.append(Problem("key.note", "note", message))
    return problems


def check_revocation(kind: str, reason: str, since: datetime | None, *, at: datetime) -> list[Problem]:
    """What may be said of the end of a key. Only a compromise has a moment of its own: it was before it was known."""
    problems = []
    if kind not in REASONS:
        message = f"{kind[:40]!r} is no kind of revocation."
        problems.append(Problem("key.revocation", "kind", message, hint=f"Choose {' or '.join(REASONS)}."))
    if len(reason) > REASON_MAX_CHARS or not reason.isprintable():
        message = f"The reason must be one line of up to {REASON_MAX_CHARS} characters."
        problems.append(Problem("key.reason", "reason", message))
    if since is not None and (since.tzinfo is None or since > at + LEEWAY):
        message = "The moment of a compromise must be in the past, with its time zone."
        problems.append(Problem("key.since", "since", message, hint="Write it as 2026-01-31T12:00:00Z."))
    if since is not None and kind == SUPERSEDED:
        message = "A key that was superseded ends now; what it signed before stays good."
        problems.append(Problem("key.since", "since", message, hint="Leave the moment out."))
    return problems


@dataclass(frozen=True, slots=True)
class Signing:
    """
    How one release was signed.

    Attributes:
        files: How many wheels it has. signed: How many of them by a trusted envelope.
        keys: Ids of the keys whose signatures hold, over all its wheels.
    """

    files: int
    signed: int
    keys: frozenset[str]

    @property
    def is_signed(self) -> bool:
        """Whether every wheel is."""
        return bool(self.files) and self.signed == self.files


def changes(before: Signing | None, now: Signing) -> tuple[str, ...]:
    """
    What is different from the release before: `first`, `gone`, `partly`, `changed`, `added`, `removed`.

    >>> a, b = frozenset({"a"}), frozenset({"b"})
    >>> changes(Signing(1, 1, a), Signing(1, 1, b)), changes(Signing(1, 1, a), Signing(1, 0, frozenset()))
    (('changed',), ('gone',))
    """
    if before is None or not before.keys:
        return ("first",) if now.keys and before is not None else ()
    if not now.keys:
        return ("gone",) if now.files else ()
    found = ["partly"] if before.is_signed and not now.is_signed else []
    if not before.keys & now.keys:
        return (*found, "changed")
    found += ["added"] if now.keys - before.keys else []
    found += ["removed"] if before.keys - now.keys else []
    return tuple(found)


def records_by_id(records: Iterable[KeyRecord]) -> dict[str, KeyRecord]:
    """Keys by their ids."""
    return {record.public.id: record for record in records}
