"""
The tokens of installs: the one public client `otumat-usage`, bearer tokens kept as SHA-256, refresh tokens that rotate.

A family is everything that descends from one enrolment. Why not oauth-toolkit: docs/decisions/0012-usage-tokens.md.

Copies of Otumat 0.3 are clients with a secret each. Their refresh token stays the same, for several processes hold
copies of it that they never read again; without the secret it is worth nothing (RFC 9700, 2.2.2). Families with a
secret and families without are never taken for one another.

Source: docs/protocol/usage.md, "Refreshing"; RFC 6749; RFC 9700 2.2.2 and 4.14.2.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q

from otumat.errors import OtumatError, Unauthenticated
from otumat_index.accounts import rules
from otumat_index.accounts.models import FamilyToken, TokenFamily

CLIENT_ID, SCOPE = "otumat-usage", "usage"
LEGACY_CLIENT_ID = "otumat-0.3"
ACCESS_S, GRACE_S = 3600, 60
IDLE_FOR = timedelta(days=365)
REMEMBERED_FOR = timedelta(days=30)
"""How long a refresh token that was used is known as one; later it is unknown, which ends nothing but the request."""


class GrantRefused(OtumatError):
    """An error of RFC 6749, 5.2; the code is its `error`."""

    default_code = "invalid_grant"


@dataclass(frozen=True, slots=True)
class Pair:
    """What an enrolment or a refresh hands out, once."""

    access_token: str
    refresh_token: str
    install: str

    def as_json(self) -> dict[str, object]:
        return {
            "access_token": self.access_token,
            "token_type": "Bearer",
            "expires_in": ACCESS_S,
            "refresh_token": self.refresh_token,
            "scope": SCOPE,
            "install": self.install,
        }


def begin(install: str, *, secret: str = "", at: datetime) -> Pair:
    """The first tokens of an install, in the caller's transaction; with a secret, of one that runs Otumat 0.3."""
    sha256 = rules.digest(secret) if secret else ""
    return mint(TokenFamily.objects.create(install=install, secret_sha256=sha256, created_at=at), at=at)


def refresh(text: str, *, at: datetime) -> Pair:
    """
    A new pair for a refresh token: its successor, or within `GRACE_S` of its first use a sibling of that.

    Raises:
        GrantRefused: Unknown, idle for a year, or its family is over; or it was used before, which ends the family.
    """
    with transaction.atomic():
        pair = rotated(text, at=at)
    if pair is None:  # after the commit, for the family has ended with it
        raise GrantRefused("This install is over; it has to enrol anew.")
    return pair


def rotated(text: str, *, at: datetime) -> Pair | None:
    family = (
        TokenFamily.objects.select_for_update()
        .filter(tokens__sha256=rules.digest(text), tokens__is_refresh=True, secret_sha256="")
        .first()
    )
    if family is None or family.ended_at:
        return None
    token = FamilyToken.objects.get(sha256=rules.digest(text))
    if token.expires_at <= at or (token.used_at and at - token.used_at > timedelta(seconds=GRACE_S)):
        end(family.install, at=at)
        return None
    if token.used_at is None:
        token.used_at = at
        token.save(update_fields=["used_at"])
    forget_old(family, at=at)
    return mint(family, at=at)


def mint(family: TokenFamily, *, at: datetime) -> Pair:
    pair = Pair(secrets.token_urlsafe(32), secrets.token_urlsafe(32), family.install)
    ends = (at + timedelta(seconds=ACCESS_S), at + IDLE_FOR)
    FamilyToken.objects.bulk_create(
        FamilyToken(family=family, sha256=rules.digest(text), is_refresh=is_refresh, expires_at=end)
        for text, is_refresh, end in zip((pair.access_token, pair.refresh_token), (False, True), ends, strict=True)
    )
    return pair


def forget_old(family: TokenFamily, *, at: datetime) -> None:
    """Rows that no question needs any more."""
    FamilyToken.objects.filter(
        Q(is_refresh=False, expires_at__lt=at) | Q(used_at__lt=at - REMEMBERED_FOR), family=family
    ).delete()


def install_of(header: str, *, at: datetime) -> tuple[str, bool]:
    """
    Whose access token an `Authorization` header carries.

    Returns:
        The install, and whether its tokens have ended: a withdrawn install is still told so.

    Raises:
        Unauthenticated: None, unknown or expired.
    """
    scheme, _, text = header.partition(" ")
    sha256 = rules.digest(text.strip()) if scheme.lower() == "bearer" else ""
    found = FamilyToken.objects.filter(sha256=sha256, is_refresh=False, expires_at__gt=at, family__secret_sha256="")
    for install, ended_at in found.values_list("family__install", "family__ended_at"):
        return install, ended_at is not None
    raise unknown_token()


def refresh_legacy(text: str, *, client: str, secret: str, at: datetime) -> Pair:
    """
    Another access token for a copy of Otumat 0.3; the refresh token stays.

    Raises:
        GrantRefused: Unknown, over, idle for a year, or not this client's.
    """
    with transaction.atomic():
        token = (
            FamilyToken.objects.select_for_update(of=("self",))
            .select_related("family")
            .filter(sha256=rules.digest(text), is_refresh=True, expires_at__gt=at, family__ended_at=None)
            .filter(family__secret_sha256=rules.digest(secret))
            .first()
        )
        if token is None or client != LEGACY_CLIENT_ID:
            raise GrantRefused("This install is over; it has to enrol anew.")
        token.expires_at = at + IDLE_FOR
        token.save(update_fields=["expires_at"])
        forget_old(token.family, at=at)
        access = secrets.token_urlsafe(32)
        FamilyToken.objects.create(
            family=token.family,
            sha256=rules.digest(access),
            is_refresh=False,
            expires_at=at + timedelta(seconds=ACCESS_S),
        )
    return Pair(access, text, token.family.install)


def legacy_install_of(header: str, *, at: datetime) -> str:
    """
    Which copy of Otumat 0.3 a header is from.

    Raises:
        Unauthenticated: `token_expired`, or `invalid_token` for one that is none or whose install is over.
    """
    scheme, _, text = header.partition(" ")
    sha256 = rules.digest(text.strip()) if scheme.lower() == "bearer" else ""
    live = FamilyToken.objects.filter(sha256=sha256, is_refresh=False, family__ended_at=None)
    for install, expires_at in live.exclude(family__secret_sha256="").values_list("family__install", "expires_at"):
        if expires_at <= at:
            raise Unauthenticated("That token has expired.", hint="Refresh it once.", code="token_expired")
        return install
    raise unknown_token()


def unknown_token() -> Unauthenticated:
    return Unauthenticated("That token is unknown or expired.", hint="Refresh it once.", code="invalid_token")


def proves(verifier: str, challenge: str) -> bool:
    """
    PKCE with S256 (RFC 7636, 4.6; the example is that of its appendix B).

    >>> proves("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM")
    True
    """
    made = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=")
    return 43 <= len(verifier) <= 128 and hmac.compare_digest(made, challenge.encode())


def revoke(text: str, *, at: datetime) -> None:
    """End the family of a token (RFC 7009); of an unknown one nothing."""
    family = TokenFamily.objects.filter(tokens__sha256=rules.digest(text), secret_sha256="").first()
    if family is not None:
        end(family.install, at=at)


def end(install: str, *, at: datetime) -> None:
    """Every token of an install ends."""
    TokenFamily.objects.filter(install=install, ended_at=None).update(ended_at=at)


def forget(install: str) -> None:
    """No trace of an install's tokens is left."""
    TokenFamily.objects.filter(install=install).delete()
