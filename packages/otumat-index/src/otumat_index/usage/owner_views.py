"""Pages that show a project's owners and maintainers how it is used; owners begin and end the collection there."""

from __future__ import annotations

from functools import partial
from typing import Any
from urllib.parse import quote

from allauth.account.decorators import reauthentication_required
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from otumat.errors import Invalid, NotFound, Problem
from otumat.spec.manifest import FILENAME
from otumat_index.accounts import credentials
from otumat_index.accounts.adapter import public_url
from otumat_index.publish.doors import may, opened
from otumat_index.publish.models import Project
from otumat_index.usage import actions, queries, report
from otumat_index.usage.actions.collecting import offered
from otumat_index.usage.report import pictures
from otumat_index.usage.report.tables import event_tables, tables
from otumat_index.web.tables import ROWS_MOST, Table

TOLD = {
    "yes": "takes uses now, from copies whose users say yes.",
    "no": "takes no uses any more; what was counted stays.",
}


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def usage(request: HttpRequest, name: str) -> HttpResponse:
    """The dashboard; whoever turns the collection on or off shows again who it is."""
    deed = "manage" if request.method == "POST" else "measure"
    project = opened(request, name, by=credentials.from_session(request), deed=deed)
    if request.method == "POST":
        answer: HttpResponse = set_collecting(request, project)
        return answer
    return dashboard(request, project)


@reauthentication_required(app="allauth.mfa")  # type: ignore[untyped-decorator]
def set_collecting(request: HttpRequest, project: Project) -> HttpResponse:
    by, said = credentials.from_session(request), request.POST.get("collect", "")
    if said not in TOLD:
        raise Invalid([Problem("usage.collect", "collect", f"{said[:40]!r} is neither yes nor no.", value=said[:40])])
    actions.set_collecting(project, is_on=said == "yes", by=by, at=timezone.now())
    messages.success(request, f"{project.name} {TOLD[said]}")
    return redirect("usage:owner" if may(request, "measure", project) else "publish:manage", project.normalized)


def dashboard(request: HttpRequest, project: Project) -> HttpResponse:
    asked, failure = asked_by(request)
    today = timezone.now().date()
    found = report.report(project, asked.period, today=today)
    to_event = partial(event_address, project, asked)
    manifests = queries.manifests_of(project)[:1]
    context = {
        **about(request, project, asked, failure),
        "report": found,
        "is_new": found.is_empty and not report.ever_told(project, today=today),
        "tables": tables(found, event_address=to_event),
        "pictures": {
            "active": pictures.active(found, compares=asked.compares),
            "copies": pictures.copies(found) if found.copies else None,
            "growth": pictures.growth(found),
            "adoption": pictures.adoption(found) if found.newest else None,
        },
        "manifest": queries.manifest_asked(project, manifests[0].digest) if manifests else offered(project),
        "may_manage": may(request, "manage", project),
        "raw_days": settings.CONFIG.usage_raw_days,
        "filename": FILENAME,
        "rows_most": ROWS_MOST,
        "module": project.normalized.replace("-", "_"),
        "index_url": public_url("/").rstrip("/"),
    }
    return render(request, "usage/owner.html", context, status=400 if failure else 200)


def asked_by(request: HttpRequest) -> tuple[report.Asked, Invalid | None]:
    """What the address asks for; with mistakes in it, the usual, and the mistakes."""
    today = timezone.now().date()
    try:
        return report.read_asked(request.GET.dict(), today=today), None
    except Invalid as exc:
        return report.up_to(today), exc


def about(request: HttpRequest, project: Project, asked: report.Asked, failure: Invalid | None) -> dict[str, Any]:
    """What every page of a project's uses says at its top; mistakes stay in their fields."""
    typed = {name: request.GET.get(name, "")[:40] for name in asked.ends} if failure else asked.ends
    return {
        "project": project,
        "asked": asked,
        "typed": typed,
        "wrong": {problem.field for problem in failure.problems} if failure else set(),
        "failure": failure,
        "problems": failure.problems if failure else (),
    }


def event_address(project: Project, asked: report.Asked, event: str) -> str:
    return f"{reverse('usage:owner', args=[project.normalized])}event/{quote(event, safe='')}/?{asked.address}"


@never_cache
@login_required
@require_safe
def event(request: HttpRequest, name: str, event: str) -> HttpResponse:
    """More of one event."""
    project = opened(request, name, by=credentials.from_session(request))
    asked, failure = asked_by(request)
    found = report.event_report(project, event, asked.period, today=timezone.now().date())
    made = event_tables(found)
    context = {
        **about(request, project, asked, failure),
        "event": found,
        "tables": made,
        "properties": [table for name, table in made.items() if name.startswith("property_")],
        "picture": pictures.event(found),
    }
    return render(request, "usage/owner_event.html", context, status=400 if failure else 200)


@never_cache
@login_required
@require_safe
def table(request: HttpRequest, name: str, table: str) -> HttpResponse:
    """One table of the dashboard as CSV."""
    project = opened(request, name, by=credentials.from_session(request))
    asked = report.read_asked(request.GET.dict(), today=timezone.now().date())
    found = tables(report.report(project, asked.period, today=timezone.now().date()))
    return as_csv(found, table, f"{project.normalized}-{table}")


@never_cache
@login_required
@require_safe
def event_table(request: HttpRequest, name: str, event: str, table: str) -> HttpResponse:
    """One table of an event as CSV."""
    project = opened(request, name, by=credentials.from_session(request))
    asked = report.read_asked(request.GET.dict(), today=timezone.now().date())
    found = event_tables(report.event_report(project, event, asked.period, today=timezone.now().date()))
    return as_csv(found, table, f"{project.normalized}-event-{table}")


def as_csv(found: dict[str, Table], name: str, filename: str) -> HttpResponse:
    if name not in found:
        raise NotFound(f"There is no table {name!r}.", hint=f"There are {', '.join(found)}.")
    headers = {
        "Content-Disposition": f'attachment; filename="{filename}.csv"',
        "Otumat-Truncated": str(found[name].truncated),
    }
    return HttpResponse(found[name].csv, content_type="text/csv; charset=utf-8", headers=headers)
