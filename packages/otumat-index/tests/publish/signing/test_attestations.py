"""A60 and PEP 740: attestations that hold are kept and served; any that does not refuses the upload."""

from __future__ import annotations

import base64
import dataclasses
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from cryptography.x509.oid import ExtendedKeyUsageOID
from django.test import Client

from otumat.spec import simple
from otumat_index.accounts.models import User
from otumat_index.publish.models import File, Project, TrustedPublisher
from otumat_index.trust.models import Attestation

pytestmark = pytest.mark.django_db
SLSA = "https://slsa.dev/provenance/v1"
WHEEL = "roundup-1.0-py3-none-any.whl"
Upload = Callable[..., Any]


@pytest.fixture
def attested(upload: Upload, alice: User) -> Upload:
    """Upload a file with attestations."""
    return lambda file, *listed: upload(alice, file, attestations=json.dumps(listed))


def test_an_attestation_of_a_publishers_run_is_kept_and_served(
    publisher: TrustedPublisher, attest: Any, attested: Upload, wheel: Any, client: Client
) -> None:
    file = wheel()
    listed = [attest(file), attest(file, predicate=SLSA)]
    answer = attested(file, *listed)
    assert (answer.status_code, answer.json()["problems"]) == (200, [])
    page = client.get("/simple/roundup/", headers={"Accept": simple.JSON}).json()
    url = page["files"][0]["provenance"]
    assert url == f"http://localhost:8000/integrity/roundup/1.0/{WHEEL}/provenance"
    assert f'data-provenance="{url}"' in client.get("/simple/roundup/").content.decode()
    served = client.get(url.removeprefix("http://localhost:8000"))
    assert served["Content-Type"] == "application/vnd.pypi.integrity.v1+json"
    assert served.json() == {
        "version": 1,
        "attestation_bundles": [
            {
                "publisher": {"kind": "GitHub", "repository": "acme/rocket", "workflow": "release.yml"},
                "attestations": listed,
            }
        ],
    }
    assert "Provenance" in client.get("/project/roundup/").content.decode()


def changed(attestation: dict[str, Any], **words: Any) -> dict[str, Any]:
    return {**attestation, **words}


def with_envelope(attestation: dict[str, Any], **words: Any) -> dict[str, Any]:
    return {**attestation, "envelope": {**attestation["envelope"], **words}}


def with_material(attestation: dict[str, Any], **words: Any) -> dict[str, Any]:
    return {**attestation, "verification_material": {**attestation["verification_material"], **words}}


def resaid(attestation: dict[str, Any]) -> dict[str, Any]:
    """The statement about other bytes, under the signature over the old one."""
    statement = base64.b64decode(attestation["envelope"]["statement"])
    other = statement.replace(b'"predicate": null', b'"predicate": {}')
    return with_envelope(attestation, statement=base64.b64encode(other).decode())


A60: dict[str, Callable[[Any, Any, Any], list[Any]]] = {
    "another file's digest": lambda make, file, _: [make(file, digest="0" * 64)],
    "another file's name": lambda make, file, _: [make(file, subject="roundup-1.1-py3-none-any.whl")],
    "a name that is none": lambda make, file, _: [make(file, subject="../roundup")],
    "two subjects": lambda make, file, _: [make(file, count=2)],
    "no subject": lambda make, file, _: [make(file, count=0)],
    "another repository": lambda make, file, _: [make(file, repository="evil/rocket")],
    "a repository that begins alike": lambda make, file, _: [make(file, repository="acme/rocket-evil")],
    "another workflow": lambda make, file, _: [make(file, workflow="test.yml")],
    "another issuer": lambda make, file, _: [make(file, issuer="https://evil.example.org")],
    "no issuer": lambda make, file, _: [make(file, issuer="")],
    "an authority that is not trusted": lambda make, file, stranger: [make(file, by=stranger)],
    "an expired certificate": lambda make, file, _: [make(file, begins=timedelta(minutes=-11))],
    "a certificate of tomorrow": lambda make, file, _: [make(file, begins=timedelta(days=1))],
    "a certificate for servers": lambda make, file, _: [make(file, purpose=ExtendedKeyUsageOID.SERVER_AUTH)],
    "a certificate of an authority": lambda make, file, _: [make(file, is_authority=True)],
    "something critical and unknown": lambda make, file, _: [make(file, critical=True)],
    "two of one kind": lambda make, file, _: [make(file), make(file)],
    "10,000 of them": lambda make, file, _: [{"version": 1}] * 10_000,
    "an unknown kind": lambda make, file, _: [make(file, predicate="https://example.org/other")],
    "version 2": lambda make, file, _: [changed(make(file), version=2)],
    "version true": lambda make, file, _: [changed(make(file), version=True)],
    "a signature of something else": lambda make, file, _: [resaid(make(file))],
    "the signature of another attestation": lambda make, file, _: [
        with_envelope(make(file), signature=make(file)["envelope"]["signature"])
    ],
    "the certificate of another attestation": lambda make, file, _: [
        with_material(make(file), certificate=make(file)["verification_material"]["certificate"])
    ],
    "no certificate": lambda make, file, _: [with_material(make(file), certificate="")],
    "junk in base64": lambda make, file, _: [with_envelope(make(file), signature="!!!!")],
    "log entries that are none": lambda make, file, _: [with_material(make(file), transparency_entries=[1])],
    "one that does not hold beside one that does": lambda make, file, _: [
        make(file), make(file, predicate=SLSA, repository="evil/rocket")],
    "a NUL": lambda make, file, _: [with_material(make(file), transparency_entries=[{"a": "\0"}])],
    "half a character": lambda make, file, _: [with_material(make(file), transparency_entries=[{"a": "\ud800"}])],
    "no object": lambda make, file, _: ["x"],
    "none": lambda make, file, _: [],
}  # fmt: skip


@pytest.mark.parametrize("name", A60)
def test_A60_an_attestation_that_does_not_hold_refuses_the_upload(
    publisher: TrustedPublisher, attest: Any, attested: Upload, wheel: Any, stranger: Any, name: str
) -> None:
    file = wheel()
    answer = attested(file, *A60[name](attest, file, stranger))
    assert answer.status_code == 400, answer.content
    assert {each["field"] for each in answer.json()["problems"]} == {"attestations"}
    assert not File.objects.exists()
    assert not Attestation.objects.exists()


@pytest.mark.parametrize("text", ["{", "null", "[" * 100_000, '[{"version": 1, "version": 1}]', "x" * 300_000, "[NaN]"])
def test_A60_no_text_makes_an_upload_fail(
    publisher: TrustedPublisher, authority: Any, upload: Upload, wheel: Any, alice: User, text: str
) -> None:
    answer = upload(alice, wheel(), attestations=text)
    assert (answer.status_code, answer.json()["problems"][0]["code"]) == (400, "attestation.malformed")


def test_A60_an_authority_that_has_expired_is_none(
    publisher: TrustedPublisher, attest: Any, attested: Upload, wheel: Any, settings: Any, tmp_path: Any, stranger: Any
) -> None:
    from cryptography.hazmat.primitives.serialization import Encoding

    old = type(stranger)(days=-1)
    (tmp_path / "old.pem").write_bytes(old.certificate.public_bytes(Encoding.PEM))
    settings.CONFIG = dataclasses.replace(settings.CONFIG, attestation_roots=str(tmp_path / "old.pem"))
    file = wheel()
    assert attested(file, attest(file, by=old)).status_code == 400


def test_A60_a_publisher_of_another_project_attests_nothing_here(
    publisher: TrustedPublisher, attest: Any, attested: Upload, wheel: Any, submit: Any, alice: User
) -> None:
    assert submit(alice, name="another").status_code == 200
    TrustedPublisher.objects.update(project=Project.objects.get(normalized="another"))
    file = wheel()
    assert attested(file, attest(file)).status_code == 400


def test_A60_a_repository_that_changed_its_owner_attests_nothing(
    publisher: TrustedPublisher, attest: Any, attested: Upload, wheel: Any
) -> None:
    TrustedPublisher.objects.update(pinned={"repository_owner_id": "99"})
    file = wheel()
    assert attested(file, attest(file)).status_code == 400
    TrustedPublisher.objects.update(pinned={"repository_owner_id": "1234"})
    assert attested(file, attest(file)).status_code == 200


def test_an_index_without_authorities_says_that_it_keeps_none(
    publisher: TrustedPublisher, attest: Any, upload: Upload, wheel: Any, alice: User, settings: Any
) -> None:
    file = wheel()
    text = json.dumps([attest(file)])
    settings.CONFIG = dataclasses.replace(settings.CONFIG, attestation_roots="")
    answer = upload(alice, file, attestations=text)
    assert (answer.status_code, answer.json()["problems"][0]["code"]) == (200, "attestation.off")
    assert not Attestation.objects.exists()


def test_a_file_without_attestations_has_no_provenance(upload: Upload, wheel: Any, alice: User, client: Client) -> None:
    upload(alice, wheel())
    assert "provenance" not in client.get("/simple/roundup/", headers={"Accept": simple.JSON}).json()["files"][0]
    assert client.get(f"/integrity/roundup/1.0/{WHEEL}/provenance").status_code == 404
    assert client.get("/integrity/roundup/1.0/nothing/provenance").status_code == 404


def test_A86_provenance_of_a_private_project_is_for_holders_of_a_role(
    publisher: TrustedPublisher, attest: Any, attested: Upload, wheel: Any, client: Client, auth: Any, bob: User,
    charlie: User
) -> None:  # fmt: skip
    file = wheel()
    assert attested(file, attest(file)).status_code == 200
    Project.objects.update(is_private=True)
    path = f"/integrity/roundup/1.0/{WHEEL}/provenance"
    assert client.get(path, headers=auth(charlie)).status_code == 404
    answer = client.get(path, headers=auth(bob))
    assert (answer.status_code, answer["Cache-Control"]) == (200, "private, no-store")
