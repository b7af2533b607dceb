"""Keys, signed wheels, and an authority that gives certificates to the runs of a build service."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519
from django.test import Client

from harness.attesting import ISSUER, SigningAuthority
from otumat.trust import sign_wheels
from otumat.trust.signing.private import PrivateKey
from otumat_index.accounts.credentials import of_user
from otumat_index.accounts.models import User
from otumat_index.publish.models import Project, TrustedPublisher
from otumat_index.publish.signing import actions


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


@pytest.fixture
def authority(settings: Any, tmp_path: Path, _own_folder: None) -> SigningAuthority:
    """An authority that the index trusts."""
    made, path = SigningAuthority(), tmp_path / "roots.pem"
    path.write_bytes(made.pem)
    settings.CONFIG = dataclasses.replace(settings.CONFIG, attestation_roots=str(path))
    return made


@pytest.fixture
def attest(authority: SigningAuthority) -> Callable[..., dict[str, Any]]:
    """An attestation of a file, as a build service makes one; words that are not its own go to the certificate."""

    def make(file: tuple[str, bytes], *, by: SigningAuthority = authority, **words: Any) -> dict[str, Any]:
        return by.attest(file, **words)

    return make


@pytest.fixture
def stranger() -> SigningAuthority:
    """An authority that the index does not know, with the name of the one that it does."""
    return SigningAuthority()


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
