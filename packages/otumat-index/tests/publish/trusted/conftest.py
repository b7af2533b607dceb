"""A real issuer over TLS that the index trusts, and tokens as build services make them."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from harness.issuer import GITHUB, GITHUB_RUN, Issuer
from harness.tls import Authority
from otumat_index.accounts.credentials import of_token, of_user
from otumat_index.accounts.models import Token, User
from otumat_index.accounts.rules import digest
from otumat_index.journal.actor import Actor
from otumat_index.publish.models import Project, TrustedPublisher
from otumat_index.publish.trusted import actions, issuers, minting


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="session")
def _issuer(authority: Authority) -> Iterator[Issuer]:
    made = Issuer(authority)
    yield made
    made.stop()


@pytest.fixture
def issuer(_issuer: Issuer) -> Iterator[Issuer]:
    """One issuer for all; what a test does to it is undone."""
    keys, listed = dict(_issuer.keys), list(_issuer.listed)
    _issuer.asked.clear()
    yield _issuer
    _issuer.keys, _issuer.listed, _issuer.answers = keys, listed, {}


@pytest.fixture
def trusting(
    settings: Any, authority: Authority, monkeypatch: pytest.MonkeyPatch, _own_folder: None
) -> Callable[..., None]:
    """Make the index trust these issuers: `trusting(f"github={issuer.url}")`. Nothing is remembered of other tests."""

    def trust(*told: str, ca: Path | None = authority.path) -> None:
        settings.CONFIG = dataclasses.replace(
            settings.CONFIG, trusted_issuers=",".join(told), trusted_issuers_ca=str(ca or "")
        )
        monkeypatch.setattr(issuers, "CACHE", issuers.Cache())

    return trust


@pytest.fixture
def github(issuer: Issuer, trusting: Callable[..., None]) -> Issuer:
    """The issuer as a GitHub that the index trusts."""
    trusting(f"github={issuer.url}")
    return issuer


@pytest.fixture
def run(github: Issuer, now: datetime) -> Callable[..., str]:
    """The token of a run: `run(repository="evil/rocket")`; None leaves a claim out."""

    def make(**changed: Any) -> str:
        claims = {**github.times(now), **GITHUB_RUN, **changed}
        return github.sign({name: value for name, value in claims.items() if value is not None})

    return make


@pytest.fixture
def minted(run: Callable[..., str], now: datetime) -> Callable[..., Actor]:
    """The actor of a run's token: `minted(repository="acme/comet")`."""

    def make(repository: str = "acme/rocket", **claims: Any) -> Actor:
        refs = dict.fromkeys(
            ("workflow_ref", "job_workflow_ref"), f"{repository}/.github/workflows/release.yml@refs/tags/v1"
        )
        text = minting.mint(run(repository=repository, **refs, **claims), at=now).text
        return of_token(Token.objects.get(sha256=digest(text)))

    return make


@pytest.fixture
def rocket(alice: User, now: datetime) -> Project:
    """A project of Alice."""
    from otumat_index.publish.actions import submit_release

    submit_release([("name", "rocket"), ("version", "0.1")], by=of_user(alice, "session"), at=now)
    return Project.objects.get(normalized="rocket")


@pytest.fixture
def publisher(rocket: Project, alice: User, github: Issuer, now: datetime) -> TrustedPublisher:
    """The workflow release.yml of acme/rocket may publish Alice's project."""
    return actions.add_publisher(rocket, issuer=github.url, claims=GITHUB, by=of_user(alice, "session"), at=now)


@pytest.fixture
def pend(github: Issuer, now: datetime) -> Callable[..., TrustedPublisher]:
    """A pending publisher of a person: `pend(alice, "comet", repository="acme/comet")`."""

    def make(user: User, name: str, **claims: str) -> TrustedPublisher:
        by = of_user(user, "session")
        return actions.add_pending(name, issuer=github.url, claims={**GITHUB, **claims}, by=by, at=now)

    return make
