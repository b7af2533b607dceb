"""What was found out about an installed distribution or a wheel, for programs and for people."""

from __future__ import annotations

from otumat.errors import Problem

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

TRUSTED = "trusted"
UNSIGNED = "unsigned"
UNTRUSTED_KEY = "untrusted-key"
BELOW_THRESHOLD = "below-threshold"
MODIFIED = "modified"
REVOKED = "revoked"
EXPIRED = "expired"
ROLLED_BACK = "rolled-back"
SHADOWED = "shadowed"
UNVERIFIABLE = "unverifiable"
UNSAFE = "unsafe"
DOWNGRADED = "downgraded"
ERROR = "error"

EXIT_CODES = {
    TRUSTED: 0,
    UNSIGNED: 10,
    UNTRUSTED_KEY: 11,
    BELOW_THRESHOLD: 12,
    MODIFIED: 13,
    REVOKED: 14,
    EXPIRED: 15,
    ROLLED_BACK: 16,
    SHADOWED: 17,
    UNVERIFIABLE: 18,
    UNSAFE: 19,
    DOWNGRADED: 20,
    ERROR: 21,
}
"""Every state, with the exit code of `otumat verify`; they never change once released."""

# From the worst on: the state of a verdict is the first of these that something found speaks for.
_GRAVITY = (
    ERROR,
    UNTRUSTED_KEY,  # before what differs: differs from what, when nobody trusted said so?
    REVOKED,
    MODIFIED,
    EXPIRED,
    BELOW_THRESHOLD,
    DOWNGRADED,
    ROLLED_BACK,
    SHADOWED,
    UNSAFE,
    UNSIGNED,
    UNVERIFIABLE,
    TRUSTED,
)
MEANINGS = {
    TRUSTED: "what is installed is what was signed, by keys that are trusted for it",
    UNSIGNED: "it carries no signature",
    UNTRUSTED_KEY: "no key that is trusted for this project signed it",
    BELOW_THRESHOLD: "fewer trusted keys signed it than are asked for",
    MODIFIED: "it is not what was signed",
    REVOKED: "the key that signed it was revoked",
    EXPIRED: "the trust in the key that signed it has expired",
    ROLLED_BACK: "it is older than what is asked for",
    SHADOWED: "something else would be imported in its place",
    UNVERIFIABLE: "it cannot be checked as it is installed",
    UNSAFE: "it is what was signed, and anybody may change it",
    DOWNGRADED: "it carries only a signature of the old kind, where one of the new kind is asked for",
    ERROR: "it could not be checked",
}


class Voucher:
    """A key whose signature holds: its id, kind, the role it is trusted in, and the note beside it."""

    __slots__ = ("key_id", "kind", "note", "role")

    def __init__(self, key_id: str, kind: str, role: str, note: str = "") -> None:
        self.key_id, self.kind, self.role, self.note = key_id, kind, role, note

    def to_dict(self) -> dict[str, str]:
        return {"key": self.key_id, "kind": self.kind, "role": self.role, "note": self.note}


class Finding:
    """One thing that was found: what it speaks for (a state), where, and in words."""

    __slots__ = ("code", "hint", "message", "path", "state")

    def __init__(self, state: str, code: str, message: str, *, path: str = "", hint: str = "") -> None:
        self.state, self.code, self.message, self.path, self.hint = state, code, message, path, hint

    def to_dict(self) -> dict[str, str]:
        told = {"state": self.state, "code": self.code, "message": self.message, "path": self.path, "hint": self.hint}
        return {key: value for key, value in told.items() if value}


class Verdict:
    """
    Whether what is there is what was signed, by somebody who is trusted for it; true only if it is.

    Attributes:
        state: One of the states above: the gravest that a finding speaks for.
        name, version: Of the distribution, as it calls itself.
        scheme: `dsse`, `legacy` or `none`.
        keys: The trusted keys whose signatures hold.
        findings: Everything found, gravest first; a trusted verdict may have some of the state `trusted`: warnings.
        location: Where it lies.
        sequence: Of the statement.
        protected_by: `root` when who runs this could not have changed what was checked, else `same-user`.
    """

    __slots__ = ("findings", "keys", "location", "name", "protected_by", "scheme", "sequence", "state", "version")

    def __init__(
        self,
        name: str,
        version: str,
        *,
        findings: Iterable[Finding],
        scheme: str = "none",
        keys: Iterable[Voucher] = (),
        location: str = "",
        sequence: int = 0,
        protected_by: str = "same-user",
    ) -> None:
        self.name, self.version, self.scheme, self.location = name, version, scheme, location
        self.sequence, self.protected_by = sequence, protected_by
        self.keys = tuple(keys)
        self.findings = tuple(sorted(findings, key=lambda finding: _GRAVITY.index(finding.state)))
        self.state = self.findings[0].state if self.findings else TRUSTED

    def __bool__(self) -> bool:
        return self.state == TRUSTED

    def paths(self, *codes: str) -> tuple[str, ...]:
        """Where something with one of these codes was found: `paths("file.added")`."""
        return tuple(finding.path for finding in self.findings if finding.code in codes)

    @property
    def modified(self) -> tuple[str, ...]:
        return self.paths("file.modified", "file.kind", "file.mode")

    @property
    def added(self) -> tuple[str, ...]:
        return self.paths("file.added", "folder.added")

    @property
    def removed(self) -> tuple[str, ...]:
        return self.paths("file.removed")

    @property
    def unsafe(self) -> tuple[str, ...]:
        return self.paths("file.unsafe")

    @property
    def bytecode(self) -> tuple[str, ...]:
        """Compiled files that are not what their source compiles to, or of which that cannot be told."""
        return self.paths("bytecode.forged", "bytecode.unknown")

    @property
    def exit_code(self) -> int:
        return EXIT_CODES[self.state]

    @property
    def problems(self) -> tuple[Problem, ...]:
        """The findings as the problems that other commands tell."""
        return tuple(
            Problem(each.code, each.path or self.name, each.message, hint=each.hint,
                    severity="warning" if each.state == TRUSTED else "error")
            for each in self.findings
        )  # fmt: skip

    def to_dict(self) -> dict[str, object]:
        """The same as JSON-ready values."""
        return {
            "name": self.name,
            "version": self.version,
            "state": self.state,
            "meaning": MEANINGS[self.state],
            "trusted": bool(self),
            "scheme": self.scheme,
            "keys": [key.to_dict() for key in self.keys],
            "modified": list(self.modified),
            "added": list(self.added),
            "removed": list(self.removed),
            "unsafe": list(self.unsafe),
            "bytecode": list(self.bytecode),
            "findings": [finding.to_dict() for finding in self.findings],
            "location": self.location,
            "sequence": self.sequence,
            "protectedBy": self.protected_by,
        }

    def __repr__(self) -> str:
        return f"<Verdict {self.name} {self.version}: {self.state}>"
