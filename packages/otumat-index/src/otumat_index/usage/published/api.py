"""JSON doors of what is published, under `/api/v1/`."""

from __future__ import annotations

import json
from typing import Any

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils import timezone
from django.utils.cache import patch_vary_headers
from ninja import Router, Schema

from otumat_index.accounts.api import caller
from otumat_index.publish.doors import opened
from otumat_index.usage.published import actions, documents, queries
from otumat_index.usage.published.views import conditional, find

router = Router(tags=["usage"])


class Publishing(Schema):
    """Whether everybody may see how the project is used."""

    publish: bool


@router.get("/project/{name}/usage/public", summary="What everybody may see of how a project is used", auth=None)
def show_public(request: HttpRequest, name: str) -> HttpResponseBase:
    """
    By week, the newest first; with noise, and nothing of fewer than `fewest` installs. `installs` is null for a week of
    which too few are known. Nothing is published unless the owners say so. With `Accept: text/csv` as CSV.
    """
    project = find(request, name)
    found = queries.published(project)
    if request.get_preferred_type(["application/json", "text/csv"]) == "text/csv":
        answer = conditional(request, project, documents.csv(found), "text/csv; charset=utf-8")
    else:
        answer = conditional(request, project, json.dumps(documents.as_json(found)).encode(), "application/json")
    patch_vary_headers(answer, ["Accept"])
    return answer


@router.put("/project/{name}/usage/public", summary="Publish how a project is used, or stop")
def set_public(request: HttpRequest, name: str, body: Publishing) -> dict[str, Any]:
    """Owners begin, owners and admins end it; that holds from the next request on."""
    by = caller(request)
    project = opened(request, name, by=by)
    actions.set_publishing(project, is_on=body.publish, by=by, at=timezone.now())
    return {"ok": True, "is_published": queries.is_published(project)}
