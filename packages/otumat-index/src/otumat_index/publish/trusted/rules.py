"""
Pure decisions about identity tokens: what a publisher may ask of one, and whether one says it.

Which claims are looked at depends on the kind of issuer, which the operator's setting fixes (`otumat_index.issuers`).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias
from urllib.parse import urlsplit

from otumat.errors import Problem

Claims: TypeAlias = Mapping[str, Any]

LEEWAY_S = 30
"""Clocks of issuers and ours may differ by so much."""
LIFE_MAX_S = 24 * 3600
"""No issuer of build jobs makes tokens for longer; it bounds how long we must remember that one was used."""
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
PINS: Mapping[str, tuple[str, str]] = {
    "github": ("repository_owner_id", "repository_owner_id"),
    "gitlab": ("namespace_id", "namespace_id"),
    "google": ("sub", "sub"),
}
"""What stays when a name changes hands, by kind: the claim, and the field that may give it beforehand."""

# Started by people who need no right to the repository, or with their code: what runs there is not the owner's word.
STRANGERS_EVENTS = frozenset(
    {
        "discussion",
        "discussion_comment",
        "fork",
        "issue_comment",
        "issues",
        "pull_request",
        "pull_request_comment",
        "pull_request_review",
        "pull_request_review_comment",
        "pull_request_target",
        "watch",
        "workflow_run",
    }
)
STRANGERS_PIPELINES = frozenset({"merge_request_event", "external_pull_request_event"})
TOLD: Mapping[str, tuple[str, ...]] = {
    "github": ("repository", "repository_owner_id", "workflow_ref", "job_workflow_ref", "environment", "event_name"),
    "gitlab": ("project_path", "namespace_id", "ci_config_ref_uri", "environment", "pipeline_source"),
    "google": ("email", "sub"),
    "other": ("sub",),
}
"""Claims that are shown to whoever sent a token that fits no publisher: what publishers are matched by."""


# What a publisher may ask for.


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


# Whether a token is one that may be exchanged at all.


def check_token(token: Claims, *, kind: str, issuer: str, audience: str, at_s: float) -> list[Problem]:
    """
    Everything wrong with the claims of a token whose signature holds.

    Args:
        issuer: Whose keys the signature was checked with.
        audience: What this index is called in tokens meant for it.
        at_s: Unix time.

    Source: RFC 7519 section 4.1, RFC 8725 sections 3.8 to 3.10, OpenID Connect Core 3.1.3.7.
    """
    problems = []
    if token.get("iss") != issuer:
        problems.append(Problem("token.iss", "iss", "The token names another issuer than its keys belong to."))
    said = token.get("aud")
    # A token meant for others as well could be played by them: it must be ours alone.
    if (said if isinstance(said, str) else said[0] if isinstance(said, list) and len(said) == 1 else None) != audience:
        message = f"The token is meant for {str(said)[:200]!r}, not for this index."
        problems.append(Problem("token.aud", "aud", message, hint=f"Ask the issuer for the audience {audience!r}."))
    problems += check_times(token, at_s=at_s)
    if "jti" in token and not is_text(token["jti"]):
        problems.append(Problem("token.jti", "jti", "The token's number is no text."))
    return problems + check_run(kind, token)


def check_times(token: Claims, *, at_s: float) -> list[Problem]:
    """When a token begins and ends."""
    begins, ends, made = moment(token, "nbf"), moment(token, "exp"), moment(token, "iat")
    if ends is None or made is None or (begins is None and "nbf" in token):
        return [Problem("token.times", "exp", "The token does not say when it was made and when it ends.")]
    problems = []
    if ends + LEEWAY_S <= at_s:
        problems.append(Problem("token.exp", "exp", "The token has expired.", hint="Ask the issuer for a fresh one."))
    if max(made, begins or 0) - LEEWAY_S > at_s:
        problems.append(Problem("token.nbf", "nbf", "The token is not valid yet.", hint="Compare the clocks."))
    if not 0 < ends - made <= LIFE_MAX_S:
        message = f"The token lives for {ends - made:.0f} s; this index takes those of up to {LIFE_MAX_S} s."
        problems.append(Problem("token.life", "exp", message))
    return problems


def moment(token: Claims, name: str) -> float | None:
    """A Unix time, None where the claim is none."""
    value = token.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 2**40:
        return None
    return float(value)


def check_run(kind: str, token: Claims) -> list[Problem]:
    """Refuse runs that strangers can start."""
    name, refused = {
        "github": ("event_name", STRANGERS_EVENTS),
        "gitlab": ("pipeline_source", STRANGERS_PIPELINES),
    }.get(kind, ("", frozenset()))
    if not name:
        return []
    event = text(token, name)
    if event and event not in refused:
        return []
    message = f"A run started by {event!r} cannot publish." if event else "The token does not say what started the run."
    hint = "Others than the owners can start such runs. Publish from a push, tag, release or by hand."
    return [Problem("token.event", name, message, value=event, hint=hint)]


# Whether a token says what a publisher asks for.


def matches(kind: str, claims: Claims, pinned: Claims, token: Claims, *, issuer: str) -> bool:
    """
    Whether a token is of this publisher.

    Args:
        kind, claims, pinned: Of the publisher, whose issuer is that of the token.
        token: Claims whose signature and times hold.
    """
    pin = pins(kind, token)
    if kind in PINS and (pin is None or any(value != pin.get(name) for name, value in pinned.items())):
        return False
    return MATCH[kind](claims, token, issuer)


def pins(kind: str, token: Claims) -> dict[str, str] | None:
    """
    What to hold on to from the first token on: a renamed or resurrected owner of the same name has another id (A57).

    None where the token lacks it.
    """
    if kind not in PINS:
        return {}
    value = text(token, PINS[kind][0])
    return {PINS[kind][0]: value} if value else None


def text(token: Claims, name: str) -> str:
    """A claim as text: numbers and booleans as JSON writes them; empty where it is missing or no single value."""
    value = token.get(name)
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, str | int) else ""


def is_github(claims: Claims, token: Claims, issuer: str) -> bool:
    """
    Repository, its owner, the workflow file, and the environment if asked for.

    Both the workflow that was started and the one whose job asks must be the file: a reusable workflow of the same
    name elsewhere is not, and neither is another workflow that calls ours.
    """
    repository = str(claims["repository"]).lower()
    return (
        text(token, "repository").lower() == repository
        and text(token, "repository_owner").lower() == repository.partition("/")[0]
        and given_id(claims, token, "repository_owner_id")
        and all(
            is_file(text(token, name), f"{repository}/.github/workflows/", str(claims["workflow"]), token)
            for name in ("workflow_ref", "job_workflow_ref")
        )
        and is_environment(claims, token)
    )


def is_gitlab(claims: Claims, token: Claims, issuer: str) -> bool:
    """Project with its groups, the CI file in that project, and the environment if asked for."""
    project = str(claims["project"]).lower()
    place = f"{urlsplit(issuer).netloc}/{project}//".lower()
    return (
        text(token, "project_path").lower() == project
        and given_id(claims, token, "namespace_id")
        and is_file(text(token, "ci_config_ref_uri"), place, str(claims["ci_config"]), token)
        and is_environment(claims, token)
    )


def is_google(claims: Claims, token: Claims, issuer: str) -> bool:
    """A service account's verified address."""
    same = text(token, "email").lower() == str(claims["email"]).lower()
    return same and token.get("email_verified") is True and given_id(claims, token, "sub")


def is_other(claims: Claims, token: Claims, issuer: str) -> bool:
    """The subject and every other claim asked for, to the letter."""
    wanted = {"sub": claims["sub"], **claims.get("extra", {})}
    return isinstance(token.get("sub"), str) and all(text(token, name) == value for name, value in wanted.items())


MATCH: Mapping[str, Callable[[Claims, Claims, str], bool]] = {
    "github": is_github,
    "gitlab": is_gitlab,
    "google": is_google,
    "other": is_other,
}


def is_file(said: str, place: str, file: str, token: Claims) -> bool:
    """
    Whether `place/file@ref` is the file at the ref or commit that the run is of.

    The rest must be a ref to the letter: `release.yml@x.yml` is a legal file name, too.
    """
    refs = {text(token, name) for name in ("ref", "ref_path", "sha")} - {""}
    return said[: len(place)].lower() == place and any(said[len(place) :] == f"{file}@{ref}" for ref in refs)


def is_environment(claims: Claims, token: Claims) -> bool:
    """Environments are compared as their services do: without regard to case. Not asked for: any will do."""
    wanted = claims.get("environment")
    return wanted is None or text(token, "environment").lower() == str(wanted).lower()


def given_id(claims: Claims, token: Claims, name: str) -> bool:
    """The id, if whoever added the publisher gave it."""
    return name not in claims or text(token, name) == claims[name]


def told(kind: str, token: Claims) -> str:
    """What a token says of where it comes from, for whoever sent it."""
    found = [(name, text(token, name)[:200]) for name in TOLD[kind]]
    return ", ".join(f"{name} {value!r}" for name, value in found if value) or "nothing of where it comes from"


def used_mark(token: Claims, signed: bytes) -> str:
    """
    What a token is remembered by once it was exchanged: its number, or what was signed.

    Not the token's own text: of one signature there can be several spellings (ECDSA's s, base64's last bits).
    """
    if "jti" in token:
        return digest(f"jti {token['jti']}")
    return hashlib.sha256(b"signed " + signed).hexdigest()
