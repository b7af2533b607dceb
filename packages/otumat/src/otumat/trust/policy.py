"""
Whom is trusted for what: the policy, and the file it is kept in.

Keys belong to projects: a key vouches for no project that it is not listed under. A project is listed by its name, or
by a pattern (`acme-*`, `*`); the most telling entry counts alone, so a project with an entry of its own is not vouched
for by the keys of a pattern.

The file is JSON, so that the standard library reads and writes it; `docs/protocol/signature.md`, "The policy file".
"""

from __future__ import annotations

import os

from otumat.errors import Invalid, OtumatError, Problem
from otumat.spec.spelling import normalize
from otumat.spec.statement import strict_json
from otumat.spec.statement.strict_json import Malformed
from otumat.spec.vouching.keyring import COMPROMISED, ROLES, SUPERSEDED, KeyRecord, ProjectTrust, is_moment
from otumat.trust.enforce.rules import Enforcement

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "COMPROMISED",
    "ROLES",
    "SUPERSEDED",
    "KeyRecord",
    "Policy",
    "ProjectTrust",
    "default_path",
    "is_moment",
    "load",
    "save",
]
MAX_POLICY_BYTES = 8_000_000
FORMAT = 1


class Policy:
    """
    Everybody who is trusted, by project.

    Attributes:
        projects: Normalised name, or pattern with one `*` at its end, to what is asked.
        enforcement: How strictly plugins are loaded.
        source: The file it was read from; empty for none.
    """

    __slots__ = ("enforcement", "projects", "source")

    def __init__(
        self,
        projects: Mapping[str, ProjectTrust] | None = None,
        *,
        enforcement: Enforcement | None = None,
        source: str = "",
    ) -> None:
        self.projects = {_key(name): trust for name, trust in (projects or {}).items()}
        self.enforcement = enforcement or Enforcement()
        self.source = source

    def of(self, name: str) -> ProjectTrust:
        """What is asked of this project; of one nobody listed, the signature of a key that does not exist."""
        wanted = normalize(name)
        if wanted in self.projects:
            return self.projects[wanted]
        patterns = [key for key in self.projects if key.endswith("*") and wanted.startswith(key[:-1])]
        return self.projects[max(patterns, key=len)] if patterns else ProjectTrust()

    def for_group(self, group: str) -> Policy:
        """The same, with what is special to a group of entry points in its place."""
        own = {_key(name): trust for name, trust in self.enforcement.projects_of(group).items()}
        return Policy({**self.projects, **own}, enforcement=self.enforcement, source=self.source) if own else self

    def to_bytes(self) -> bytes:
        """The file: for people, too."""
        import json

        projects = {name: trust.to_dict() for name, trust in sorted(self.projects.items())}
        told: dict[str, object] = {"otumatPolicy": FORMAT, "projects": projects}
        if enforcement := self.enforcement.to_dict():
            told["enforcement"] = enforcement
        return json.dumps(told, indent=1, ensure_ascii=False).encode() + b"\n"

    @classmethod
    def from_bytes(cls, data: bytes, *, source: str = "") -> Policy:
        """
        Errors:
            Invalid: `policy.malformed`, not of this form; nothing is then trusted, rather than half of it.
        """
        try:
            told = strict_json.read(data)
            known = {"otumatPolicy", "projects", "enforcement"}
            if strict_json.get(told, "otumatPolicy", int) != FORMAT or not set(told) <= known:
                raise Malformed(f"it is not in format {FORMAT} of policy files")
            projects = strict_json.get(told, "projects", dict)
            return cls(
                {name: ProjectTrust.from_dict(each) for name, each in projects.items()},
                enforcement=Enforcement.from_dict(strict_json.get(told, "enforcement", dict, default={})),
                source=source,
            )
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
