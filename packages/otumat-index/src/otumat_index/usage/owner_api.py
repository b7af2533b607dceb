"""JSON doors of a project's uses, under `/api/v1/`."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.utils import timezone
from ninja import Router, Schema

from otumat_index.accounts.api import caller
from otumat_index.publish.doors import opened
from otumat_index.usage import actions, queries, report

router = Router(tags=["usage"])


class Collecting(Schema):
    """Whether uses are taken."""

    collect: bool


class Declared(Schema):
    """A usage manifest, as in `otumat-usage.toml`."""

    manifest: dict[str, Any]


@router.get("/project/{name}/usage", summary="How a project is used, from what consenting copies tell")
def show_usage(request: HttpRequest, name: str, days: int = 90) -> dict[str, Any]:
    project = opened(request, name, by=caller(request))
    return report.as_json(report.report(project, days=days, today=timezone.now().date()))


@router.put("/project/{name}/usage", summary="Begin or stop to take uses of a project")
def set_usage(request: HttpRequest, name: str, body: Collecting) -> dict[str, Any]:
    by = caller(request)
    project = opened(request, name, by=by)
    actions.set_collecting(project, is_on=body.collect, by=by, at=timezone.now())
    return {"ok": True, "collects": body.collect}


@router.get("/project/{name}/usage/manifests", summary="What copies of a project may tell")
def list_manifests(request: HttpRequest, name: str) -> dict[str, Any]:
    project = opened(request, name, by=caller(request))
    found = queries.manifests_of(project)
    return {"manifests": [{"digest": each.digest, "manifest": each.table} for each in found]}


@router.post("/project/{name}/usage/manifests", summary="Declare what copies of a project may tell")
def declare(request: HttpRequest, name: str, body: Declared) -> dict[str, Any]:
    by = caller(request)
    project = opened(request, name, by=by)
    return {"ok": True, "digest": actions.declare(project, body.manifest, by=by, at=timezone.now())}
