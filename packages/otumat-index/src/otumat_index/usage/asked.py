"""Reading what an install says of itself, from JSON, a form or an address."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from otumat.errors import Invalid, Problem
from otumat_index.accounts import oauth
from otumat_index.usage.actions.installs import Asked

_CONTEXT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+!-]{0,63}")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_NUMBER = re.compile(r"[0-9]{1,7}")
_KEY = re.compile(r"([0-9a-f]{32})?")
_LOOPBACK = re.compile(r"(http://(?:127\.0\.0\.1|\[::1\]):[0-9]{1,5})/usage-consented")
"""RFC 8252, 7.3: an address of that very machine, whatever its port; nothing else."""
_STATE = re.compile(r"[A-Za-z0-9_-]{22,128}")
_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")


@dataclass(frozen=True, slots=True)
class Link:
    """What a copy's link to the consent page carries, beside `Asked`: where to return, and PKCE."""

    redirect_uri: str
    state: str
    challenge: str

    @property
    def origin(self) -> str:
        found = _LOOPBACK.fullmatch(self.redirect_uri)
        return found[1] if found else ""


def read_asked(told: Mapping[str, Any], *, key: str) -> Asked:
    """
    What an install says of itself.

    Raises:
        Invalid: With everything that is malformed.
    """
    fields = {name: told.get(name, "") for name in ("project", "release", "manifest", "since")}
    wording = told.get("wording", 1)
    wording = int(wording) if is_like(_NUMBER, wording) else wording
    sound = {
        "project": is_like(_CONTEXT, fields["project"]),
        "release": fields["release"] == "" or is_like(_CONTEXT, fields["release"]),
        "manifest": fields["manifest"] == "" or is_like(_DIGEST, fields["manifest"]),
        "since": fields["since"] == "" or day_of(fields["since"]) is not None,
        "wording": isinstance(wording, int) and 0 < wording < 1_000_000,
        "Idempotency-Key": is_like(_KEY, key),
    }
    wrong = [Problem(f"install.{name}", name, f"{name} is malformed.") for name, holds in sound.items() if not holds]
    if wrong:
        raise Invalid(wrong)
    since = day_of(fields["since"])
    return Asked(fields["project"], fields["release"], fields["manifest"], int(wording), key, since)


def is_like(pattern: re.Pattern[str], value: object) -> bool:
    return isinstance(value, str) and pattern.fullmatch(value) is not None


def day_of(value: object) -> date | None:
    try:
        return date.fromisoformat(value) if isinstance(value, str) and value else None
    except ValueError:
        return None


def read_link(told: Mapping[str, Any]) -> Link:
    """
    The parameters of an authorization request.

    Raises:
        Invalid: Told on a page of ours: nobody is sent on to an address that may be anybody's.
    """
    sound = {
        "client_id": told.get("client_id") == oauth.CLIENT_ID,
        "response_type": told.get("response_type") == "code",
        "scope": told.get("scope") == oauth.SCOPE,
        "redirect_uri": is_like(_LOOPBACK, told.get("redirect_uri")),
        "state": is_like(_STATE, told.get("state")),
        "code_challenge": is_like(_CHALLENGE, told.get("code_challenge")),
        "code_challenge_method": told.get("code_challenge_method") == "S256",
    }
    missing = [name for name in sound if name not in told]
    wrong = [
        Problem(f"link.{name}", name, f"{name} is malformed.")
        for name, holds in sound.items()
        if not holds and name not in missing
    ]
    if missing:  # in one line: a link that was cut short lacks nearly all
        wrong.append(Problem("link.missing", "link", f"It ends too soon, or was cut: no {', '.join(missing)}."))
    if wrong:
        hint = "Ask for another: otumat usage on PACKAGE --browser."
        raise Invalid(wrong, message="This link is not one that a program of ours makes.", hint=hint)
    return Link(told["redirect_uri"], told["state"], told["code_challenge"])
