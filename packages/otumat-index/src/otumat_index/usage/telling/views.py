"""The page on which owners define alerts, and owners and maintainers see what mail about uses says."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from otumat.errors import Invalid, OtumatError
from otumat_index.accounts import credentials
from otumat_index.accounts.views import me
from otumat_index.publish.doors import may, opened
from otumat_index.publish.models import Project
from otumat_index.usage.telling import actions, letters, queries, rules
from otumat_index.web.errors import status_of

CHOICES = (
    ("fall", "Active installs fall by … % or more in a week"),
    ("yanked", "A yanked release still has … or more active installs"),
    ("lost", "… or more uses were lost in a week, and more than in the week before"),
    ("adopted", "The latest release is on … % or more of the active installs"),
)
FIELDS = ("kind", "number", "event")


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def alerts(request: HttpRequest, name: str) -> HttpResponse:
    """Alerts, what each says today, a form for one more, and the last digest."""
    by = credentials.from_session(request)
    project = opened(request, name, by=by)
    if request.method != "POST":
        return page(request, project)
    typed = [request.POST.get(field, "").strip()[:100] for field in FIELDS]
    try:
        asked = rules.read(*typed, declared=queries.events_of(project))
        actions.add_alert(project, asked, by=by, at=timezone.now())
    except OtumatError as exc:
        if not may(request, "measure", project):
            raise
        return page(request, project, failure=exc)
    messages.success(request, f"You will be told when {asked.words}.")
    return redirect("usage:alerts" if may(request, "measure", project) else "publish:manage", project.normalized)


@never_cache
@login_required
@require_POST
def remove(request: HttpRequest, name: str, alert_id: int) -> HttpResponse:
    by = credentials.from_session(request)
    project = opened(request, name, by=by)
    actions.remove_alert(project, alert_id, by=by, at=timezone.now())
    messages.success(request, "The alert is removed.")
    return redirect("usage:alerts" if may(request, "measure", project) else "publish:manage", project.normalized)


def page(request: HttpRequest, project: Project, *, failure: OtumatError | None = None) -> HttpResponse:
    today = timezone.now().date()
    facts = queries.facts_of(project, today=today)
    digest = queries.digest_of(project, rules.WEEK, today=today)
    problems = failure.problems if isinstance(failure, Invalid) else ()
    context: dict[str, Any] = {
        "project": project,
        "alerts": [
            (each, asked.words, rules.fired(asked, facts))
            for each in queries.alerts_of(project)
            for asked in [queries.defined(each)]
        ],
        "choices": CHOICES,
        "events": queries.events_of(project),
        "typed": {field: request.POST.get(field, "")[:100] for field in FIELDS},
        "wrong": {problem.field for problem in problems},
        "may_manage": may(request, "manage", project),
        "wish": queries.wish_of(me(request), project),
        "digest": digest,
        "preview": letters.preview(project, digest),
        "failure": failure,
        "problems": problems,
    }
    return render(request, "usage/alerts.html", context, status=status_of(failure) if failure else 200)
