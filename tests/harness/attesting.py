"""An authority that gives certificates to the runs of a build service, and what such a run says of a file (PEP 740)."""

from __future__ import annotations

import base64
import hashlib
import json
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from otumat.spec.statement import pae

UNUSED = (
    "content_commitment",
    "key_encipherment",
    "data_encipherment",
    "key_agreement",
    "key_cert_sign",
    "crl_sign",
    "encipher_only",
    "decipher_only",
)
BASE = "1.3.6.1.4.1.57264.1"
PUBLISH = "https://docs.pypi.org/attestations/publish/v1"
ISSUER = "https://ids.example.org"
STATEMENT = "https://in-toto.io/Statement/v1"


class SigningAuthority:
    """Gives certificates as a public signing authority does: for ten minutes, with what the identity token said."""

    def __init__(self, *, days: int = 30) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Signing authority")])
        now = datetime.now(UTC)
        self.certificate = (
            x509.CertificateBuilder()
            .subject_name(self.name)
            .issuer_name(self.name)
            .public_key(self.key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=60))
            .not_valid_after(now + timedelta(days=days))
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .sign(self.key, SHA256())
        )

    @property
    def pem(self) -> bytes:
        """Its own certificate, as those who trust it keep it."""
        return self.certificate.public_bytes(Encoding.PEM)

    def certify(
        self,
        key: Any,
        *,
        repository: str = "acme/rocket",
        workflow: str = "release.yml",
        issuer: str = ISSUER,
        begins: timedelta = timedelta(minutes=-1),
        purpose: Any = ExtendedKeyUsageOID.CODE_SIGNING,
        is_authority: bool = False,
        critical: bool = False,
    ) -> bytes:
        now = datetime.now(UTC)
        where = f"https://builds.example.org/{repository}"
        config = f"{where}/.github/workflows/{workflow}@refs/tags/v1"
        texts = {"8": issuer, "12": where, "17": "1234", "18": config}
        usage = dict.fromkeys(UNUSED, False)
        builder = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([]))
            .issuer_name(self.name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now + begins)
            .not_valid_after(now + begins + timedelta(minutes=10))
            .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
            .add_extension(x509.KeyUsage(digital_signature=True, **usage), critical=True)
            .add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
            .add_extension(x509.SubjectAlternativeName([x509.UniformResourceIdentifier(config)]), critical=True)
        )
        for number, text in texts.items():
            data = text.encode()
            head = bytes([0x0C, len(data)]) if len(data) < 128 else bytes([0x0C, 0x81, len(data)])
            oid = x509.ObjectIdentifier(f"{BASE}.{number}")
            builder = builder.add_extension(x509.UnrecognizedExtension(oid, head + data), critical=critical)
        return builder.sign(self.key, SHA256()).public_bytes(Encoding.DER)

    def attest(
        self,
        file: tuple[str, bytes],
        *,
        predicate: str = PUBLISH,
        subject: str = "",
        digest: str = "",
        count: int = 1,
        **certified: Any,
    ) -> dict[str, Any]:
        """An attestation of a file, as a build service makes one; other words go to the certificate."""
        filename, data = file
        key = ec.generate_private_key(ec.SECP256R1())
        named = {"name": subject or filename, "digest": {"sha256": digest or hashlib.sha256(data).hexdigest()}}
        told = {"_type": STATEMENT, "subject": [named] * count, "predicateType": predicate, "predicate": None}
        statement = json.dumps(told).encode()
        signature = key.sign(pae("application/vnd.in-toto+json", statement), ec.ECDSA(SHA256()))
        return {
            "version": 1,
            "verification_material": {
                "certificate": b64(self.certify(key, **certified)),
                "transparency_entries": [{"logIndex": "1"}],
            },
            "envelope": {"statement": b64(statement), "signature": b64(signature)},
        }


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()
