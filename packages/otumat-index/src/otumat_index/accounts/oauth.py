"""
The tokens of installs: the one public client `otumat-usage`, bearer tokens of which digests are kept, and refresh
tokens that rotate.

A family is everything that descends from one enrolment. Why not oauth-toolkit: docs/decisions/0012-usage-tokens.md.

Beside them a family has one *proof*, which stays: who holds it may stop, see and erase the install however long its
tokens have ended, and tell uses as a copy of it (docs/decisions/0019-copies-of-images.md).

Copies of Otumat 0.3 are clients with a secret each. Their refresh token stays the same, for several processes hold
copies of it that they never read again; without the secret it is worth nothing (RFC 9700, 2.2.2). Families with a
secret and families without are never taken for one another.

Source: docs/protocol/usage.md, "Refreshing"; RFC 6749; RFC 9700 2.2.2 and 4.14.2.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import math
import secrets
import time
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q

from otumat.errors import OtumatError, Unauthenticated
from otumat_index.accounts import derived
from otumat_index.accounts.models import FamilyToken, InstallSecret, TokenFamily
from otumat_index.web.errors import TooMany
from otumat_index.web.pace import Pace

CLIENT_ID, SCOPE = "otumat-usage", "usage"
LEGACY_CLIENT_ID = "otumat-0.3"
PROOF = ".proof."
"""Between a family's number and what nobody can guess: no other token has two dots."""
ACCESS_S, GRACE_S = 3600, 60
IDLE_FOR = timedelta(days=365)
REMEMBERED_FOR = timedelta(days=30)
"""How long a refresh token that was used is known as one; later it is unknown, which ends nothing but the request."""
REFRESHES = Pace(at_once=500, per_s=500 / 3600)
"""Of one install: a cluster of machines that share it at once, and no flood of tokens; each worker counts by itself."""


class GrantRefused(OtumatError):
    """An error of RFC 6749, 5.2; the code is its `error`."""

    default_code = "invalid_grant"


@dataclass(frozen=True, slots=True)
class Pair:
    """What an enrolment or a refresh hands out, once; `family` is for us alone, `proof` is "" if it was told before."""

    access_token: str
    refresh_token: str
    install: str
    family: int
    proof: str = ""

    def as_json(self) -> dict[str, object]:
        return {
            "access_token": self.access_token,
            "token_type": "Bearer",
            "expires_in": ACCESS_S,
            "refresh_token": self.refresh_token,
            "scope": SCOPE,
            "install": self.install,
            **({"proof": self.proof} if self.proof else {}),
        }


def begin(*, legacy_secret: str = "", at: datetime) -> Pair:
    """The first tokens of an install, in the caller's transaction; with a secret, of one that runs Otumat 0.3."""
    secret = InstallSecret.objects.create(secret=secrets.token_bytes(derived.SECRET_BYTES))
    family = TokenFamily(secret=secret, created_at=at)
    family.legacy_digest = family.digest(legacy_secret) if legacy_secret else ""
    family.save()
    pair = mint(family, at=at)
    return pair if legacy_secret else replace(pair, proof=prove(family))


def prove(family: TokenFamily) -> str:
    """A family's proof, told once; it is kept as a digest."""
    text = f"{family.pk}{PROOF}{secrets.token_urlsafe(32)}"
    family.proof_digest = family.digest(text)
    family.save(update_fields=["proof_digest"])
    return text


def refresh(text: str, *, at: datetime) -> Pair:
    """
    A new pair for a refresh token: its successor, or within `GRACE_S` of its first use a sibling of that.

    Raises:
        GrantRefused: Unknown, idle for a year, or its family is over; or it was used before, which ends the family.
        TooMany: It is one of too many, which ends nothing.
    """
    with transaction.atomic():
        pair = rotated(text, at=at)
    if pair is None:  # after the commit, for the family has ended with it
        raise GrantRefused("This install is over; it has to enrol anew.")
    return pair


def rotated(text: str, *, at: datetime) -> Pair | None:
    token = locked(text)
    if token is None or token.family.ended_at or token.family.legacy_digest:
        return None
    if token.expires_at <= at or (token.used_at and at - token.used_at > timedelta(seconds=GRACE_S)):
        end(token.family_id, at=at)
        return None
    check_pace(token.family)
    if token.used_at is None:
        token.used_at = at
        token.save(update_fields=["used_at"])
    forget_old(token.family, at=at)
    pair = mint(token.family, at=at)
    # An install from before there were proofs gets its own at its next refresh.
    return pair if token.family.proof_digest else replace(pair, proof=prove(token.family))


def check_pace(family: TokenFamily) -> None:
    """Count a refresh; asked once it is known whose it is, for anybody can write a number in front of a dot."""
    wait_s = REFRESHES.wait_s(str(family.pk), at_s=time.monotonic())
    if wait_s:
        raise TooMany("This install refreshes too often.", hint="Wait a while.", retry_after_s=math.ceil(wait_s))


def token_with(text: str, *, is_refresh: bool, beside: str = "family") -> FamilyToken | None:
    """
    The token that is written so: the number of its family, a dot, and what nobody can guess.

    The number alone says nothing; with it, the family's secret is at hand that the digest needs. Of access tokens a
    family has a few, so all are read, in the one query that reads the secret: every request of a copy asks this.

    Args:
        beside: What hangs on the family and is read along, as in `select_related`; it may be missing.
    """
    number = number_in(text)
    if number is None:
        return None
    related = FamilyToken.objects.select_related("family__secret", beside)
    tokens = related.filter(family=number, is_refresh=is_refresh)
    return next((each for each in tokens if hmac.compare_digest(each.digest, each.family.digest(text))), None)


def number_in(text: str) -> int | None:
    """The number of the family that a token says it is of."""
    number = text.partition(".")[0]
    return int(number) if number.isascii() and number.isdigit() and len(number) < 19 else None


def locked(text: str) -> FamilyToken | None:
    """The refresh token that is written so, with its family locked."""
    found = token_with(text, is_refresh=True)
    if found is None:
        return None
    families = TokenFamily.objects.select_for_update(of=("self",)).select_related("secret")
    family = families.filter(pk=found.family_id).first()
    token = family.tokens.filter(pk=found.pk).first() if family else None
    if token is not None and family is not None:
        token.family = family
    return token


def mint(family: TokenFamily, *, at: datetime) -> Pair:
    texts = [f"{family.pk}.{secrets.token_urlsafe(32)}" for _ in range(2)]
    ends = (at + timedelta(seconds=ACCESS_S), at + IDLE_FOR)
    FamilyToken.objects.bulk_create(
        FamilyToken(family=family, digest=family.digest(text), is_refresh=is_refresh, expires_at=end)
        for text, is_refresh, end in zip(texts, (False, True), ends, strict=True)
    )
    return Pair(texts[0], texts[1], family.install, family.pk)


def forget_old(family: TokenFamily, *, at: datetime) -> None:
    """Rows that no question needs any more."""
    FamilyToken.objects.filter(
        Q(is_refresh=False, expires_at__lt=at) | Q(used_at__lt=at - REMEMBERED_FOR), family=family
    ).delete()


def family_of(header: str, *, at: datetime, beside: str = "") -> TokenFamily:
    """
    Whose access token an `Authorization` header carries; one that has ended, too: a withdrawn install is still told so.

    Args:
        beside: What hangs on the family and is read along, as in `select_related`; it may be missing.

    Raises:
        Unauthenticated: None, unknown or expired.
    """
    token = bearer(header, beside=f"family__{beside}" if beside else "family")
    if token is None or token.family.legacy_digest or token.expires_at <= at:
        raise unknown_token()
    return token.family


def family_proved(header: str, *, beside: str = "") -> TokenFamily:
    """
    Whose proof an `Authorization` header carries, whether or not its tokens have ended.

    Args:
        beside: As for `family_of`.

    Raises:
        Unauthenticated: None, or unknown.
    """
    text = text_of(header)
    related = TokenFamily.objects.select_related("secret", *filter(None, [beside])).exclude(proof_digest="")
    family = related.filter(pk=number_in(text) or 0).first()
    if family is None or not hmac.compare_digest(family.proof_digest, family.digest(text)):
        raise unknown_token()
    return family


def shows_proof(header: str) -> bool:
    """Whether a header carries a proof (be it a wrong one) and no access token."""
    return PROOF in header


def bearer(header: str, *, beside: str = "family") -> FamilyToken | None:
    return token_with(text_of(header), is_refresh=False, beside=beside)


def text_of(header: str) -> str:
    """The token of an `Authorization` header; "" when it carries none."""
    scheme, _, text = header.partition(" ")
    return text.strip() if scheme.lower() == "bearer" else ""


def refresh_legacy(text: str, *, client: str, secret: str, at: datetime) -> Pair:
    """
    Another access token for a copy of Otumat 0.3; the refresh token stays.

    Raises:
        GrantRefused: Unknown, over, idle for a year, or not this client's.
    """
    with transaction.atomic():
        token = locked(text)
        is_known = token is not None and is_theirs(token.family, client, secret)
        if token is None or not is_known or token.family.ended_at or token.expires_at <= at:
            raise GrantRefused("This install is over; it has to enrol anew.")
        family = token.family
        check_pace(family)
        token.expires_at = at + IDLE_FOR
        token.save(update_fields=["expires_at"])
        forget_old(family, at=at)
        access = f"{family.pk}.{secrets.token_urlsafe(32)}"
        ends = at + timedelta(seconds=ACCESS_S)
        FamilyToken.objects.create(family=family, digest=family.digest(access), is_refresh=False, expires_at=ends)
    return Pair(access, text, family.install, family.pk)


def is_theirs(family: TokenFamily, client: str, secret: str) -> bool:
    """Whether a client of 0.3 is this family's."""
    return client == LEGACY_CLIENT_ID and hmac.compare_digest(family.legacy_digest, family.digest(secret))


def legacy_family_with(text: str, *, client: str, secret: str) -> TokenFamily | None:
    """The family of a refresh token of a copy of Otumat 0.3, and of its client's secret, be it over; None: unknown."""
    token = token_with(text, is_refresh=True)
    return token.family if token is not None and is_theirs(token.family, client, secret) else None


def legacy_family_of(header: str, *, at: datetime) -> TokenFamily:
    """
    Which copy of Otumat 0.3 a header is from.

    Raises:
        Unauthenticated: `token_expired`, or `invalid_token` for one that is none or whose install is over.
    """
    token = bearer(header)
    if token is None or not token.family.legacy_digest or token.family.ended_at:
        raise unknown_token()
    if token.expires_at <= at:
        raise Unauthenticated("That token has expired.", hint="Refresh it once.", code="token_expired")
    return token.family


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
    token = token_with(text, is_refresh=True) or token_with(text, is_refresh=False)
    if token is not None and not token.family.legacy_digest:
        end(token.family_id, at=at)


def end(family: int | None, *, at: datetime) -> None:
    """Every token of an install ends."""
    if family is not None:
        TokenFamily.objects.filter(pk=family, ended_at=None).update(ended_at=at)


def forget(family: int) -> None:
    """
    Overwrite an install's secret, and remove its tokens: what still lies anywhere tells nobody anything.

    In the caller's transaction. A refresh that is under way is waited for, or its tokens would be of no family.
    """
    TokenFamily.objects.select_for_update().filter(pk=family).first()
    InstallSecret.objects.filter(family=family).update(secret=bytes(derived.SECRET_BYTES))
    TokenFamily.objects.filter(pk=family).delete()
