"""JSON doors of publishers, under `/api/v1/`."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.utils import timezone
from ninja import Router, Schema

from otumat_index.accounts.api import account_of, caller
from otumat_index.publish.doors import opened
from otumat_index.publish.trusted import actions, issuers
from otumat_index.publish.trusted import queries as publishers
from otumat_index.publish.trusted.rules import FIELDS

router = Router(tags=["trusted publishing"])


class Described(Schema):
    """A publisher: its issuer, and what its tokens must say, by the fields of the issuer's kind."""

    issuer: str
    claims: dict[str, str | dict[str, str]]


class Pending(Described):
    """A publisher for a project that does not exist yet."""

    project: str


def shown(row: publishers.Row) -> dict[str, Any]:
    """A publisher as its owners see it."""
    return {
        "id": row.pk,
        "project": row.project,
        "issuer": row.issuer,
        "kind": row.kind,
        "claims": row.claims,
        "pinned": row.pinned,
        "added_by": row.added_by,
        "created_at": row.created_at,
        "expires_at": row.expires_at,
        "last_used_at": row.last_used_at,
        "sleeps": row.sleeps,
    }


def offered() -> list[dict[str, Any]]:
    """The trusted issuers, and what a publisher of each is described by."""
    return [
        {
            "issuer": issuer,
            "kind": kind,
            "fields": [{"name": field.name, "needed": field.is_needed, "help": field.help} for field in FIELDS[kind]],
        }
        for issuer, kind in issuers.trusted().items()
    ]


@router.get("/project/{name}/publishers", summary="Who may publish a project without a password")
def list_publishers(request: HttpRequest, name: str) -> dict[str, Any]:
    project = opened(request, name, by=caller(request))
    return {"publishers": [shown(row) for row in publishers.of_project(project)], "issuers": offered()}


@router.post("/project/{name}/publishers", summary="Let a workflow publish a project")
def add_publisher(request: HttpRequest, name: str, body: Described) -> dict[str, Any]:
    by = caller(request)
    project = opened(request, name, by=by)
    added = actions.add_publisher(project, issuer=body.issuer, claims=body.claims, by=by, at=timezone.now())
    return {"ok": True, **shown(publishers.row(added))}


@router.delete("/project/{name}/publishers/{publisher_id}", summary="End a publisher at once")
def remove_publisher(request: HttpRequest, name: str, publisher_id: int) -> dict[str, Any]:
    by = caller(request)
    actions.remove_publisher(opened(request, name, by=by), publisher_id, by=by, at=timezone.now())
    return {"ok": True}


@router.get("/publishers", summary="Your pending publishers, and the issuers this index trusts")
def list_pending(request: HttpRequest) -> dict[str, Any]:
    user = account_of(caller(request))
    rows = publishers.pending_of(user, at=timezone.now())
    return {"publishers": [shown(row) for row in rows], "issuers": offered()}


@router.post("/publishers", summary="Let a workflow claim a new name with its first upload")
def add_pending(request: HttpRequest, body: Pending) -> dict[str, Any]:
    by = caller(request)
    added = actions.add_pending(body.project, issuer=body.issuer, claims=body.claims, by=by, at=timezone.now())
    return {"ok": True, **shown(publishers.row(added))}


@router.delete("/publishers/{publisher_id}", summary="End one of your pending publishers")
def remove_pending(request: HttpRequest, publisher_id: int) -> dict[str, Any]:
    by = caller(request)
    actions.remove_pending(publisher_id, by=by, at=timezone.now())
    return {"ok": True}
