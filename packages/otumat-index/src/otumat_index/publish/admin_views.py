"""The page of admins for names: projects without an owner, and those in quarantine."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from otumat.errors import Invalid, OtumatError
from otumat_index.accounts import credentials
from otumat_index.accounts.admin_views import for_admins
from otumat_index.accounts.queries import person
from otumat_index.publish import actions, queries
from otumat_index.web.errors import status_of


@for_admins
@require_http_methods(["GET", "HEAD", "POST"])
def projects(request: HttpRequest) -> HttpResponse:
    """Assign an owner to a free name, or to a project that has none (the draft's admin)."""
    failure, by = None, credentials.from_session(request)
    name, login = request.POST.get("name", "").strip()[:255], request.POST.get("user", "")
    if request.method == "POST":
        try:
            made = actions.assign_name(name, person(login), by=by, at=timezone.now())
            messages.success(request, f"{login} owns {made.name} now.")
            return redirect("publish:admin_projects")
        except OtumatError as exc:
            failure = exc
    text = request.GET.get("q", "")[:200]
    context = {
        "name": name or request.GET.get("name", "")[:255],
        "login": login,
        "text": text,
        "ownerless": queries.ownerless(text),
        "quarantined": queries.quarantined(),
        "listed_max": queries.LISTED_MAX,
        "failure": failure,
        "problems": failure.problems if isinstance(failure, Invalid) else (),
    }
    return render(request, "publish/admin_projects.html", context, status=status_of(failure) if failure else 200)
