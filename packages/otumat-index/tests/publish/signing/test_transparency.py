"""
A60 with the transparency log: attestations of a whole small Sigstore, made here, and what is done about bad ones.

`World` has an authority for certificates, the log that certificates go into, and the transparency log, with keys of
its own; what it writes is what the public ones write (RFC 6962, Rekor's API version 1).
"""

from __future__ import annotations

import base64
import copy
import dataclasses
import hashlib
import itertools
import json
import struct
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from django.test import Client
from django.utils import timezone

from otumat.errors import Untrusted
from otumat.spec.statement import pae
from otumat_index.accounts.models import User
from otumat_index.config import Config
from otumat_index.publish.models import Project, TrustedPublisher
from otumat_index.trust.attestations import log, reading
from otumat_index.trust.models import Attestation

pytestmark = pytest.mark.django_db
PUBLISH = "https://docs.pypi.org/attestations/publish/v1"
FULCIO = "1.3.6.1.4.1.57264.1"
SCT_LIST = x509.ObjectIdentifier("1.3.6.1.4.1.11129.2.4.2")
CONFIG = "https://builds.example.org/acme/rocket/.github/workflows/release.yml@refs/tags/v1"
TEXTS = {"8": "https://ids.example.org", "12": "https://builds.example.org/acme/rocket", "17": "1234", "18": CONFIG}


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


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
        self.began = timezone.now() - timedelta(days=400)
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
        logged_at: datetime | None = None,
        ct: ec.EllipticCurvePrivateKey | bool | None = True,
        rekor: ec.EllipticCurvePrivateKey | None = None,
        about: bytes = b"",
        digest: str = "",
    ) -> dict[str, Any]:
        """An attestation of a file, logged as the second entry of three."""
        at = at or timezone.now() - timedelta(minutes=1)
        key = new_key()
        certificate = self.certify(key, at, ct=self.ct if ct is True else ct or None)
        named = {"name": file[0], "digest": {"sha256": digest or hashlib.sha256(file[1]).hexdigest()}}
        told = {"_type": "https://in-toto.io/Statement/v1", "subject": [named], "predicateType": PUBLISH,
                "predicate": None}  # fmt: skip
        statement = json.dumps(told).encode()
        signature = signed(key, pae("application/vnd.in-toto+json", statement))
        body = self.body(about or statement, signature, certificate)
        return {
            "version": 1,
            "verification_material": {
                "certificate": b64(certificate.public_bytes(Encoding.DER)),
                "transparency_entries": [self.entry(body, logged_at or at + timedelta(seconds=5), rekor or self.rekor)],
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


@pytest.fixture
def world(settings: Any, tmp_path: Path, _own_folder: None, publisher: TrustedPublisher) -> World:
    """A Sigstore that the index trusts."""
    made, path = World(), tmp_path / "trusted_root.json"
    path.write_text(json.dumps(made.trusted_root()))
    settings.CONFIG = dataclasses.replace(settings.CONFIG, attestation_trust=str(path))
    return made


@pytest.fixture
def send(upload: Any, alice: User) -> Callable[..., Any]:
    return lambda file, *listed: upload(alice, file, attestations=json.dumps(listed))


def test_an_attestation_whose_log_entry_holds_is_kept_as_verified(
    world: World, send: Any, wheel: Any, client: Client
) -> None:
    file = wheel()
    answer = send(file, world.attest(file))
    assert (answer.status_code, answer.json()["problems"]) == (200, [])
    assert Attestation.objects.get().log == "verified"
    (told,) = client.get("/api/v1/project/roundup/1.0/signatures").json()["attestations"]
    assert (told["log"], told["publisher"]["repository"]) == ("verified", "acme/rocket")
    assert "its entry in the transparency log holds" in client.get("/project/roundup/").content.decode()


def test_with_the_logs_proof_an_attestation_may_be_older_than_its_certificate_lasts(
    world: World, send: Any, wheel: Any
) -> None:
    file = wheel()
    assert send(file, world.attest(file, at=timezone.now() - timedelta(days=90))).status_code == 200


BAD: dict[str, dict[str, Any]] = {
    "A60 an expired certificate, logged too late": {"logged_at": timezone.now() + timedelta(hours=1)},
    "A60 logged before the certificate was valid": {"logged_at": timezone.now() - timedelta(hours=1)},
    "A60 another transparency log": {"rekor": new_key()},
    "A60 a certificate that no log knows": {"ct": None},
    "A60 a certificate in another log": {"ct": new_key()},
    "A60 the entry of another envelope": {"about": b"{}"},
    "A60 another file": {"digest": "0" * 64},
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_attestation_refuses_the_upload(world: World, send: Any, wheel: Any, name: str) -> None:
    file = wheel()
    answer = send(file, world.attest(file, **BAD[name]))
    assert answer.status_code == 400, answer.json()
    assert [each["code"] for each in answer.json()["problems"]] == ["attestation.untrusted"]
    assert not Attestation.objects.exists()


def entry_of(attestation: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = attestation["verification_material"]["transparency_entries"][0]
    return found


def broken(attestation: dict[str, Any], how: str) -> dict[str, Any]:
    made = copy.deepcopy(attestation)
    entry = entry_of(made)
    proof = entry["inclusionProof"]
    match how:
        case "no entry":
            made["verification_material"]["transparency_entries"] = []
        case "two entries":
            made["verification_material"]["transparency_entries"] *= 2
        case "no proof of inclusion":
            del entry["inclusionProof"]
        case "no promise":
            del entry["inclusionPromise"]
        case "another leaf":
            proof["logIndex"] = "0"
        case "another root":
            proof["rootHash"] = b64(b"\0" * 32)
        case "hashes turned around":
            proof["hashes"].reverse()
        case "an unsigned checkpoint":
            proof["checkpoint"]["envelope"] = proof["checkpoint"]["envelope"].partition("\n\n")[0] + "\n\n"
        case "the checkpoint of another tree":
            proof["checkpoint"]["envelope"] = proof["checkpoint"]["envelope"].replace("\n3\n", "\n4\n")
        case "another moment":
            entry["integratedTime"] = str(int(entry["integratedTime"]) + 1)
        case "numbers without end":
            proof["treeSize"] = "9" * 400
    return made


@pytest.mark.parametrize(
    "how",
    [
        "no entry",
        "two entries",
        "no proof of inclusion",
        "no promise",
        "another leaf",
        "another root",
        "hashes turned around",
        "an unsigned checkpoint",
        "the checkpoint of another tree",
        "another moment",
        "numbers without end",
    ],
)
def test_A60_T64_a_log_entry_that_does_not_hold_refuses_the_upload(
    world: World, send: Any, wheel: Any, how: str
) -> None:
    file = wheel()
    answer = send(file, broken(world.attest(file), how))
    assert answer.status_code == 400, how
    assert not Attestation.objects.exists()


def test_A60_an_authority_of_the_same_name_vouches_for_nothing(world: World, send: Any, wheel: Any) -> None:
    file = wheel()
    assert send(file, World().attest(file)).status_code == 400


def test_the_trusted_root_is_read_again_when_its_operator_changes_it(
    world: World, send: Any, wheel: Any, settings: Any
) -> None:
    file, other = wheel(), World()
    attestation = other.attest(file)
    assert send(file, attestation).status_code == 400
    path = Path(settings.CONFIG.attestation_trust)
    path.with_suffix(".new").write_text(json.dumps(other.trusted_root()))
    path.with_suffix(".new").replace(path)
    assert send(file, attestation).status_code == 200


def test_A60_whatever_is_sent_is_refused_and_nothing_falls_over(world: World, wheel: Any, settings: Any) -> None:
    """Entries with one value of another kind, each in another place: never another error than the refusal."""
    file = wheel()
    honest = world.attest(file)
    strange: list[Any] = [None, [], {}, "", "A" * 10, -1, 2**70, True, [[]], {"a": 1}, "9" * 60]
    tried = 0
    for path, value in itertools.product(places(entry_of(honest)), strange):
        made = copy.deepcopy(honest)
        target: Any = entry_of(made)
        for step in path[:-1]:
            target = target[step]
        target[path[-1]] = value
        (attested,) = reading.read(json.dumps([made]))
        with pytest.raises(Untrusted):
            log.check(attested, root=settings.CONFIG.attestation_trust)
        tried += 1
    assert tried > 200


def places(told: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The way to every value."""
    steps = told.items() if isinstance(told, dict) else enumerate(told) if isinstance(told, list) else ()
    return [way for step, each in steps for way in [(*path, step), *places(each, (*path, step))]]


def test_without_a_trusted_root_an_attestation_says_that_its_log_is_not_verified(
    publisher: TrustedPublisher, attest: Any, send: Any, wheel: Any, client: Client
) -> None:
    file = wheel()
    assert send(file, attest(file)).status_code == 200
    (told,) = client.get("/api/v1/project/roundup/1.0/signatures").json()["attestations"]
    assert told["log"] == "not verified: no trust root configured"
    assert "not verified: no trust root configured" in client.get("/project/roundup/").content.decode()


def test_a_setting_that_names_no_file_stops_the_start(tmp_path: Path, roundup: Project) -> None:
    from otumat.errors import Invalid

    with pytest.raises(Invalid) as caught:
        Config.from_env({"OTUMAT_DATA": str(tmp_path), "ATTESTATION_TRUST": str(tmp_path / "none.json")})
    assert [each.field for each in caught.value.problems] == ["attestation_trust"]
