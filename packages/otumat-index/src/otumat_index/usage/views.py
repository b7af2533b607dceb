"""Pages for those who are asked: the consent page that a copy's link opens, and the one for a device's code."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_protect
from django.views.decorators.http import require_http_methods, require_safe

from otumat.errors import OtumatError
from otumat_index.accounts import credentials
from otumat_index.publish.models import Project
from otumat_index.usage import actions, limits, queries
from otumat_index.usage.actions.enrolments import waiting
from otumat_index.usage.actions.installs import open_project
from otumat_index.usage.asked import Link, read_asked, read_link
from otumat_index.usage.legacy.asked import OldLink
from otumat_index.usage.surveys import queries as surveys
from otumat_index.usage.surveys.rules import given, says_yes
from otumat_index.web.errors import status_of

CARRIED = (
    *("response_type", "client_id", "scope", "redirect_uri", "state", "code_challenge", "code_challenge_method"),
    *("project", "release", "manifest", "wording"),
)


class SeeOther(HttpResponseRedirect):
    """303: whatever was posted, what follows is a GET."""

    status_code = 303


@never_cache
@require_safe
def consent(request: HttpRequest) -> HttpResponse:
    """Route 1: who asks, what is collected, for how long, and what never."""
    link, asked = read_link(request.GET), read_asked(request.GET, key="")
    by = credentials.from_session(request)
    project, state = open_project(asked.project, by=by, at=timezone.now())
    if state.account == "required" and by.user_id is None:
        return redirect_to_login(request.get_full_path())
    said = {**request.GET.dict(), "manifest": queries.digest_shown(project, asked.manifest)}
    context = {
        **told_of(project, state, asked.manifest),
        "carried": [(name, said.get(name, "")) for name in CARRIED],
        "action": "/api/usage-install",
        "here": request.get_full_path(),
        "survey": surveys.asked_of(project),
    }
    return returning(render(request, "usage/consent.html", context), link)


def told_of(project: Project, state: queries.State, digest: str) -> dict[str, Any]:
    """What the page says about a project."""
    return {
        "project": project,
        "account": state.account,
        "manifest": queries.manifest_asked(project, digest),
        "raw_days": settings.CONFIG.usage_raw_days,
    }


def returning(response: HttpResponse, link: Link | OldLink) -> HttpResponse:
    """Let the form's answer lead to the copy's listener: browsers hold `form-action` against redirects, too."""
    # An IPv6 address cannot be written in a policy.
    response._csp_update = {"form-action": ["http:" if "[" in link.origin else link.origin]}  # type: ignore[attr-defined]
    response["Referrer-Policy"] = "same-origin"
    return response


@never_cache
@csrf_protect
def answer(request: HttpRequest) -> HttpResponse:
    """What was said on the consent page; the browser goes back to the copy that asked."""
    link, asked = read_link(request.POST), read_asked(request.POST, key="")
    said: dict[str, str] = {"error": "access_denied"}
    if says_yes(request.POST):
        limits.check_install(request)
        code = actions.allow_link(
            asked,
            redirect_uri=link.redirect_uri,
            challenge=link.challenge,
            answers=given(request.POST),
            by=credentials.from_session(request),
            is_linked=request.POST.get("link") == "yes",
            at=timezone.now(),
        )
        said = {"code": code}
    issuer = settings.CONFIG.public_url.rstrip("/")
    query = urlencode({**said, "state": link.state, "iss": issuer})
    return returning(SeeOther(f"{link.redirect_uri}?{query}"), link)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def device(request: HttpRequest) -> HttpResponse:
    """A code that a device shows: what asks for what, and the answer."""
    sent = request.POST if request.method == "POST" else request.GET
    typed = sent.get("user_code", "")[:20]
    if not typed:
        return render(request, "usage/device.html", {})
    try:
        limits.check_guess(request)
        return decided(request, typed) if request.POST.get("answer") else asking(request, typed)
    except OtumatError as exc:
        context = {"failure": exc, "user_code": typed}
        return render(request, "usage/device.html", context, status=status_of(exc))


def asking(request: HttpRequest, typed: str) -> HttpResponse:
    found = waiting(typed, at=timezone.now())
    by = credentials.from_session(request)
    project, state = open_project(found.project.normalized, by=by, at=timezone.now())
    here = f"/device?{urlencode({'user_code': typed})}"
    if state.account == "required" and by.user_id is None:
        return redirect_to_login(here)
    context = {
        **told_of(project, state, found.manifest),
        "carried": [("user_code", typed)],
        "action": "/device",
        "user_code": typed,
        "here": here,
    }
    return render(request, "usage/consent.html", context)


def decided(request: HttpRequest, typed: str) -> HttpResponse:
    is_yes = request.POST.get("answer") == "yes"
    project = actions.answer_device(
        typed,
        is_yes=is_yes,
        by=credentials.from_session(request),
        is_linked=request.POST.get("link") == "yes",
        at=timezone.now(),
    )
    return render(request, "usage/answered.html", {"project": project, "is_yes": is_yes})
