"""Every write to the table of keys; who may, and which journal row, is the business of the caller."""

from __future__ import annotations

from datetime import datetime

from otumat.errors import Conflict, Invalid, NotFound, Problem
from otumat.spec.key_list import Change
from otumat.spec.keys import BadKey, PublicKey, key_problems
from otumat.spec.vouching.keyring import COMPROMISED, SUPERSEDED
from otumat_index.trust import history, queries, rules
from otumat_index.trust.models import Key

KEY_MAX_CHARS = 64 * 1024


def read(text: str) -> PublicKey:
    """
    A public key as PEM, or as a line of OpenSSH.

    Raises:
        Invalid: It is something else, a private key above all; the message never quotes it.
    """
    cleaned = text.strip()
    try:
        if len(cleaned) > KEY_MAX_CHARS or not cleaned.isascii():
            raise BadKey("it is no text of a key")
        if cleaned.startswith("ssh-"):
            return PublicKey.from_openssh(cleaned)
        return PublicKey.from_pem(cleaned.encode())
    except BadKey as exc:
        hint = "Send the .pub file that 'otumat keygen' wrote."
        raise Invalid([Problem("key.unreadable", "key", f"That cannot be used: {exc}.", hint=hint)]) from None


def add(
    scope: str,
    public: PublicKey,
    *,
    role: str,
    note: str,
    replaces: Key | None = None,
    proof: Change | None = None,
    by: str,
    at: datetime,
) -> Key:
    """
    Take a key in, after every question that tells a weak one; in another one's place where that is named.

    Args:
        proof: The same as a change that keys of the scope signed, and that was checked (`history.check_proof`).

    Raises:
        Invalid: With everything wrong with it. Conflict: It is or was a key of this scope, or there are too many; or
            the one to be replaced ended already.
    """
    known = queries.records(scope)
    problems = key_problems(public, others=[record.public for record in known]) + rules.check_new(role, note)
    if problems:
        raise Invalid(problems)
    if public.id in rules.records_by_id(known):
        hint = "One that ended never comes back: make a new one with 'otumat keygen'."
        raise Conflict(f"The key {public.id[:16]}… is listed already.", hint=hint, code="key_exists")
    if len(known) >= rules.KEYS_MAX:
        raise Conflict(f"There are {rules.KEYS_MAX} keys, the most there may be.", code="too_many_keys")
    new = Key.objects.create(
        scope=scope,
        key_id=public.id,
        kind=public.kind,
        spki=public.spki,
        role=role,
        note=note,
        added_at=at,
        added_by=by,
    )
    if replaces is not None:
        end(replaces, kind=SUPERSEDED, reason="", since=None, by=by, at=at)
        replaces.successor = new
        replaces.save(update_fields=["successor"])
    history.write_addition(new, replaces=replaces, proof=proof, at=at)
    return new


def find(scope: str, beginning: str) -> Key:
    """
    One key, by its id or how that begins.

    Raises:
        NotFound: None begins so, or more than one.
    """
    wanted = beginning.lower()
    found = list(Key.objects.filter(scope=scope, key_id__startswith=wanted)[:2]) if is_hex(wanted) else []
    if len(found) != 1:
        raise NotFound(f"There is no one key {beginning[:80]!r} here.", hint="Name it by its id, as it is listed.")
    return found[0]


def is_hex(text: str) -> bool:
    """Whether it may be how a digest begins: 8 digits at least, so that nobody ends a key by a slip."""
    return 8 <= len(text) <= 64 and not text.strip("0123456789abcdef")


def revoke(key: Key, *, kind: str, reason: str, since: datetime | None, by: str, at: datetime) -> Key:
    """
    End a key. One that was superseded can still turn out to be compromised, and its end move to an earlier moment.

    Raises:
        Invalid: With everything wrong with what is said. Conflict: It ended already.
    """
    end(key, kind=kind, reason=reason.strip(), since=since, by=by, at=at)
    history.write_end(key, at=at)
    return key


def end(key: Key, *, kind: str, reason: str, since: datetime | None, by: str, at: datetime) -> None:
    """The row of a key that ends; what becomes of the history is the caller's business."""
    problems = rules.check_revocation(kind, reason, since, at=at)
    if problems:
        raise Invalid(problems)
    moment = since or at
    if key.revoked_at is not None and not (kind == COMPROMISED and worse(key, moment)):
        raise Conflict(f"The key {key.key_id[:16]}… ended already.", code="key_revoked")
    key.revoked_at = min(moment, key.revoked_at) if key.revoked_at else moment
    key.revoked_for, key.reason, key.revoked_by = kind, reason, by
    key.save(update_fields=["revoked_at", "revoked_for", "reason", "revoked_by"])


def worse(key: Key, moment: datetime) -> bool:
    """Whether calling it compromised since then says more than what is known."""
    return key.revoked_for == SUPERSEDED or (key.revoked_at is not None and moment < key.revoked_at)


def end_all(scope: str, *, reason: str, by: str, at: datetime) -> int:
    """End every key that still counts, for the scope is somebody else's now; how many there were."""
    standing = list(Key.objects.filter(scope=scope, revoked_at__isnull=True))
    for key in standing:
        revoke(key, kind=SUPERSEDED, reason=reason, since=None, by=by, at=at)
    return len(standing)
