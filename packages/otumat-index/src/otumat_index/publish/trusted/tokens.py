"""An identity token's form, header and signature: the only place that touches PyJWT."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from jwt.exceptions import PyJWTError

from otumat.errors import Untrusted

TOKEN_MAX_CHARS = 20_000
RSA_MIN_BITS = 2048
ALGORITHMS = {("RSA", ""): "RS256", ("EC", "P-256"): "ES256", ("OKP", "Ed25519"): "EdDSA"}
"""By the key's type, never by the token's word for it (RFC 8725 section 3.1): what else there is, we do not take."""


@dataclass(frozen=True, slots=True)
class Key:
    """One signing key of an issuer."""

    kid: str
    algorithm: str
    key: jwt.PyJWK


@dataclass(frozen=True, slots=True)
class Unverified:
    """What a token says before anything of it is believed: whose it claims to be and which key signed it."""

    text: str
    issuer: str
    kid: str
    algorithm: str

    @property
    def signed(self) -> bytes:
        """The part that the signature is over."""
        return self.text.rpartition(".")[0].encode()


def refused(message: str, hint: str = "") -> Untrusted:
    return Untrusted(message, hint=hint or "Ask the issuer for a fresh token.", code="invalid_token")


def read(text: str) -> Unverified:
    """
    Take a token apart, believing nothing.

    Raises:
        Untrusted: It is no signed token in compact form (RFC 7515), or too long.
    """
    parts = text.split(".") if len(text) <= TOKEN_MAX_CHARS and text.isascii() else []
    if len(parts) != 3:
        raise refused("That is no identity token (a JWT in three parts).")
    header, payload = as_object(parts[0]), as_object(parts[1])
    # RFC 7515 4.1.11: what is critical and unknown cannot be passed over. `jku`, `x5u`, `jwk` and `x5c` are: nobody
    # but the operator's setting says where keys come from.
    if "crit" in header or str(header.get("typ", "JWT")).lower() != "jwt":
        raise refused("The token's header asks for something this index does not know.")
    return Unverified(text, str(payload.get("iss", "")), str(header.get("kid", "")), str(header.get("alg", "")))


def as_object(part: str) -> dict[str, Any]:
    """One base64url part as a JSON object."""
    try:
        found = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except (ValueError, RecursionError, binascii.Error) as exc:
        raise refused("That is no identity token: a part of it cannot be read.") from exc
    if not isinstance(found, dict):
        raise refused("That is no identity token: a part of it is no JSON object.")
    return found


def key_of(described: Mapping[str, Any]) -> Key | None:
    """A key of an issuer's list (RFC 7517), None where it is not one to check signatures with."""
    kind = (str(described.get("kty", "")), "" if described.get("kty") == "RSA" else str(described.get("crv", "")))
    algorithm = ALGORITHMS.get(kind)
    fits = described.get("use", "sig") == "sig" and described.get("alg", algorithm) == algorithm
    if algorithm is None or not fits or "d" in described:  # a private key that everybody can read signs for nobody
        return None
    try:
        key = jwt.PyJWK(dict(described), algorithm)
    except (PyJWTError, ValueError, TypeError, AttributeError):  # one broken key must not take the others with it
        return None
    if isinstance(key.key, RSAPublicKey) and key.key.key_size < RSA_MIN_BITS:
        return None
    return Key(str(described.get("kid", "")), algorithm, key)


def chosen(token: Unverified, keys: Sequence[Key]) -> Key | None:
    """The key that the token names; without a name, the only one there is."""
    fitting = [key for key in keys if key.kid == token.kid] if token.kid else list(keys)
    return fitting[0] if len(fitting) == 1 else None


def verify(token: Unverified, key: Key) -> dict[str, Any]:
    """
    The claims, if the signature holds. Times, audience and issuer are the business of `rules.check_token`.

    Raises:
        Untrusted: The signature does not hold, or by another algorithm than the key's.
    """
    try:
        found = jwt.PyJWS().decode(token.text, key.key, algorithms=[key.algorithm])
        claims = json.loads(found)
    except (PyJWTError, ValueError, RecursionError) as exc:
        raise refused("The token's signature does not hold.") from exc
    if not isinstance(claims, dict):
        raise refused("That is no identity token: it says nothing.")
    return claims
