"""What a publisher may ask of identity tokens, and how one is found by what a token says."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from otumat.errors import Problem

Claims: TypeAlias = Mapping[str, Any]

TOKEN_LIFE_S = 900
"""PEP 807: upload credentials live 900 s at least and 21,600 s at most."""
PENDING_DAYS = 30
TEXT_MAX_CHARS = 500
EXTRA_MAX = 10


@dataclass(frozen=True, slots=True)
class Field:
    """One thing that a publisher of some kind is described by."""

    name: str
    label: str
    help: str
    pattern: str
    is_needed: bool = True


_SEGMENT = r"[A-Za-z0-9_.-]{1,100}"
_ENVIRONMENT = Field(
    "environment", "Environment", "Only jobs of this environment may publish.", r"[^\x00-\x1f\x7f]{1,255}", False
)
FIELDS: Mapping[str, tuple[Field, ...]] = {
    "github": (
        Field("repository", "Repository", "Owner and name: acme/rocket.", rf"{_SEGMENT}/{_SEGMENT}"),
        Field("workflow", "Workflow file", "In .github/workflows/: release.yml.", r"[A-Za-z0-9 _.+-]{1,200}\.ya?ml"),
        _ENVIRONMENT,
        Field("repository_owner_id", "Owner's id", "Empty: that of the first run counts.", r"[0-9]{1,20}", False),
    ),
    "gitlab": (
        Field("project", "Project", "With its groups: acme/tools/rocket.", rf"{_SEGMENT}(/{_SEGMENT}){{1,20}}"),
        Field("ci_config", "CI file", "As a path: .gitlab-ci.yml.", r"[A-Za-z0-9_.+/-]{1,250}\.ya?ml"),
        _ENVIRONMENT,
        Field("namespace_id", "Namespace's id", "Empty: that of the first run counts.", r"[0-9]{1,20}", False),
    ),
    "google": (
        Field("email", "Service account", "Its address.", r"[^\s@\x00-\x1f\x7f]{1,100}@[A-Za-z0-9.-]{1,150}"),
        Field("sub", "Its id", "Empty: that of the first run counts.", r"[0-9]{1,40}", False),
    ),
    "other": (Field("sub", "Subject", "The token's “sub”, exactly.", r"[^\x00-\x1f\x7f]{1,255}"),),
}
NEVER_EXTRA = frozenset({"iss", "sub", "aud", "exp", "nbf", "iat", "jti"})
"""Claims that every token is checked for anyway."""


def text(token: Claims, name: str) -> str:
    """A claim as text: numbers and booleans as JSON writes them; empty where it is missing or no single value."""
    value = token.get(name)
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, str | int) else ""


def check_claims(kind: str, given: Mapping[str, object]) -> tuple[dict[str, Any], list[Problem]]:
    """
    The claims of a new publisher in one spelling, and everything wrong with them.

    Args:
        given: Texts by field name (`FIELDS`); for other issuers `extra` as well, claims to values.
    """
    known = FIELDS[kind]
    problems = [
        Problem("publisher.claim", str(name)[:80], f"{str(name)[:80]!r} is not asked for here.", hint=names_of(kind))
        for name in given
        if name not in {field.name for field in known} | ({"extra"} if kind == "other" else set())
    ]
    claims: dict[str, Any] = {}
    for field in known:
        value = given.get(field.name) or ""
        text = value.strip() if isinstance(value, str) else ""
        if text and re.fullmatch(field.pattern, text):
            claims[field.name] = text
        elif text or not isinstance(value, str):
            message = f"{str(value)[:80]!r} is no {field.label[:1].lower()}{field.label[1:]}."
            problems.append(Problem("publisher.claim", field.name, message, value=str(value)[:200], hint=field.help))
        elif field.is_needed:
            problems.append(Problem("publisher.claim", field.name, f"{field.label} is needed.", hint=field.help))
    if kind == "other" and given.get("extra"):
        claims["extra"], wrong = check_extra(given["extra"])
        problems += wrong
    return claims, problems


def names_of(kind: str) -> str:
    return f"Give {', '.join(field.name for field in FIELDS[kind])}."


def check_extra(given: object) -> tuple[dict[str, str], list[Problem]]:
    """More claims that a token of another issuer must have, each with one exact value."""
    if not isinstance(given, Mapping) or len(given) > EXTRA_MAX:
        message = f"Expected up to {EXTRA_MAX} claims, each with a text."
        return {}, [Problem("publisher.extra", "extra", message)]
    problems = [
        Problem(
            "publisher.extra", "extra", f"{str(name)[:80]!r} cannot be asked for in this way.", value=str(name)[:80]
        )
        for name, value in given.items()
        if not (is_text(name) and is_text(value)) or name in NEVER_EXTRA
    ]
    return ({}, problems) if problems else (dict(sorted(given.items())), [])


def is_text(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value) <= TEXT_MAX_CHARS and value.isprintable()


def lookup(kind: str, claims: Claims) -> str:
    """
    What a publisher is found by, as SHA-256: its repository, project, address or subject.

    >>> lookup("github", {"repository": "Acme/Rocket"}) == lookup("github", {"repository": "acme/rocket"})
    True
    """
    name = FIELDS[kind][0].name
    return digest(str(claims[name]) if kind == "other" else str(claims[name]).lower())


def lookup_of(kind: str, token: Claims) -> str:
    """The same of a token that may be for such a publisher."""
    name = {"gitlab": "project_path"}.get(kind, FIELDS[kind][0].name)
    value = text(token, name)
    return digest(value if kind == "other" else value.lower())


def digest(value: str) -> str:
    return hashlib.sha256(value.encode("utf-8", "replace")).hexdigest()


def describe(kind: str, claims: Claims) -> str:
    """A publisher in a line."""
    parts = [
        str(claims[field.name]) for field in FIELDS[kind] if field.name in claims and not field.name.endswith("_id")
    ]
    parts += [f"{name}={value}" for name, value in claims.get("extra", {}).items()]
    return f"{kind if kind != 'other' else 'subject'} {' '.join(parts)}"[:300]
