"""JSON doors of a project's uses, under `/api/v1/`."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from ninja import Router, Schema
from ninja.params import functions as params

from otumat.errors import NotFound
from otumat_index.accounts.api import caller
from otumat_index.publish.doors import opened
from otumat_index.usage import actions, queries, report
from otumat_index.usage.report import documents
from otumat_index.usage.report.tables import tables

router = Router(tags=["usage"])
FROM: Any = params.Query("", alias="from")
TO: Any = params.Query("", alias="to")


class Collecting(Schema):
    """Whether uses are taken."""

    collect: bool


class Declared(Schema):
    """A usage manifest, as in `otumat-usage.toml`."""

    manifest: dict[str, Any]


@router.get("/project/{name}/usage", summary="How a project is used, from what consenting copies tell")
def show_usage(request: HttpRequest, name: str, days: str = "", since: str = FROM, until: str = TO) -> dict[str, Any]:
    """
    `days` up to today (90), or `from` and `to`; what is compared with is as many days before.

    `used`, and `installs` of `events`, are null where they are not known: for days that end before today (`used` is
    known for 1, 7, 14 and 28 of them, too). A list has 1,000 rows at most; `truncated` says how many more there are.
    """
    project = opened(request, name, by=caller(request))
    return documents.as_json(report.report(project, period_of(days, since, until), today=today()))


@router.get("/project/{name}/usage/tables/{table}", summary="One table of how a project is used, as JSON or CSV")
def show_table(
    request: HttpRequest, name: str, table: str, days: str = "", since: str = FROM, until: str = TO
) -> HttpResponse:
    """
    With `Accept: text/csv` as CSV. Names of tables are those of the rows in the whole report. At most 1,000 rows;
    `truncated`, or the header `Otumat-Truncated`, says how many more there are.
    """
    project = opened(request, name, by=caller(request))
    found = tables(report.report(project, period_of(days, since, until), today=today()))
    if table not in found:
        raise NotFound(f"There is no table {table!r}.", hint=f"There are {', '.join(found)}.")
    if request.get_preferred_type(["application/json", "text/csv"]) == "text/csv":
        headers = {"Otumat-Truncated": str(found[table].truncated)}
        return HttpResponse(found[table].csv, content_type="text/csv; charset=utf-8", headers=headers)
    return JsonResponse(found[table].json)


@router.get("/project/{name}/usage/events/{event}", summary="One event: when, with which properties, in which releases")
def show_event(
    request: HttpRequest, name: str, event: str, days: str = "", since: str = FROM, until: str = TO
) -> dict[str, Any]:
    project = opened(request, name, by=caller(request))
    found = report.event_report(project, event, period_of(days, since, until), today=today())
    return documents.event_as_json(found)


def period_of(days: str, since: str, until: str) -> report.Period:
    return report.read_asked({"days": days, "from": since, "to": until}, today=today()).period


def today() -> date:
    return timezone.now().date()


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
