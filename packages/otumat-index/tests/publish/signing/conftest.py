"""Keys, signed wheels, and an authority that gives certificates to the runs of a build service."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from django.test import Client
from django.utils import timezone

from otumat.spec.statement import pae
from otumat.trust import sign_wheels
from otumat.trust.signing.private import PrivateKey
from otumat_index.accounts.credentials import of_user
from otumat_index.accounts.models import User
from otumat_index.publish.models import Project, TrustedPublisher
from otumat_index.publish.signing import actions

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
PUBLISH, SLSA = "https://docs.pypi.org/attestations/publish/v1", "https://slsa.dev/provenance/v1"
ISSUER = "https://ids.example.org"
STATEMENT = "https://in-toto.io/Statement/v1"


def new_key() -> PrivateKey:
    """An Ed25519 key that signs."""
    return PrivateKey(ed25519.Ed25519PrivateKey.generate())


def pem_of(key: PrivateKey) -> str:
    """Its public half, as owners paste it."""
    return key.public.pem.decode()


@pytest.fixture
def key() -> PrivateKey:
    return new_key()


@pytest.fixture
def other_key() -> PrivateKey:
    return new_key()


@pytest.fixture
def signed(tmp_path: Path, wheel: Any) -> Callable[..., tuple[str, bytes]]:
    """A wheel that these keys signed: `signed(key, version="1.1")`."""

    def make(*keys: PrivateKey, **words: Any) -> tuple[str, bytes]:
        filename, data = wheel(**words)
        (tmp_path / filename).write_bytes(data)
        sign_wheels([tmp_path / filename], list(keys))
        return filename, (tmp_path / filename).read_bytes()

    return make


@pytest.fixture
def roundup(submit: Any, alice: User, bob: User) -> Project:
    """Alice's project, which Bob maintains; nobody has signed anything."""
    assert submit(alice, version="0.1").status_code == 200
    found = Project.objects.get()
    found.roles.create(user=bob, kind="maintainer", granted_at=datetime(2026, 3, 1, tzinfo=UTC))
    return found


@pytest.fixture
def add(roundup: Project, alice: User, now: datetime) -> Callable[..., Any]:
    """Add a key to the project, as its owner."""

    def make(key: PrivateKey, **words: Any) -> Any:
        return actions.add_key(roundup, pem_of(key), **{"by": of_user(alice, "session"), "at": now, **words})

    return make


class Authority:
    """Gives certificates as a public signing authority does: for ten minutes, with what the identity token said."""

    def __init__(self, *, days: int = 30) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Signing authority")])
        now = timezone.now()
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
        now = timezone.now()
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


@pytest.fixture
def authority(settings: Any, tmp_path: Path, _own_folder: None) -> Authority:
    """An authority that the index trusts."""
    made, path = Authority(), tmp_path / "roots.pem"
    path.write_bytes(made.certificate.public_bytes(Encoding.PEM))
    settings.CONFIG = dataclasses.replace(settings.CONFIG, attestation_roots=str(path))
    return made


@pytest.fixture
def attest(authority: Authority) -> Callable[..., dict[str, Any]]:
    """An attestation of a file, as a build service makes one; words that are not its own go to the certificate."""

    def make(
        file: tuple[str, bytes],
        *,
        predicate: str = PUBLISH,
        subject: str = "",
        digest: str = "",
        count: int = 1,
        by: Authority = authority,
        **certified: Any,
    ) -> dict[str, Any]:
        filename, data = file
        key = ec.generate_private_key(ec.SECP256R1())
        named = {"name": subject or filename, "digest": {"sha256": digest or hashlib.sha256(data).hexdigest()}}
        told = {"_type": STATEMENT, "subject": [named] * count, "predicateType": predicate, "predicate": None}
        statement = json.dumps(told).encode()
        signature = key.sign(pae("application/vnd.in-toto+json", statement), ec.ECDSA(SHA256()))
        return {
            "version": 1,
            "verification_material": {
                "certificate": b64(by.certify(key, **certified)),
                "transparency_entries": [{"logIndex": "1"}],
            },
            "envelope": {"statement": b64(statement), "signature": b64(signature)},
        }

    return make


@pytest.fixture
def stranger() -> Authority:
    """An authority that the index does not know, with the name of the one that it does."""
    return Authority()


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


@pytest.fixture
def publisher(roundup: Project, alice: User, now: datetime) -> TrustedPublisher:
    """The workflow release.yml of acme/rocket may publish the project."""
    return TrustedPublisher.objects.create(
        project=roundup,
        created_by=alice,
        issuer=ISSUER,
        kind="github",
        key="0" * 64,
        claims={"repository": "acme/rocket", "workflow": "release.yml"},
        created_at=now,
    )


@pytest.fixture
def told(client: Client) -> Callable[..., dict[str, Any]]:
    """How a release was signed, as the API tells everybody."""

    def ask(version: str = "1.0") -> dict[str, Any]:
        answer = client.get(f"/api/v1/project/roundup/{version}/signatures")
        assert answer.status_code == 200, answer.content
        found: dict[str, Any] = answer.json()
        return found

    return ask
