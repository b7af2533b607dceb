"""The signed list: every change of a project's keys, by one index, good until it expires."""

from __future__ import annotations

from otumat.errors import Problem
from otumat.spec.key_list.changes import Change, check_row, read_change, records_of
from otumat.spec.statement import Envelope, Malformed, Signature, pae, read_envelope, strict_json
from otumat.spec.vouching.keyring import SUPERSEDED, Pin, digests_of, is_moment, signers_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any

    from otumat.spec.keys import PublicKey
    from otumat.spec.vouching.keyring import KeyRecord

LIST_TYPE = "application/vnd.otumat.keys+json"
FORMAT = "urn:otumat:keys:v1"
MOST_CHANGES = 1_000
_LOOPBACK = ("127.0.0.1", "[::1]")


class Unsigned(Malformed):
    """No key that it must be signed by has signed it."""


class KeyList:
    """
    A list, read, and signed by every key it names as the index's.

    Attributes:
        index: What the index calls itself: its PUBLIC_URL without a slash at the end.
        project: Normalised name.
        issued, expires: Moments.
        signers: The index's own keys, which signed it.
        changes: All of them, the first first.
        records: What they come to, by key id; with what superseded keys signed before, as the index saw it.
    """

    __slots__ = ("changes", "expires", "index", "issued", "project", "records", "signers")

    def __init__(self, told: dict[str, Any]) -> None:
        if strict_json.get(told, "_type", str) != FORMAT:
            raise Malformed("it is no list of keys of a kind that is known")
        self.index: str = strict_json.get(told, "index", str)
        self.project: str = strict_json.get(told, "project", str)
        self.issued, self.expires = _moment(told, "issued"), _moment(told, "expires")
        self.signers = signers_of(told)
        listed = strict_json.get(told, "changes", list)
        if len(listed) > MOST_CHANGES:
            raise Malformed(f"it has {len(listed)} changes; {MOST_CHANGES} are read at most")
        self.changes: tuple[Change, ...] = tuple(read_change(each) for each in listed)
        check_row(self.changes, self.project)
        self.records: dict[str, KeyRecord] = records_of(self.changes)
        for key_id, digests in strict_json.get(told, "witnessed", dict, default={}).items():
            record = self.records.get(key_id)
            if record is not None and record.revoked_for == SUPERSEDED:
                record.before = digests_of(digests)

    @property
    def head(self) -> str:
        """Digest of the last change: the whole history in 64 digits; empty where there is none."""
        return self.changes[-1].digest if self.changes else ""

    @property
    def pin(self) -> Pin:
        """What is to be remembered of it."""
        return Pin(self.index, self.signers, len(self.changes), self.head, self.issued, self.expires)


def composed_list(
    project: str,
    changes: Sequence[Change],
    *,
    index: str,
    issued: str,
    expires: str,
    signers: Sequence[tuple[PublicKey, Callable[[bytes], bytes]]],
    witnessed: Mapping[str, Sequence[str]] | None = None,
) -> bytes:
    """
    The bytes of a list, signed.

    Args:
        signers: The index's keys, each with what signs a message by it.
        witnessed: By the id of a superseded key, SHA-256 of the payloads of envelopes that came before it ended.
    """
    told = {
        "_type": FORMAT,
        "index": index,
        "project": project,
        "issued": issued,
        "expires": expires,
        "signers": [strict_json.base64_of(public.spki) for public, _ in signers],
        "changes": [each.to_dict() for each in changes],
        "witnessed": {key_id: list(digests) for key_id, digests in (witnessed or {}).items()},
    }
    payload = strict_json.write(told)
    message = pae(LIST_TYPE, payload)
    signatures = tuple(Signature(public.id, sign(message)) for public, sign in signers)
    return Envelope(payload, LIST_TYPE, signatures).to_bytes()


def read_list(data: bytes, *, trusted: Sequence[PublicKey] = ()) -> KeyList:
    """
    Read a list, once one of the trusted keys turns out to have signed it.

    Args:
        trusted: The index's keys, as they are remembered; without any, the list is taken at its word.

    Errors:
        Unsigned: none of them signed it, or one that it names did not. Malformed: it is no such list.
    """
    envelope = read_envelope(data)
    if envelope.payload_type != LIST_TYPE:
        raise Malformed(f"its payload is of the type {envelope.payload_type[:80]!r}")
    if trusted and not any(_signed(envelope, key) for key in trusted):
        raise Unsigned("no key of the index that is known here signed it")
    found = KeyList(strict_json.read(envelope.payload))
    if not all(_signed(envelope, key) for key in found.signers):
        raise Unsigned("it names a key of the index that did not sign it")
    return found


def list_problems(
    found: KeyList, pin: Pin | None, *, index: str, project: str, at: str, soon: str, earlier: str
) -> list[Problem]:
    """
    What speaks against a list whose signatures hold: all of it.

    Args:
        pin: What is remembered; None for nothing.
        index: Who was asked, without a slash at the end; a name that is remembered counts before it.
        project: Which project was asked for, normalised.
        at: Now. soon: A little later than that: no clock may be ahead by more.
        earlier: A little before `pin.issued`: what the clocks of one index may differ by.
    """
    said = []
    wanted = pin.index if pin else index
    if one_name(found.index) != one_name(wanted):
        said.append(("keys.index", f"It is the list of {found.index[:200]!r}, not of {wanted!r}."))
    if found.project != project:
        said.append(("keys.project", f"It is the list of {found.project[:100]!r}, not of {project!r}."))
    if found.issued > soon:
        said.append(
            ("keys.future", f"It was issued at {found.issued}, and now it is {at}: one of the clocks is wrong.")
        )
    if found.expires <= at:
        said.append(("keys.expired", f"It expired at {found.expires}: what changed since is kept from you."))
    if pin is not None:
        said += _against(found, pin, earlier)
    return [Problem(code, "keys", message) for code, message in said]


def one_name(index: str) -> str:
    """
    An index's address in one spelling: this machine has several names for itself.

    >>> one_name("http://127.0.0.1:8000"), one_name("HTTP://[::1]:8000/")
    ('http://localhost:8000', 'http://localhost:8000')
    """
    scheme, _, rest = index.rstrip("/").lower().partition("://")
    for name in _LOOPBACK:
        if rest == name or rest.startswith(f"{name}:"):
            rest = "localhost" + rest[len(name) :]
    return f"{scheme}://{rest}"


def _against(found: KeyList, pin: Pin, earlier: str) -> list[tuple[str, str]]:
    """What does not agree with what is remembered."""
    if len(found.changes) < pin.version:
        told = f"It has {len(found.changes)} changes; {pin.version} were seen before. It is an old list."
        return [("keys.rollback", told)]
    if pin.version and found.changes[pin.version - 1].digest != pin.head:
        told = f"Its first {pin.version} changes are not those that were seen before: the history was rewritten."
        return [("keys.rewritten", told)]
    if found.issued < earlier:
        return [
            ("keys.older", f"It was issued at {found.issued}, before the one of {pin.issued} that was seen already.")
        ]
    return []


def _signed(envelope: Envelope, key: PublicKey) -> bool:
    return any(key.verifies(each.sig, envelope.message) for each in envelope.signatures if each.keyid in ("", key.id))


def _moment(told: dict[str, Any], name: str) -> str:
    text: str = strict_json.get(told, name, str)
    if not is_moment(text):
        raise Malformed(f"{name!r} is no moment in the form 2026-01-31T12:00:00Z")
    return text
