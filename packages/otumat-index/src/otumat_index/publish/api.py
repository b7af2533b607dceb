"""JSON doors of publishing, under `/api/v1/`."""

from __future__ import annotations

import functools
from typing import Any

from django.http import HttpRequest
from django.utils import timezone
from ninja import Router, Schema

from otumat.spec import metadata as spec
from otumat_index.accounts import credentials
from otumat_index.accounts.api import caller
from otumat_index.publish import actions, queries, rules
from otumat_index.publish.doors import opened

router = Router(tags=["publish"])


class Reason(Schema):
    """Why; one line, shown to everybody."""

    reason: str = ""


class Status(Schema):
    """A project status of PEP 792 and why."""

    status: str
    reason: str = ""


class SecondFactor(Schema):
    """Whether everybody who manages or publishes the project needs a second factor."""

    required: bool


class Visibility(Schema):
    """Whether only holders of a role see the project."""

    is_private: bool


@router.get("/project/{name}/{version}/metadata", summary="Everything a release says of itself (PEP 566)", auth=None)
def metadata(request: HttpRequest, name: str, version: str) -> dict[str, Any]:
    project = queries.find(name, functools.partial(credentials.from_request, request))
    release = queries.release(project, version)
    found = rules.metadata_of(project.name, vars(release))
    return {"name": project.name, "version": release.version, "metadata": spec.to_json(found)}


@router.put("/project/{name}/{version}/yank", summary="Yank a release (PEP 592)")
def yank(request: HttpRequest, name: str, version: str, body: Reason) -> dict[str, Any]:
    by = caller(request)
    release = actions.yank_release(opened(request, name, by=by), version, reason=body.reason, by=by, at=timezone.now())
    return {"ok": True, "version": release.version, "yanked": True, "reason": release.yank_reason}


@router.delete("/project/{name}/{version}/yank", summary="Take a release's yank back")
def unyank(request: HttpRequest, name: str, version: str) -> dict[str, Any]:
    by = caller(request)
    release = actions.unyank_release(opened(request, name, by=by), version, by=by, at=timezone.now())
    return {"ok": True, "version": release.version, "yanked": False}


@router.put("/project/{name}/file/{filename}/yank", summary="Yank one file (PEP 592)")
def yank_file(request: HttpRequest, name: str, filename: str, body: Reason) -> dict[str, Any]:
    by = caller(request)
    file = actions.yank_file(opened(request, name, by=by), filename, reason=body.reason, by=by, at=timezone.now())
    return {"ok": True, "filename": file.filename, "yanked": True, "reason": file.yank_reason}


@router.delete("/project/{name}/file/{filename}/yank", summary="Take a file's yank back")
def unyank_file(request: HttpRequest, name: str, filename: str) -> dict[str, Any]:
    by = caller(request)
    file = actions.unyank_file(opened(request, name, by=by), filename, by=by, at=timezone.now())
    return {"ok": True, "filename": file.filename, "yanked": False}


@router.delete("/project/{name}/file/{filename}", summary="Remove a file for good; its name stays used")
def remove_file(request: HttpRequest, name: str, filename: str) -> dict[str, Any]:
    by = caller(request)
    actions.remove_file(opened(request, name, by=by), filename, by=by, at=timezone.now())
    return {"ok": True, "filename": filename}


@router.put("/project/{name}/status", summary="Set a project's status (PEP 792)")
def status(request: HttpRequest, name: str, body: Status) -> dict[str, Any]:
    by = caller(request)
    project = actions.set_status(
        opened(request, name, by=by), body.status, reason=body.reason, by=by, at=timezone.now()
    )
    return {"ok": True, "status": project.status, "reason": project.status_reason}


@router.put("/project/{name}/visibility", summary="Make a project public or private")
def visibility(request: HttpRequest, name: str, body: Visibility) -> dict[str, Any]:
    by = caller(request)
    project = actions.set_visibility(opened(request, name, by=by), is_private=body.is_private, by=by, at=timezone.now())
    return {"ok": True, "is_private": project.is_private}


@router.put("/project/{name}/second-factor", summary="Ask a second factor of everybody who changes a project, or not")
def second_factor(request: HttpRequest, name: str, body: SecondFactor) -> dict[str, Any]:
    by = caller(request)
    found = opened(request, name, by=by)
    project = actions.require_second_factor(found, required=body.required, by=by, at=timezone.now())
    return {"ok": True, "required": project.requires_second_factor}
