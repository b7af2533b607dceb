"""Certificates of build services: by whom they are signed, when they are valid, and for whom they speak."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from urllib.parse import unquote, urlsplit

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509.oid import ExtendedKeyUsageOID, ExtensionOID

from otumat.errors import Untrusted

# The authority's own extensions, below 1.3.6.1.4.1.57264.1 (Fulcio, docs/oid-info.md); DER texts from .8 on.
_BASE = "1.3.6.1.4.1.57264.1"
ISSUER, REPOSITORY, OWNER_ID, CONFIG = f"{_BASE}.8", f"{_BASE}.12", f"{_BASE}.17", f"{_BASE}.18"
UNDERSTOOD = {
    ExtensionOID.BASIC_CONSTRAINTS,
    ExtensionOID.KEY_USAGE,
    ExtensionOID.EXTENDED_KEY_USAGE,
    ExtensionOID.SUBJECT_ALTERNATIVE_NAME,
}
UTF8_TAG = 0x0C


@dataclass(frozen=True, slots=True)
class Identity:
    """
    For whom a certificate speaks.

    Attributes:
        issuer: Of the identity token that the authority was shown.
        name: The subject: an address of a workflow, or a mail address.
        repository, config: Paths in the build service: `/acme/rocket`, `/acme/rocket/.github/workflows/r.yml@refs/…`.
        owner_id: The repository's owner, by number; empty when the certificate does not say.
    """

    issuer: str
    name: str
    repository: str = ""
    config: str = ""
    owner_id: str = ""


def anchors(path: str) -> tuple[x509.Certificate, ...]:
    """The authorities of a PEM file; read again when the file changes."""
    return _anchors(path, os.stat(path).st_mtime_ns) if path else ()


@lru_cache(maxsize=4)
def _anchors(path: str, mtime_ns: int) -> tuple[x509.Certificate, ...]:
    with open(path, "rb") as file:
        return tuple(x509.load_pem_x509_certificates(file.read()))


def read(der: bytes) -> x509.Certificate:
    """
    A certificate.

    Raises:
        Untrusted: The bytes are none.
    """
    try:
        found = x509.load_der_x509_certificate(der)
        found.extensions  # noqa: B018 - read when first asked for, and broken ones raise
    except ValueError as exc:
        raise refused("The certificate of an attestation cannot be read.") from exc
    return found


def check(found: x509.Certificate, trusted: tuple[x509.Certificate, ...], *, at: datetime) -> None:
    """
    One of our authorities signed it, for signing, and it is valid now.

    Authorities give certificates for ten minutes; without a proof of the log, later is too late (A60).

    Raises:
        Untrusted: Saying which of them it was.
    """
    if not any(is_issuer(each, found, at=at) for each in trusted):
        raise refused("No authority that this index trusts has signed the certificate of an attestation.")
    if not found.not_valid_before_utc <= at <= found.not_valid_after_utc:
        raise refused("The certificate of an attestation is not valid now.", "Make a new one, and upload at once.")
    if not is_for_signing(found):
        raise refused("The certificate of an attestation is not one to sign with.")


def is_issuer(authority: x509.Certificate, found: x509.Certificate, *, at: datetime) -> bool:
    """Whether an authority, valid itself, signed a certificate."""
    try:
        basic = authority.extensions.get_extension_for_class(x509.BasicConstraints).value
        found.verify_directly_issued_by(authority)
    except (x509.ExtensionNotFound, ValueError, TypeError, InvalidSignature):
        return False
    return basic.ca and authority.not_valid_before_utc <= at <= authority.not_valid_after_utc


def is_for_signing(found: x509.Certificate) -> bool:
    """No authority itself; for code; and nothing critical in it that we do not understand."""
    values = {each.oid: each for each in found.extensions}
    if any(each.critical and oid not in UNDERSTOOD for oid, each in values.items()):
        return False
    basic, usage = values.get(ExtensionOID.BASIC_CONSTRAINTS), values.get(ExtensionOID.KEY_USAGE)
    purposes = values.get(ExtensionOID.EXTENDED_KEY_USAGE)
    if basic is not None and basic.value.ca:  # type: ignore[attr-defined]
        return False
    signs = usage is not None and usage.value.digital_signature  # type: ignore[attr-defined]
    return signs and purposes is not None and ExtendedKeyUsageOID.CODE_SIGNING in purposes.value  # type: ignore[operator]


def verifies(found: x509.Certificate, signature: bytes, message: bytes) -> bool:
    """Whether the certificate's key signed a message. ECDSA over P-256 with SHA-256 is what there is (PEP 740)."""
    key = found.public_key()
    if not (isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, ec.SECP256R1)):
        return False
    try:
        key.verify(signature, message, ec.ECDSA(SHA256()))
    except InvalidSignature:
        return False
    return True


def identity(found: x509.Certificate) -> Identity:
    """For whom it speaks; texts are empty where it does not say."""
    try:
        names = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        given = [
            *names.get_values_for_type(x509.UniformResourceIdentifier),
            *names.get_values_for_type(x509.RFC822Name),
        ]
    except x509.ExtensionNotFound:
        given = []
    return Identity(
        issuer=text(found, ISSUER),
        name=given[0] if len(given) == 1 else "",
        repository=path_of(text(found, REPOSITORY)),
        config=path_of(text(found, CONFIG)),
        owner_id=text(found, OWNER_ID),
    )


def text(found: x509.Certificate, oid: str) -> str:
    """One of the authority's extensions: a UTF8String in DER, of less than 64 kB."""
    try:
        value = found.extensions.get_extension_for_oid(x509.ObjectIdentifier(oid)).value
    except x509.ExtensionNotFound:
        return ""
    der: bytes = value.value  # type: ignore[attr-defined]
    if len(der) < 2 or der[0] != UTF8_TAG:
        return ""
    head = 2 + (der[1] & 0x7F if der[1] & 0x80 else 0)
    length = int.from_bytes(der[2:head], "big") if der[1] & 0x80 else der[1]
    return der[head:].decode("utf-8", "replace") if length == len(der) - head else ""


def path_of(url: str) -> str:
    """The path of an address on the build service; which service it is, the issuer says."""
    try:
        return unquote(urlsplit(url).path)
    except ValueError:
        return ""


def refused(message: str, hint: str = "") -> Untrusted:
    return Untrusted(message, hint=hint or "Upload without attestations, or make them anew.", code="attestation")
