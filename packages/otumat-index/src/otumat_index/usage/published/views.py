"""Pages of what is published: the one for everybody, its badge and CSV; and the owners' switch."""

from __future__ import annotations

import functools
import hashlib
from urllib.parse import quote

from allauth.account.decorators import reauthentication_required
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.cache import get_conditional_response, patch_vary_headers
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from otumat.errors import OtumatError
from otumat.spec import names
from otumat_index.accounts import credentials
from otumat_index.accounts.adapter import public_url
from otumat_index.publish import queries as publish
from otumat_index.publish.doors import may, opened
from otumat_index.publish.models import Project
from otumat_index.usage.published import actions, documents, queries
from otumat_index.usage.rules import publishing as rules
from otumat_index.web.errors import status_of

BADGE_KEPT_S = 300
"""How long a badge may be shown after the owners took it back: pages that show it ask that seldom."""
LABEL = "installs a week"


@never_cache
@require_safe
def page(request: HttpRequest, name: str) -> HttpResponse:
    """How a project is used, for everybody."""
    project = find(request, name)
    found = queries.published(project)
    context = {
        "project": project,
        "found": found,
        "rules": rules,
        "parts": documents.parts_tables(found.newest),
        "weeks": documents.weeks_table(found),
        "picture": None if found.is_empty else documents.picture(found),
        "badge": badge_address(project),
        "may_measure": may(request, "measure", project),
    }
    return render(request, "usage/public.html", context)


@require_safe
def badge(request: HttpRequest, name: str) -> HttpResponseBase:
    """The installs of the newest week as a small picture."""
    project = find(request, name)
    found = queries.published(project)
    words = rules.few(found.newest.installs) if found.is_on else "not published"
    drawn = render_to_string("usage/badge.svg", sizes(LABEL, words))
    kept = f"public, max-age={BADGE_KEPT_S}" if found.is_on else "no-cache"
    return conditional(request, project, drawn.encode(), "image/svg+xml", kept)


def sizes(label: str, words: str) -> dict[str, object]:
    """Where the parts of a badge stand, in pixels; letters are fitted into their part, whatever their font."""
    left, right = (round(6.3 * len(text)) + 12 for text in (label, words))
    return {"label": label, "words": words, "left": left, "right": right, "width": left + right, "end": left + 6}


@require_safe
def csv(request: HttpRequest, name: str) -> HttpResponseBase:
    project = find(request, name)
    answer = conditional(request, project, documents.csv(queries.published(project)), "text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="{names.normalize(name)}-usage.csv"'
    return answer


def find(request: HttpRequest, name: str) -> Project:
    return publish.find(name, functools.partial(credentials.from_request, request))


def conditional(
    request: HttpRequest, project: Project, body: bytes, content_type: str, kept: str = "no-cache"
) -> HttpResponseBase:
    """The answer, or 304 to whoever has it already; that of a private project, which says nothing, is in no cache."""
    etag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    kept = "private, no-store" if project.is_private else kept
    response = HttpResponse(body, content_type=content_type, headers={"ETag": etag, "Cache-Control": kept})
    if project.is_private:
        patch_vary_headers(response, ["Authorization", "Cookie"])
    return get_conditional_response(request, etag=etag, response=response) or response


def badge_address(project: Project) -> str:
    return public_url(f"/project/{quote(project.normalized)}/usage.svg")


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def switch(request: HttpRequest, name: str) -> HttpResponse:
    """Where owners publish how their project is used, and take it back, showing again who they are."""
    deed = "manage" if request.method == "POST" else "measure"
    project = opened(request, name, by=credentials.from_session(request), deed=deed)
    if request.method == "POST":
        answer: HttpResponse = set_publishing(request, project)
        return answer
    return switch_page(request, project)


@reauthentication_required(app="allauth.mfa")  # type: ignore[untyped-decorator]
def set_publishing(request: HttpRequest, project: Project) -> HttpResponse:
    by, is_on = credentials.from_session(request), request.POST.get("publish") == "yes"
    may_see = may(request, "measure", project)
    try:
        actions.set_publishing(project, is_on=is_on, by=by, at=timezone.now())
    except OtumatError as exc:
        if not may_see:
            raise
        return switch_page(request, project, failure=exc)
    told = "Everybody can see now how" if is_on else "Nobody but its owners and maintainers sees any more how"
    messages.success(request, f"{told} {project.name} is used.")
    return redirect("usage:public_switch" if may_see else "publish:manage", project.normalized)


def switch_page(request: HttpRequest, project: Project, *, failure: OtumatError | None = None) -> HttpResponse:
    found = queries.published(project)
    weeks = rules.weeks_over(rules.first_week(timezone.now().date()), today=timezone.now().date())
    preview = found.newest if found.is_on else actions.figures_of(project, weeks[-1])
    context = {
        "project": project,
        "found": found,
        "said": queries.in_effect().filter(project=project).select_related("said_by").first(),
        "rules": rules,
        "week": found.weeks[0][0] if found.weeks else weeks[-1],
        "preview": preview,
        "parts": documents.parts_tables(preview),
        "may_publish": may(request, "disclose", project),
        "may_manage": may(request, "manage", project),
        "badge": badge_address(project),
        "page_url": public_url(f"/project/{quote(project.normalized)}/usage/"),
        "failure": failure,
    }
    return render(request, "usage/public_switch.html", context, status=status_of(failure) if failure else 200)
