"""Pages of a project's webhooks; the same actions as the API."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from otumat.errors import OtumatError
from otumat_index.accounts import credentials
from otumat_index.journal.actor import Actor
from otumat_index.publish.doors import opened
from otumat_index.publish.hooks import actions, queries, rules
from otumat_index.publish.models import Project
from otumat_index.web.errors import status_of


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def webhooks(request: HttpRequest, name: str) -> HttpResponse:
    """A project's webhooks, and a form for a new one, whose secret is shown this once."""
    by = credentials.from_session(request)
    project = opened(request, name, by=by)
    failure, secret = None, ""
    if request.method == "POST":
        chosen = request.POST.getlist("actions") or None
        try:
            secret = actions.create_webhook(
                project, request.POST.get("url", ""), actions=chosen, by=by, at=timezone.now()
            )[1]
        except OtumatError as exc:
            failure = exc
    context = {
        "project": project,
        "webhooks": queries.webhooks(project),
        "actions": rules.ACTIONS,
        "chosen": request.POST.getlist("actions") if failure else (),
        "url": request.POST.get("url", "") if failure else "",
        "secret": secret,
        "failure": failure,
        "problems": getattr(failure, "problems", ()),
    }
    return render(request, "publish/webhooks.html", context, status=status_of(failure) if failure else 200)


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def webhook(request: HttpRequest, name: str, number: int) -> HttpResponse:
    """One webhook: what was delivered, and what can be done with it."""
    by = credentials.from_session(request)
    project = opened(request, name, by=by)
    found = queries.webhook(project, number)
    failure: OtumatError | None = None
    if request.method == "POST":
        try:
            messages.success(request, act(request, project, number, by))
            is_gone = request.POST.get("act") == "delete"
            names = [project.normalized] if is_gone else [project.normalized, number]
            return redirect("publish:webhooks" if is_gone else "publish:webhook", *names)
        except OtumatError as exc:
            failure = exc
    context = {"project": project, "webhook": found, "deliveries": queries.deliveries(found), "failure": failure}
    return render(request, "publish/webhook.html", context, status=status_of(failure) if failure else 200)


def act(request: HttpRequest, project: Project, number: int, by: Actor) -> str:
    """Do what the form asks for; returns what to say."""
    wanted, now = request.POST.get("act", ""), timezone.now()
    if wanted == "test":
        actions.test_webhook(project, number, by=by, at=now)
        return "A test is on its way; look again in a moment."
    if wanted == "redeliver":
        actions.redeliver(project, number, request.POST.get("delivery", "")[:64], by=by, at=now)
        return "It is told again; look again in a moment."
    if wanted == "enable":
        actions.enable_webhook(project, number, by=by, at=now)
        return "The webhook is called again."
    if wanted == "delete":
        actions.delete_webhook(project, number, by=by, at=now)
        return "The webhook is deleted."
    return "Nothing was asked for."
