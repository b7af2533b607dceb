"""Whether an identity token may be exchanged, and whether it says what a publisher asks for."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from urllib.parse import urlsplit

from otumat.errors import Problem
from otumat_index.publish.trusted.rules.described import Claims, digest, is_text, text

LEEWAY_S = 30
"""Clocks of issuers and ours may differ by so much."""
LIFE_MAX_S = 24 * 3600
"""No issuer of build jobs makes tokens for longer; it bounds how long we must remember that one was used."""
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
