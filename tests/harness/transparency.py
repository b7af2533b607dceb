"""
A whole small Sigstore: an authority for certificates, the log that certificates go into, and the transparency log.

Each has a key of its own; what `World` writes is what the public ones write (RFC 6962, Rekor's API version 1).
"""

from __future__ import annotations

import hashlib
import json
import struct
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from harness.attesting import PUBLISH, STATEMENT, b64
from otumat.spec.statement import pae

FULCIO = "1.3.6.1.4.1.57264.1"
SCT_LIST = x509.ObjectIdentifier("1.3.6.1.4.1.11129.2.4.2")
CONFIG = "https://builds.example.org/acme/rocket/.github/workflows/release.yml@refs/tags/v1"
TEXTS = {"8": "https://ids.example.org", "12": "https://builds.example.org/acme/rocket", "17": "1234", "18": CONFIG}


def new_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def spki(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def id_of(key: ec.EllipticCurvePrivateKey) -> bytes:
    return hashlib.sha256(spki(key)).digest()


def signed(key: ec.EllipticCurvePrivateKey, message: bytes) -> bytes:
    return key.sign(message, ec.ECDSA(SHA256()))


def leaf(data: bytes) -> bytes:
    return hashlib.sha256(b"\0" + data).digest()


def node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\1" + left + right).digest()


class World:
    """Authority, certificate log and transparency log; each name in `attest` that is not its own spoils one thing."""

    def __init__(self) -> None:
        self.authority, self.ct, self.rekor = new_key(), new_key(), new_key()
        self.name = x509.Name(
            [
                x509.NameAttribute(NameOID.ORGANIZATION_NAME, "acme"),
                x509.NameAttribute(NameOID.COMMON_NAME, "Authority"),
            ]
        )
        self.began = datetime.now(UTC) - timedelta(days=400)
        public = self.authority.public_key()
        self.root = (
            x509.CertificateBuilder()
            .subject_name(self.name)
            .issuer_name(self.name)
            .public_key(public)
            .serial_number(x509.random_serial_number())
            .not_valid_before(self.began)
            .not_valid_after(self.began + timedelta(days=4000))
            .add_extension(x509.BasicConstraints(ca=True, path_length=1), critical=True)
            .add_extension(usage(key_cert_sign=True, crl_sign=True), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
            .sign(self.authority, SHA256())
        )

    def trusted_root(self) -> dict[str, Any]:
        """As operators get it: `trusted_root.json`."""
        valid = {"start": self.began.strftime("%Y-%m-%dT%H:%M:%SZ")}
        return {
            "mediaType": "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
            "tlogs": [self.told(self.rekor, "https://rekor.example.org", valid)],
            "certificateAuthorities": [
                {
                    "subject": {"organization": "acme", "commonName": "Authority"},
                    "uri": "https://fulcio.example.org",
                    "certChain": {"certificates": [{"rawBytes": b64(self.root.public_bytes(Encoding.DER))}]},
                    "validFor": valid,
                }
            ],
            "ctlogs": [self.told(self.ct, "https://ct.example.org", valid)],
            "timestampAuthorities": [],
        }

    @staticmethod
    def told(key: ec.EllipticCurvePrivateKey, url: str, valid: dict[str, str]) -> dict[str, Any]:
        public = {"rawBytes": b64(spki(key)), "keyDetails": "PKIX_ECDSA_P256_SHA_256", "validFor": valid}
        return {"baseUrl": url, "hashAlgorithm": "SHA2_256", "publicKey": public, "logId": {"keyId": b64(id_of(key))}}

    def certify(self, key: Any, at: datetime, *, ct: ec.EllipticCurvePrivateKey | None) -> x509.Certificate:
        """Ten minutes from this moment on; in the certificates' log unless `ct` is None."""
        builder = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([]))
            .issuer_name(self.name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(at)
            .not_valid_after(at + timedelta(minutes=10))
            .add_extension(usage(digital_signature=True), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CODE_SIGNING]), critical=False)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self.authority.public_key()), critical=False
            )
            .add_extension(x509.SubjectAlternativeName([x509.UniformResourceIdentifier(CONFIG)]), critical=True)
        )
        for number, text in TEXTS.items():
            oid = x509.ObjectIdentifier(f"{FULCIO}.{number}")
            builder = builder.add_extension(
                x509.UnrecognizedExtension(oid, bytes([12, len(text)]) + text.encode()), critical=False
            )
        before = builder.sign(self.authority, SHA256())
        if ct is None:
            return before
        stamp = x509.UnrecognizedExtension(SCT_LIST, self.sct(before.tbs_certificate_bytes, at, ct))
        return builder.add_extension(stamp, critical=False).sign(self.authority, SHA256())

    def sct(self, tbs: bytes, at: datetime, ct: ec.EllipticCurvePrivateKey) -> bytes:
        """RFC 6962, 3.2 and 3.3: one timestamp, in the list that a certificate holds."""
        moment = int(at.timestamp() * 1000)
        entry = id_of(self.authority) + len(tbs).to_bytes(3, "big") + tbs
        signature = signed(ct, struct.pack("!BBQH", 0, 0, moment, 1) + entry + b"\0\0")
        stamp = b"\0" + id_of(ct) + struct.pack("!QHBBH", moment, 0, 4, 3, len(signature)) + signature
        listed = struct.pack("!HH", len(stamp) + 2, len(stamp)) + stamp
        return (
            bytes([0x04, 0x81 if len(listed) > 127 else len(listed), *([len(listed)] if len(listed) > 127 else [])])
            + listed
        )

    def attest(
        self,
        file: tuple[str, bytes],
        *,
        at: datetime | None = None,
        logged_after: timedelta = timedelta(seconds=5),
        ct: ec.EllipticCurvePrivateKey | bool | None = True,
        rekor: ec.EllipticCurvePrivateKey | None = None,
        about: bytes = b"",
        digest: str = "",
    ) -> dict[str, Any]:
        """An attestation of a file, logged as the second entry of three."""
        at = at or datetime.now(UTC) - timedelta(minutes=1)
        key = new_key()
        certificate = self.certify(key, at, ct=self.ct if ct is True else ct or None)
        named = {"name": file[0], "digest": {"sha256": digest or hashlib.sha256(file[1]).hexdigest()}}
        told = {"_type": STATEMENT, "subject": [named], "predicateType": PUBLISH,
                "predicate": None}  # fmt: skip
        statement = json.dumps(told).encode()
        signature = signed(key, pae("application/vnd.in-toto+json", statement))
        body = self.body(about or statement, signature, certificate)
        return {
            "version": 1,
            "verification_material": {
                "certificate": b64(certificate.public_bytes(Encoding.DER)),
                "transparency_entries": [self.entry(body, at + logged_after, rekor or self.rekor)],
            },
            "envelope": {"statement": b64(statement), "signature": b64(signature)},
        }

    @staticmethod
    def body(statement: bytes, signature: bytes, certificate: x509.Certificate) -> bytes:
        spec = {
            "envelopeHash": {"algorithm": "sha256", "value": "0" * 64},
            "payloadHash": {"algorithm": "sha256", "value": hashlib.sha256(statement).hexdigest()},
            "signatures": [{"signature": b64(signature), "verifier": b64(certificate.public_bytes(Encoding.PEM))}],
        }
        return canonical({"apiVersion": "0.0.1", "kind": "dsse", "spec": spec})

    def entry(self, body: bytes, at: datetime, rekor: ec.EllipticCurvePrivateKey) -> dict[str, Any]:
        first, third = leaf(b"the entry before"), leaf(b"the entry after")
        top = node(node(first, leaf(body)), third)
        note = f"rekor.example.org - 1\n3\n{b64(top)}\n"
        sealed = b64(id_of(rekor)[:4] + signed(rekor, note.encode()))
        seconds = int(at.timestamp())
        promised = {"body": b64(body), "integratedTime": seconds, "logIndex": 1, "logID": id_of(rekor).hex()}
        return {
            "logIndex": "1",
            "logId": {"keyId": b64(id_of(rekor))},
            "kindVersion": {"kind": "dsse", "version": "0.0.1"},
            "integratedTime": str(seconds),
            "inclusionPromise": {"signedEntryTimestamp": b64(signed(rekor, canonical(promised)))},
            "inclusionProof": {
                "logIndex": "1",
                "rootHash": b64(top),
                "treeSize": "3",
                "hashes": [b64(first), b64(third)],
                "checkpoint": {"envelope": f"{note}\n— rekor.example.org {sealed}\n"},
            },
            "canonicalizedBody": b64(body),
        }


def canonical(told: Any) -> bytes:
    return json.dumps(told, sort_keys=True, separators=(",", ":")).encode()


def usage(**uses: bool) -> x509.KeyUsage:
    names = ("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement",
             "key_cert_sign", "crl_sign", "encipher_only", "decipher_only")  # fmt: skip
    return x509.KeyUsage(**{name: uses.get(name, False) for name in names})
