"""
Whom is trusted for what: the policy, and the file it is kept in.

Keys belong to projects: a key vouches for no project that it is not listed under. A project is listed by its name, or
by a pattern (`acme-*`, `*`); the most telling entry counts alone, so a project with an entry of its own is not vouched
for by the keys of a pattern.

The file is JSON, so that the standard library reads and writes it; `docs/protocol/signature.md`, "The policy file".
"""

from __future__ import annotations

import binascii
import os

from otumat.errors import Invalid, OtumatError, Problem
from otumat.spec.names import normalize
from otumat.spec.statement import strict_json
from otumat.spec.statement.strict_json import Malformed
from otumat.trust.keys import BadKey, PublicKey

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

ROLES = ("owner", "maintainer", "reviewer")
SUPERSEDED, COMPROMISED = "superseded", "compromised"
MAX_POLICY_BYTES = 8_000_000
FORMAT = 1


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
    """

    __slots__ = ("added", "expires", "note", "public", "revoked_at", "revoked_for", "role")

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
    ) -> None:
        self.public, self.role, self.note, self.added = public, role, note, added
        self.expires, self.revoked_at, self.revoked_for = expires, revoked_at, revoked_for

    def to_dict(self) -> dict[str, str]:
        """The record as it stands in the file, and as an index may tell it."""
        spki = binascii.b2a_base64(self.public.spki, newline=False).decode()
        told = {"id": self.public.id, "spki": spki, "role": self.role, "note": self.note, "added": self.added}
        told |= {"expires": self.expires, "revokedAt": self.revoked_at, "revokedFor": self.revoked_for}
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
        )


_RECORD_KEYS = ("id", "spki", "role", "note", "added", "expires", "revokedAt", "revokedFor")


class ProjectTrust:
    """
    What is asked of one project.

    Attributes:
        keys: Its keys, each once.
        threshold: How many of them must have signed, 1 or more.
        legacy: Whether signatures of the 0.3 kind will do.
        modern_from: From this version on they will not, whatever `legacy` says; empty for no such version.
        minimum_version, minimum_sequence: Anything older is a roll-back.
    """

    __slots__ = ("keys", "legacy", "minimum_sequence", "minimum_version", "modern_from", "threshold")

    def __init__(
        self,
        keys: Iterable[KeyRecord] = (),
        *,
        threshold: int = 1,
        legacy: bool = False,
        modern_from: str = "",
        minimum_version: str = "",
        minimum_sequence: int = 0,
    ) -> None:
        self.keys = tuple({record.public.id: record for record in keys}.values())
        self.threshold, self.legacy, self.modern_from = threshold, legacy, modern_from
        self.minimum_version, self.minimum_sequence = minimum_version, minimum_sequence
        if threshold < 1:
            raise Malformed(f"a threshold is {threshold}; 1 is the least")

    def to_dict(self) -> dict[str, object]:
        told: dict[str, object] = {"keys": [record.to_dict() for record in self.keys], "threshold": self.threshold}
        told |= {"legacy": self.legacy} if self.legacy else {}
        told |= {"modernFrom": self.modern_from} if self.modern_from else {}
        told |= {"minimumVersion": self.minimum_version} if self.minimum_version else {}
        return told | ({"minimumSequence": self.minimum_sequence} if self.minimum_sequence else {})

    @classmethod
    def from_dict(cls, told: Mapping[str, Any]) -> ProjectTrust:
        known = {"keys", "threshold", "legacy", "modernFrom", "minimumVersion", "minimumSequence"}
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
        )


class Policy:
    """
    Everybody who is trusted, by project.

    Attributes:
        projects: Normalised name, or pattern with one `*` at its end, to what is asked.
        source: The file it was read from; empty for none.
    """

    __slots__ = ("projects", "source")

    def __init__(self, projects: Mapping[str, ProjectTrust] | None = None, *, source: str = "") -> None:
        self.projects = {_key(name): trust for name, trust in (projects or {}).items()}
        self.source = source

    def of(self, name: str) -> ProjectTrust:
        """What is asked of this project; of one nobody listed, the signature of a key that does not exist."""
        wanted = normalize(name)
        if wanted in self.projects:
            return self.projects[wanted]
        patterns = [key for key in self.projects if key.endswith("*") and wanted.startswith(key[:-1])]
        return self.projects[max(patterns, key=len)] if patterns else ProjectTrust()

    def to_bytes(self) -> bytes:
        """The file: for people, too."""
        import json

        projects = {name: trust.to_dict() for name, trust in sorted(self.projects.items())}
        return json.dumps({"otumatPolicy": FORMAT, "projects": projects}, indent=1, ensure_ascii=False).encode() + b"\n"

    @classmethod
    def from_bytes(cls, data: bytes, *, source: str = "") -> Policy:
        """
        Errors:
            Invalid: `policy.malformed`, not of this form; nothing is then trusted, rather than half of it.
        """
        try:
            told = strict_json.read(data)
            if strict_json.get(told, "otumatPolicy", int) != FORMAT or set(told) != {"otumatPolicy", "projects"}:
                raise Malformed(f"it is not in format {FORMAT} of policy files")
            projects = strict_json.get(told, "projects", dict)
            return cls({name: ProjectTrust.from_dict(each) for name, each in projects.items()}, source=source)
        except Malformed as exc:
            told_where = source or "The policy"
            raise Invalid(
                [
                    Problem(
                        "policy.malformed",
                        "policy",
                        f"{told_where} cannot be used: {exc}.",
                        hint="Mend it or move it away.",
                    )
                ]
            ) from None


def default_path(environ: Mapping[str, str], home: str) -> str:
    """Where the user's policy lies: OTUMAT_POLICY, or `otumat/trust.json` in the folder for configuration."""
    if chosen := environ.get("OTUMAT_POLICY", ""):
        return chosen
    folder = environ.get("APPDATA" if os.name == "nt" else "XDG_CONFIG_HOME", "")
    return os.path.join(folder or os.path.join(home, ".config"), "otumat", "trust.json")


def load(path: str) -> Policy:
    """The policy in this file; an empty one, which trusts nobody, where there is no such file."""
    try:
        with open(path, "rb") as file:
            data = file.read(MAX_POLICY_BYTES + 1)
    except FileNotFoundError:
        return Policy(source=path)
    except OSError as exc:
        problem = Problem("policy.unreadable", "policy", f"{path!r} cannot be read: {exc.strerror or exc}.")
        raise Invalid([problem]) from exc
    return Policy.from_bytes(data, source=path)


def save(policy: Policy, path: str) -> None:
    """Put the file in its place at once; a reader sees the old one or the new one."""
    from otumat.trust.files import replace

    try:
        os.makedirs(os.path.dirname(path) or ".", mode=0o700, exist_ok=True)
        replace(path, [policy.to_bytes()], mode=0o644)
    except OSError as exc:
        raise OtumatError(f"{path!r} cannot be written: {exc.strerror or exc}.", code="policy.write") from exc


def _key(name: str) -> str:
    if name.endswith("*") and "*" not in name[:-1]:
        head = name[:-1].lower()
        return head.replace("_", "-").replace(".", "-") + "*"
    return normalize(name)


def _check_moment(text: str) -> None:
    if text and not is_moment(text):
        raise Malformed(f"{text[:40]!r} is no moment in the form 2026-01-31T12:00:00Z")


def is_moment(text: str) -> bool:
    """Whether a text is a moment in the one form that sorts as text: `2026-01-31T12:00:00Z`."""
    shape = "".join("0" if each.isdigit() else each for each in text)
    return text.isascii() and shape == "0000-00-00T00:00:00Z"
