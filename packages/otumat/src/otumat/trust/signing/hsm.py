"""
A key in a PKCS #11 token: an HSM, a smart card, a YubiKey (PIV), the PKCS #11 library of a cloud's KMS.

    pkcs11:token=plugins;object=release?module-path=/usr/lib/softhsm/libsofthsm2.so

Needs `otumat[pkcs11]`. The address is that of RFC 7512, of which these parts are taken: `token`, `object` (its label),
`id`, and `module-path`, in place of which PKCS11_MODULE in the environment will do. The PIN is never a part of it: it
is asked for, or stands in OTUMAT_SIGNING_PASSPHRASE.
"""

from __future__ import annotations

import binascii
import hashlib
from urllib.parse import unquote, unquote_to_bytes

from otumat.errors import Invalid, NotFound, Problem, Refused
from otumat.spec.keys import LEAST_BITS, P256, RSA, BadKey, PublicKey, p256
from otumat.spec.keys.public import ed25519_key, p256_key, rsa_key

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

MODULE_VARIABLE = "PKCS11_MODULE"
_EXAMPLE = "pkcs11:token=LABEL;object=LABEL?module-path=/path/of/the/library.so"
_TAKEN = frozenset({"token", "object", "id", "module-path"})
_P256_PARAMETERS = bytes.fromhex("06082a8648ce3d030107")


class TokenKey:
    """One key of a token, in a session that is open for as long as this lives."""

    __slots__ = ("_key", "_session", "public")

    def __init__(self, session: Any, key: Any, public: PublicKey) -> None:
        self._session, self._key, self.public = session, key, public

    @property
    def can_sign_legacy(self) -> bool:
        return self.public.kind == RSA

    def sign(self, message: bytes) -> bytes:
        """Plain Ed25519, ECDSA or RSA-PSS; of the latter two, the token is sent the digest alone."""
        from pkcs11 import Mechanism

        digest = hashlib.sha256(message).digest()
        if self.public.kind == RSA:
            if self.public.bits < LEAST_BITS:
                raise _invalid("key.weak", f"The RSA key has {self.public.bits} bits; {LEAST_BITS} are needed.")
            signature = self._sign_pss(digest)
        elif self.public.kind == P256:
            raw = self._signed(digest, Mechanism.ECDSA)
            signature = p256.written_signature(int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big"))
        else:
            signature = self._signed(message, Mechanism.EDDSA)
        if not self.public.verifies(signature, message):
            raise Refused("The token made a signature that does not hold.", code="key.refused")
        return signature

    def sign_legacy(self, message: bytes) -> str:
        """The content of `{module}.sig`."""
        return binascii.b2a_base64(self._sign_pss(hashlib.sha256(message).digest())).decode()

    def _sign_pss(self, digest: bytes) -> bytes:
        from pkcs11 import MGF, Mechanism

        longest_salt = (self.public.bits - 1 + 7) // 8 - len(digest) - 2
        return self._signed(digest, Mechanism.RSA_PKCS_PSS, (Mechanism.SHA256, MGF.SHA256, longest_salt))

    def _signed(self, data: bytes, mechanism: Any, parameters: Any = None) -> bytes:
        from pkcs11.exceptions import PKCS11Error

        try:
            return bytes(self._key.sign(data, mechanism=mechanism, mechanism_param=parameters))
        except PKCS11Error as exc:
            raise Refused(f"The token did not sign: {_named(exc)}.", code="key.refused") from exc


def find(address: str, *, environ: Mapping[str, str], pin: Callable[[], str] | None) -> TokenKey:
    """
    Open the token that an address names, and find the one key.

    Args:
        pin: Asked once; None where nobody can be.

    Errors:
        Invalid: the address is none, the PIN is wrong, the key is of another kind. NotFound: no such library, token or
        key; `extra.missing`.
    """
    parts = parse(address)
    try:
        import pkcs11
        from pkcs11.exceptions import PinIncorrect, PKCS11Error
    except ImportError as exc:
        told = "Signing with a PKCS #11 token needs the package python-pkcs11, which is not installed."
        raise NotFound(told, code="extra.missing", hint="Install it with: pip install 'otumat[pkcs11]'") from exc
    if pin is None:
        told = "The token has a PIN, and nobody can be asked for it here."
        raise _invalid("key.passphrase", told, "Set OTUMAT_SIGNING_PASSPHRASE, or run this at a terminal.")
    library = unquote(parts.get("module-path", "")) or environ.get(MODULE_VARIABLE, "")
    if not library:
        told = "No PKCS #11 library is named."
        raise _invalid("key.module", told, f"Write {_EXAMPLE}, or set {MODULE_VARIABLE}.")
    try:
        return _key_of(_opened(_token(pkcs11.lib(library), parts), pin), parts)
    except PinIncorrect:
        raise _invalid("key.passphrase", "The token does not open with this PIN.", "Few tries are left.") from None
    except (PKCS11Error, RuntimeError) as exc:
        raise NotFound(f"The token cannot be used: {_named(exc)}.", code="key.missing", hint=_EXAMPLE) from exc


def _token(library: Any, parts: Mapping[str, str]) -> Any:
    from pkcs11 import TokenFlag

    # SoftHSM always has one more, which nobody has made a token of yet.
    there = [each for each in library.get_tokens() if each.flags & TokenFlag.TOKEN_INITIALIZED]
    found = [each for each in there if unquote(parts.get("token", each.label)) == each.label]
    if len(found) != 1:
        labels = ", ".join(sorted(str(each.label) for each in there)[:10]) or "none"
        hint = f"There are: {labels}. Name one: {_EXAMPLE}"
        raise NotFound(f"{len(found)} tokens are meant.", code="key.missing", hint=hint)
    return found[0]


def _opened(token: Any, pin: Callable[[], str]) -> Any:
    from pkcs11.exceptions import UserAlreadyLoggedIn

    try:
        return token.open(user_pin=pin())
    except UserAlreadyLoggedIn:  # for another key of the same token: a login is one of the whole process
        return token.open()


def parse(address: str) -> dict[str, str]:
    """
    The parts of the address, still encoded.

    >>> parse("pkcs11:token=My%20token;object=a?module-path=/x.so")
    {'token': 'My%20token', 'object': 'a', 'module-path': '/x.so'}
    """
    path, _, query = address.partition(":")[2].partition("?")
    pairs = [pair.partition("=") for pair in [*path.split(";"), *query.split("&")] if pair]
    parts = {name: value for name, _, value in pairs}
    if "pin-value" in parts or "pin-source" in parts:
        told = "A PIN does not belong into an address: other users of the machine can read command lines."
        raise _invalid("key.address", told, "Set OTUMAT_SIGNING_PASSPHRASE, or wait to be asked.")
    if unknown := sorted(set(parts) - _TAKEN):
        told = f"The address has a part {unknown[0]!r}; {', '.join(sorted(_TAKEN))} are taken."
        raise _invalid("key.address", told, _EXAMPLE)
    return parts


def _key_of(session: Any, parts: Mapping[str, str]) -> TokenKey:
    from pkcs11 import Attribute, ObjectClass

    named: dict[Any, Any] = {Attribute.LABEL: unquote(parts["object"])} if "object" in parts else {}
    named |= {Attribute.ID: unquote_to_bytes(parts["id"])} if "id" in parts else {}
    found = list(session.get_objects({Attribute.CLASS: ObjectClass.PRIVATE_KEY, **named}))
    if len(found) != 1:
        labels = ", ".join(sorted(str(key.label) for key in found)[:10])
        told = f"Of the token's keys, {len(found)} are meant{f': {labels}' if labels else ''}."
        raise NotFound(told, code="key.missing", hint="Name one by its label or id: pkcs11:…;object=LABEL;id=%01")
    return TokenKey(session, found[0], _public_of(session, found[0]))


def _public_of(session: Any, key: Any) -> PublicKey:
    from pkcs11 import Attribute, KeyType, ObjectClass

    if key.key_type not in (KeyType.RSA, KeyType.EC, KeyType.EC_EDWARDS):
        raise _invalid("key.kind", f"The key is of the kind {key.key_type.name}; RSA, P-256 and Ed25519 are taken.")
    try:
        if key.key_type == KeyType.RSA:
            numbers = [int.from_bytes(key[each], "big") for each in (Attribute.MODULUS, Attribute.PUBLIC_EXPONENT)]
            return rsa_key(*numbers)
        half = {Attribute.CLASS: ObjectClass.PUBLIC_KEY, Attribute.ID: key.id}
        public = next(iter(session.get_objects(half)), None)
        if public is None:
            raise NotFound("The token does not hold the public half of the key.", code="key.missing")
        point = bytes(public[Attribute.EC_POINT])
        if key.key_type == KeyType.EC_EDWARDS:
            return ed25519_key(point[-32:])
        if bytes(public[Attribute.EC_PARAMS]) != _P256_PARAMETERS:
            raise _invalid("key.kind", "The key is on another curve than P-256.")
        return p256_key(point[-64:])
    except BadKey as exc:
        raise _invalid("key.unreadable", f"The key of the token cannot be used: {exc}.") from None


def _named(exc: Exception) -> str:
    return str(exc) or type(exc).__name__


def _invalid(code: str, message: str, hint: str = "") -> Invalid:
    return Invalid([Problem(code, "key", message, hint=hint)], message=message, hint=hint)
