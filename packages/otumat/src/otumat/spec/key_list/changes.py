"""
One change of a project's keys, as the bytes that its owners may sign, and what a row of changes comes to.

A change holds its number and the digest of the one before it. So whoever has seen the last one has seen them all: no
change before it can be left out, put in or altered without every later digest being another.
"""

from __future__ import annotations

import hashlib

from otumat.spec.statement import Malformed, Signature, pae, strict_json
from otumat.spec.vouching.keyring import COMPROMISED, SUPERSEDED, KeyRecord, is_moment

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Any

    from otumat.spec.keys import PublicKey

CHANGE_TYPE = "application/vnd.otumat.key-change+json"
"""The payload type under which a change is signed, so that no other signature of a key can be taken for one."""
MOST_BYTES = 64 * 1024
MOST_SIGNATURES = 8


class Change:
    """
    One change, read.

    Attributes:
        payload: Its bytes. digest: Their SHA-256 in hexadecimal: what the next change calls `previous`.
        number: 1 for a project's first. previous: Digest of the one before; empty for the first.
        project: Normalised name. at: Moment, as `2026-01-31T12:00:00Z`.
        added: The key that came. replaces: Id of the one whose place it took, which ends with that as superseded.
        ended: Id of the key that ended; empty where one came. ended_for: `superseded` or `compromised`.
        since: From when on it does not count. reason: In words.
        signatures: By keys of the project, over `message`. None is needed to take trust away.
    """

    __slots__ = ("added", "at", "digest", "ended", "ended_for", "number", "payload", "previous", "project", "reason",
                 "replaces", "signatures", "since")  # fmt: skip

    def __init__(self, payload: bytes, signatures: Sequence[Signature], told: dict[str, Any]) -> None:
        self.payload, self.signatures = payload, tuple(signatures)
        self.digest = hashlib.sha256(payload).hexdigest()
        self.number = strict_json.get(told, "number", int)
        self.previous = strict_json.get(told, "previous", str)
        self.project = strict_json.get(told, "project", str)
        self.at = _moment(told, "at")
        self.replaces = strict_json.get(told, "replaces", str, default="")
        self.added = _added(told["add"], self.at) if "add" in told else None
        end = strict_json.get(told, "end", dict, default={})
        self.ended = strict_json.get(end, "id", str, default="")
        self.ended_for = strict_json.get(end, "for", str, default="")
        self.since = _moment(end, "since") if end else ""
        self.reason = strict_json.get(end, "reason", str, default="")
        if bool(self.added) == bool(self.ended) or (end and self.ended_for not in (SUPERSEDED, COMPROMISED)):
            raise Malformed("a change is neither a key that came nor a key that ended")

    @property
    def message(self) -> bytes:
        """The bytes that signatures are over."""
        return pae(CHANGE_TYPE, self.payload)

    def is_signed_by(self, key: PublicKey) -> bool:
        """Whether the signature that names this key holds under it; one that names none is nobody's."""
        return any(each.keyid == key.id and key.verifies(each.sig, self.message) for each in self.signatures)

    def to_dict(self) -> dict[str, object]:
        """As it stands in a list and in a request: the bytes themselves, never written anew."""
        signatures = [{"keyid": each.keyid, "sig": strict_json.base64_of(each.sig)} for each in self.signatures]
        return {"payload": strict_json.base64_of(self.payload), "signatures": signatures}


def composed_addition(
    project: str, *, number: int, previous: str, at: str, key: KeyRecord, replaces: str = ""
) -> bytes:
    """The bytes of a change by which a key comes."""
    told = {"id": key.public.id, "spki": strict_json.base64_of(key.public.spki), "role": key.role, "note": key.note}
    more = {"replaces": replaces} if replaces else {}
    return _composed(project, number, previous, at, {"add": told, **more})


def composed_end(
    project: str, *, number: int, previous: str, at: str, key_id: str, kind: str, since: str, reason: str = ""
) -> bytes:
    """The bytes of a change by which a key ends."""
    return _composed(
        project, number, previous, at, {"end": {"id": key_id, "for": kind, "since": since, "reason": reason}}
    )


def _composed(project: str, number: int, previous: str, at: str, what: dict[str, object]) -> bytes:
    return strict_json.write({"project": project, "number": number, "previous": previous, "at": at, **what})


def read_change(told: object) -> Change:
    """
    A change as it stands in a list; its signatures have not been checked then.

    Errors:
        Malformed: it is not of this form.
    """
    payload = strict_json.get_bytes(told, "payload")
    listed = strict_json.get(told, "signatures", list, default=[])
    if len(payload) > MOST_BYTES or len(listed) > MOST_SIGNATURES:
        raise Malformed(f"a change has {len(payload)} bytes and {len(listed)} signatures")
    signatures = [Signature(strict_json.get(each, "keyid", str), strict_json.get_bytes(each, "sig")) for each in listed]
    if len({each.keyid for each in signatures}) != len(signatures):
        raise Malformed("a key signed a change twice")  # and whoever checks would have to try again and again
    read = strict_json.read(payload)
    if type(read) is not dict:
        raise Malformed("a change is no object")
    return Change(payload, signatures, read)


def check_row(changes: Iterable[Change], project: str) -> None:
    """
    Whether these are all changes of one project, each on top of the one before.

    Errors:
        Malformed: one is missing, of another project, or not on top of the one before it.
    """
    previous = ""
    for number, change in enumerate(changes, 1):
        if (change.project, change.number, change.previous) != (project, number, previous):
            raise Malformed(f"change {number} of the keys of {project!r} does not follow on the one before it")
        previous = change.digest


def records_of(changes: Iterable[Change]) -> dict[str, KeyRecord]:
    """
    Every key that these changes came to, by id; a key that ended stays ended, and its end only moves back.

    Errors:
        Malformed: a key comes twice, or one ends that never came.
    """
    found: dict[str, KeyRecord] = {}
    for change in changes:
        if change.added is not None:
            if change.added.public.id in found:
                raise Malformed(f"the key {change.added.public.id} comes twice")
            found[change.added.public.id] = change.added
        for key_id, kind, since in ends_of(change):
            if key_id not in found:
                raise Malformed(f"the key {key_id[:64]!r} ends and never came")
            found[key_id] = ended(found[key_id], kind, since)
    return found


def ends_of(change: Change) -> list[tuple[str, str, str]]:
    """Id, kind and moment of each key that ends with a change."""
    if change.ended:
        return [(change.ended, change.ended_for, change.since)]
    return [(change.replaces, SUPERSEDED, change.at)] if change.replaces else []


def ended(record: KeyRecord, kind: str, since: str, *, before: Iterable[str] = ()) -> KeyRecord:
    """
    A record with an end, where that comes earlier or is graver than the one it has; else the same record.

    Args:
        before: What it is known to have signed until then. What was learned with an earlier end stays as it was, and
            a key that turns out to be compromised is known to have signed nothing.
    """
    is_graver = kind == COMPROMISED and record.revoked_for != COMPROMISED
    if record.revoked_at and record.revoked_at <= since and not is_graver:
        return record
    is_lost = COMPROMISED in (record.revoked_for, kind)
    return KeyRecord(
        record.public,
        role=record.role,
        note=record.note,
        added=record.added,
        expires=record.expires,
        revoked_at=min(record.revoked_at or since, since),
        revoked_for=COMPROMISED if is_lost else kind,
        before=() if is_lost else record.before if record.revoked_at else before,
    )


def _added(told: object, at: str) -> KeyRecord:
    if type(told) is not dict or not set(told) <= {"id", "spki", "role", "note"}:
        raise Malformed("a key that came is told in another form")
    record = KeyRecord.from_dict({**told, "added": at})
    if not record.note.isprintable():
        raise Malformed("a note is no text to be shown")
    return record


def _moment(told: dict[str, Any], name: str) -> str:
    text: str = strict_json.get(told, name, str)
    if not is_moment(text):
        raise Malformed(f"{text[:40]!r} is no moment in the form 2026-01-31T12:00:00Z")
    return text
