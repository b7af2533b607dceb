"""Pages of trusted publishing: a project's publishers, and one's own pending ones."""

from __future__ import annotations

from collections.abc import Sequence

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from otumat.errors import Invalid, OtumatError
from otumat_index.accounts import credentials
from otumat_index.accounts.models import User
from otumat_index.publish import queries, rules
from otumat_index.publish.models import Project
from otumat_index.publish.trusted import actions
from otumat_index.publish.trusted import forms as shape
from otumat_index.publish.trusted import queries as publishers
from otumat_index.web.errors import status_of


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def project(request: HttpRequest, name: str) -> HttpResponse:
    """A project's publishers, and a form for another."""
    by = credentials.from_session(request)
    found = queries.project(name, by=by)
    rules.check_may(by, "manage", queries.standing_of(by, found.normalized), name_claims="admin")
    if request.method != "POST":
        return project_page(request, found)
    sent = request.POST.dict()
    try:
        added = actions.add_publisher(
            found, issuer=sent.get("issuer", ""), claims=shape.claims(sent), by=by, at=timezone.now()
        )
    except OtumatError as exc:
        return project_page(request, found, sent, exc)
    messages.success(request, f"{publishers.row(added).text} may publish {found.name} now.")
    return redirect("publish:publishers", found.normalized)


def project_page(
    request: HttpRequest, project: Project, sent: dict[str, str] | None = None, failure: OtumatError | None = None
) -> HttpResponse:
    context = {"project": project, "rows": publishers.of_project(project)}
    return page(request, "publish/publishers.html", context, sent, failure)


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def pending(request: HttpRequest) -> HttpResponse:
    """My pending publishers, and a form for another."""
    if request.method != "POST":
        return pending_page(request)
    sent = request.POST.dict()
    try:
        added = actions.add_pending(
            sent.get("project", ""),
            issuer=sent.get("issuer", ""),
            claims=shape.claims(sent),
            by=credentials.from_session(request),
            at=timezone.now(),
        )
    except OtumatError as exc:
        return pending_page(request, sent, exc)
    messages.success(request, f"{publishers.row(added).text} may make {added.pending_name} with its first upload.")
    return redirect("publish:pending_publishers")


def pending_page(
    request: HttpRequest, sent: dict[str, str] | None = None, failure: OtumatError | None = None
) -> HttpResponse:
    assert isinstance(request.user, User)  # noqa: S101 - `login_required` saw to it
    rows = publishers.pending_of(request.user, at=timezone.now())
    context = {"rows": rows, "typed": (sent or {}).get("project", ""), "asks_name": True}
    return page(request, "publish/pending_publishers.html", context, sent, failure)


def page(
    request: HttpRequest,
    template: str,
    context: dict[str, object],
    sent: dict[str, str] | None,
    failure: OtumatError | None,
) -> HttpResponse:
    """A page with its forms, and what went wrong on top of it and beside the fields."""
    problems: Sequence[object] = failure.problems if isinstance(failure, Invalid) else ()
    forms = shape.forms(sent, failure.problems if isinstance(failure, Invalid) else ())
    told = {"forms": forms, "failure": failure, "problems": problems}
    return render(request, template, {**context, **told}, status=status_of(failure) if failure else 200)


@login_required
@require_POST
def remove(request: HttpRequest, name: str, publisher_id: int) -> HttpResponse:
    """End one of a project's publishers."""
    by = credentials.from_session(request)
    found = queries.project(name, by=by)
    actions.remove_publisher(found, publisher_id, by=by, at=timezone.now())
    messages.success(request, "The publisher is removed. What it had been given works no more.")
    return redirect("publish:publishers", found.normalized)


@login_required
@require_POST
def remove_pending(request: HttpRequest, publisher_id: int) -> HttpResponse:
    """End one of my pending publishers."""
    actions.remove_pending(publisher_id, by=credentials.from_session(request), at=timezone.now())
    messages.success(request, "The pending publisher is removed.")
    return redirect("publish:pending_publishers")
