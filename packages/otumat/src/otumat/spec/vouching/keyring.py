"""A project's keys, and what is asked of its signatures: as a client keeps them, and as an index tells them."""

from __future__ import annotations

import binascii

from otumat.spec.keys import BadKey, PublicKey
from otumat.spec.statement import strict_json
from otumat.spec.statement.strict_json import Malformed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Any

ROLES = ("owner", "maintainer", "reviewer")
SUPERSEDED, COMPROMISED = "superseded", "compromised"
WARN, REFUSE = "warn", "refuse"
_MOST_SIGNERS, _MOST_DIGESTS = 8, 2_000


class KeyRecord:
    """
    One key, trusted for one project.

    Attributes:
        public: The key.
        role: `owner`, `maintainer` or `reviewer`.
        note: Whose it is, for people.
        added, expires, revoked_at: Moments as ISO 8601 in UTC; empty where there is none. From `expires` on, and from
            `revoked_at` on, nothing it signs counts, unless the time of signing is proven to be earlier.
        revoked_for: `superseded` or `compromised`: signatures by a compromised key count only with such a proof, too.
        before: What it signed before it was superseded, and what counts therefore: SHA-256 of envelopes' payloads.
    """

    __slots__ = ("added", "before", "expires", "note", "public", "revoked_at", "revoked_for", "role")

    def __init__(
        self,
        public: PublicKey,
        *,
        role: str = "maintainer",
        note: str = "",
        added: str = "",
        expires: str = "",
        revoked_at: str = "",
        revoked_for: str = "",
        before: Iterable[str] = (),
    ) -> None:
        self.before = tuple(before)
        self.public, self.role, self.note, self.added = public, role, note, added
        self.expires, self.revoked_at, self.revoked_for = expires, revoked_at, revoked_for

    def to_dict(self) -> dict[str, object]:
        """The record as it stands in the file, and as an index may tell it."""
        spki = strict_json.base64_of(self.public.spki)
        told: dict[str, object] = {
            "id": self.public.id,
            "spki": spki,
            "role": self.role,
            "note": self.note,
            "added": self.added,
        }
        told |= {"expires": self.expires, "revokedAt": self.revoked_at, "revokedFor": self.revoked_for}
        told |= {"before": list(self.before)}
        return {key: value for key, value in told.items() if value}

    @classmethod
    def from_dict(cls, told: Mapping[str, Any]) -> KeyRecord:
        """
        Errors:
            Malformed: not of this form; or the id is not the key's, which must never be taken on faith.
        """
        texts = {key: strict_json.get(told, key, str, default="") for key in _RECORD_KEYS}
        try:
            public = PublicKey.from_der(binascii.a2b_base64(texts["spki"], strict_mode=True))
        except (BadKey, ValueError) as exc:
            raise Malformed(f"a key cannot be read: {exc}") from None
        if texts["id"] not in ("", public.id):
            raise Malformed(f"the key {public.id} is listed under the id {texts['id'][:80]!r}")
        if texts["role"] not in ROLES:
            raise Malformed(f"a key has the role {texts['role'][:40]!r}; there are {', '.join(ROLES)}")
        if texts["revokedFor"] not in ("", SUPERSEDED, COMPROMISED):
            raise Malformed(
                f"a key was revoked for {texts['revokedFor'][:40]!r}; it can be {SUPERSEDED} or {COMPROMISED}"
            )
        for name in ("added", "expires", "revokedAt"):
            _check_moment(texts[name])
        return cls(
            public,
            role=texts["role"],
            note=texts["note"],
            added=texts["added"],
            expires=texts["expires"],
            revoked_at=texts["revokedAt"],
            revoked_for=texts["revokedFor"],
            before=digests_of(told.get("before", [])),
        )


_RECORD_KEYS = ("id", "spki", "role", "note", "added", "expires", "revokedAt", "revokedFor")


def digests_of(listed: object) -> tuple[str, ...]:
    """A list of SHA-256 in hexadecimal."""
    if type(listed) is not list or len(listed) > _MOST_DIGESTS:
        raise Malformed("what a key signed before it ended is no list, or too long")
    if not all(type(each) is str and len(each) == 64 and not each.strip("0123456789abcdef") for each in listed):
        raise Malformed("what a key signed before it ended is no list of SHA-256")
    return tuple(listed)


class Pin:
    """
    What is remembered of the last list that was believed.

    Attributes:
        index: Which index told it. signers: Its own keys then.
        version, head: How many changes there were, and the digest of the last.
        issued, expires: Of that list.
    """

    __slots__ = ("expires", "head", "index", "issued", "signers", "version")

    def __init__(
        self, index: str, signers: Sequence[PublicKey], version: int, head: str, issued: str, expires: str
    ) -> None:
        self.index, self.signers = index, tuple(signers)
        self.version, self.head, self.issued, self.expires = version, head, issued, expires

    def to_dict(self) -> dict[str, object]:
        """As it stands in a policy."""
        signers = [strict_json.base64_of(each.spki) for each in self.signers]
        told = {"index": self.index, "signers": signers, "version": self.version, "head": self.head}
        return {**told, "issued": self.issued, "expires": self.expires}

    @classmethod
    def from_dict(cls, told: dict[str, Any]) -> Pin:
        """
        Errors:
            Malformed: not of this form.
        """
        index, head = strict_json.get(told, "index", str), strict_json.get(told, "head", str)
        version = strict_json.get(told, "version", int)
        if set(told) != set(cls.__slots__) or version < 0 or bool(head) != bool(version):
            raise Malformed("what is remembered of an index's list is told in another form")
        return cls(index, signers_of(told), version, head, *_moments(told))


class ProjectTrust:
    """
    What is asked of one project.

    Attributes:
        keys: Its keys, each once.
        threshold: How many of them must have signed, 1 or more.
        legacy: Whether signatures of the 0.3 kind will do.
        modern_from: From this version on they will not, whatever `legacy` says; empty for no such version.
        minimum_version, minimum_sequence: Anything older is a roll-back.
        source: What is remembered of the index that its keys are from; None where they are from elsewhere.
        stale: What is done once that index's list has expired: `warn` or `refuse`.
    """

    __slots__ = ("keys", "legacy", "minimum_sequence", "minimum_version", "modern_from", "source", "stale", "threshold")

    def __init__(
        self,
        keys: Iterable[KeyRecord] = (),
        *,
        threshold: int = 1,
        legacy: bool = False,
        modern_from: str = "",
        minimum_version: str = "",
        minimum_sequence: int = 0,
        source: Pin | None = None,
        stale: str = WARN,
    ) -> None:
        self.keys = tuple({record.public.id: record for record in keys}.values())
        self.threshold, self.legacy, self.modern_from = threshold, legacy, modern_from
        self.minimum_version, self.minimum_sequence = minimum_version, minimum_sequence
        self.source, self.stale = source, stale
        if threshold < 1:
            raise Malformed(f"a threshold is {threshold}; 1 is the least")
        if stale not in (WARN, REFUSE):
            raise Malformed(f"{stale[:40]!r} is nothing to be done about a list that expired: {WARN} or {REFUSE} is")

    def to_dict(self) -> dict[str, object]:
        told: dict[str, object] = {"keys": [record.to_dict() for record in self.keys], "threshold": self.threshold}
        told |= {"legacy": self.legacy} if self.legacy else {}
        told |= {"modernFrom": self.modern_from} if self.modern_from else {}
        told |= {"minimumVersion": self.minimum_version} if self.minimum_version else {}
        told |= {"minimumSequence": self.minimum_sequence} if self.minimum_sequence else {}
        told |= {"source": self.source.to_dict()} if self.source else {}
        return told | ({"stale": self.stale} if self.stale != WARN else {})

    @classmethod
    def from_dict(cls, told: Mapping[str, Any]) -> ProjectTrust:
        known = {"keys", "threshold", "legacy", "modernFrom", "minimumVersion", "minimumSequence", "source", "stale"}
        if type(told) is not dict or not set(told) <= known:
            # What is not understood might have asked for more; passing over it would loosen the policy.
            raise Malformed(f"a project has settings that are not known: {str(told)[:120]!r}")
        records = [KeyRecord.from_dict(each) for each in strict_json.get(told, "keys", list, default=[])]
        if len({record.public.id for record in records}) != len(records):
            raise Malformed("a project lists the same key twice")
        return cls(
            records,
            threshold=strict_json.get(told, "threshold", int, default=1),
            legacy=strict_json.get(told, "legacy", bool, default=False),
            modern_from=strict_json.get(told, "modernFrom", str, default=""),
            minimum_version=strict_json.get(told, "minimumVersion", str, default=""),
            minimum_sequence=strict_json.get(told, "minimumSequence", int, default=0),
            source=Pin.from_dict(strict_json.get(told, "source", dict)) if "source" in told else None,
            stale=strict_json.get(told, "stale", str, default=WARN),
        )


def signers_of(told: dict[str, Any]) -> tuple[PublicKey, ...]:
    """The index's own keys, as a list and a policy name them."""
    listed = strict_json.get(told, "signers", list)
    if not 1 <= len(listed) <= _MOST_SIGNERS or not all(type(each) is str for each in listed):
        raise Malformed(f"it names {len(listed)} keys of the index; from 1 to {_MOST_SIGNERS} are taken")
    try:
        return tuple(PublicKey.from_der(strict_json.bytes_of(each)) for each in listed)
    except BadKey as exc:
        raise Malformed(f"a key of the index cannot be read: {exc}") from None


def _moments(told: dict[str, Any]) -> tuple[str, str]:
    issued, expires = strict_json.get(told, "issued", str), strict_json.get(told, "expires", str)
    _check_moment(issued)
    _check_moment(expires)
    if not (issued and expires):
        raise Malformed("a list has no moment at which it was issued or expires")
    return issued, expires


def _check_moment(text: str) -> None:
    if text and not is_moment(text):
        raise Malformed(f"{text[:40]!r} is no moment in the form 2026-01-31T12:00:00Z")


def is_moment(text: str) -> bool:
    """Whether a text is a moment in the one form that sorts as text: `2026-01-31T12:00:00Z`."""
    shape = "".join("0" if each.isdigit() else each for each in text)
    return text.isascii() and shape == "0000-00-00T00:00:00Z"
