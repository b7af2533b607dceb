"""JSON doors of keys and signatures, under `/api/v1/`."""

from __future__ import annotations

import functools
from datetime import datetime
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils import timezone
from ninja import Router, Schema

from otumat_index.accounts import credentials
from otumat_index.accounts.api import caller
from otumat_index.publish import queries as publish
from otumat_index.publish.doors import opened
from otumat_index.publish.signing import actions, attested, queries
from otumat_index.trust import queries as trust
from otumat_index.trust import rules

router = Router(tags=["signatures"])


class ChangeSignature(Schema):
    """By a key of the project: its id, and the signature in base64."""

    keyid: str
    sig: str


class SignedChange(Schema):
    """A change as `docs/protocol/index-trust.md` has it: its bytes in base64, and signatures over them."""

    payload: str
    signatures: list[ChangeSignature]


class NewKey(Schema):
    """
    A public key, as PEM or a line of OpenSSH; `replaces` names the key whose place it takes, by its id. Or, instead of
    all these, the same as a change that keys of the project signed: those who rely on them then take the new one.
    """

    key: str = ""
    change: SignedChange | None = None
    role: str = "maintainer"
    note: str = ""
    replaces: str = ""


class Policy(Schema):
    """What is done about signatures of uploads: off, mark, refuse; empty for what the index does."""

    policy: str


@router.get("/project/{name}/keys", summary="A project's keys, those that ended included", auth=None)
def list_keys(request: HttpRequest, name: str) -> dict[str, Any]:
    project = publish.find(name, functools.partial(credentials.from_request, request))
    return {
        "project": project.normalized,
        "policy": rules.stricter(settings.CONFIG.signatures, project.signatures),
        "keys": [queries.shown_key(key) for key in trust.keys(project.normalized)],
    }


@router.post("/project/{name}/keys", summary="Let a key sign for a project, or take another's place")
def add_key(request: HttpRequest, name: str, body: NewKey) -> dict[str, Any]:
    by = caller(request)
    project = opened(request, name, by=by)
    if body.change is not None:
        added = actions.add_proven_key(project, body.change.dict(), by=by, at=timezone.now())
        return {"ok": True, **queries.shown_key(added)}
    added = actions.add_key(
        project, body.key, role=body.role, note=body.note, replaces=body.replaces, by=by, at=timezone.now()
    )
    return {"ok": True, **queries.shown_key(added)}


@router.delete("/project/{name}/keys/{key_id}", summary="End a key; its row stays")
def revoke_key(
    request: HttpRequest,
    name: str,
    key_id: str,
    kind: str = "superseded",
    reason: str = "",
    since: datetime | None = None,
) -> dict[str, Any]:
    by = caller(request)
    project = opened(request, name, by=by)
    ended = actions.revoke_key(project, key_id, kind=kind, reason=reason, since=since, by=by, at=timezone.now())
    return {"ok": True, **queries.shown_key(ended)}


@router.put("/project/{name}/signatures", summary="What is done about signatures of uploads")
def ask_signatures(request: HttpRequest, name: str, body: Policy) -> dict[str, Any]:
    by = caller(request)
    changed = actions.ask_signatures(opened(request, name, by=by), body.policy, by=by, at=timezone.now())
    return {"ok": True, "policy": rules.stricter(settings.CONFIG.signatures, changed.signatures)}


@router.get("/project/{name}/{version}/signatures", summary="Who signed a release, and what changed", auth=None)
def release_signatures(request: HttpRequest, name: str, version: str) -> dict[str, Any]:
    project = publish.find(name, functools.partial(credentials.from_request, request))
    release = publish.release(project, version)
    signing = queries.signing_of(project, release, at=timezone.now())
    return {
        "project": project.normalized,
        "version": release.version,
        **queries.shown_release(signing),
        "attestations": [each.to_dict() for each in attested.attested_of(release)],
    }
