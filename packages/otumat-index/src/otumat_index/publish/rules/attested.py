"""Whose an attestation may be: what a certificate says, against what a trusted publisher is described by. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

KINDS = {"github": "GitHub", "gitlab": "GitLab", "google": "Google"}
"""As PEP 740 calls them, and clients read them."""


class Spoken(Protocol):
    """For whom a certificate speaks (`otumat_index.trust.attestations.certificates.Identity`)."""

    @property
    def issuer(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def repository(self) -> str: ...
    @property
    def config(self) -> str: ...
    @property
    def owner_id(self) -> str: ...


def speaks_for(
    identity: Spoken, *, issuer: str, kind: str, claims: Mapping[str, Any], pinned: Mapping[str, str]
) -> bool:
    """
    Whether a certificate is one that runs of this publisher get.

    A certificate does not say in which environment a job ran: a publisher's environment is not compared.
    """
    if not identity.issuer or identity.issuer != issuer:
        return False
    if kind == "github":
        repository = "/" + str(claims["repository"])
        wanted_owner = str(claims.get("repository_owner_id") or pinned.get("repository_owner_id") or "")
        is_owner = not wanted_owner or wanted_owner == identity.owner_id
        return is_owner and is_in(identity, repository, f"{repository}/.github/workflows/{claims['workflow']}@")
    if kind == "gitlab":
        project = "/" + str(claims["project"])
        return is_in(identity, project, f"{project}//{claims['ci_config']}@")
    if kind == "google":
        return identity.name == str(claims["email"])
    return identity.name == str(claims.get("sub"))


def is_in(identity: Spoken, repository: str, config: str) -> bool:
    """Whether it ran in this repository, by this workflow. Case counts in names of files, not of repositories."""
    where, file = identity.config[: len(repository)], identity.config[len(repository) :]
    return (
        identity.repository.lower() == repository.lower()
        and where.lower() == repository.lower()
        and file.startswith(config[len(repository) :])
    )


def publisher_object(kind: str, issuer: str, claims: Mapping[str, Any]) -> dict[str, str]:
    """The publisher as PEP 740 tells it: `kind`, and what it is described by."""
    told = {name: str(value) for name, value in claims.items() if isinstance(value, str) and not name.endswith("_id")}
    if kind == "gitlab":
        told = {"repository": told.pop("project"), "workflow_filepath": told.pop("ci_config"), **told}
    return {"kind": KINDS.get(kind, issuer), **told}
