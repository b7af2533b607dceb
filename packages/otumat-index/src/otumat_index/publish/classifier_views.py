"""The page of admins for the index's own classifiers."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from otumat.errors import Invalid, OtumatError
from otumat.spec.classifiers import display_key
from otumat_index.accounts import credentials
from otumat_index.accounts.admin_views import for_admins
from otumat_index.publish import actions, queries
from otumat_index.web.errors import status_of


@for_admins
@require_http_methods(["GET", "HEAD", "POST"])
def page(request: HttpRequest) -> HttpResponse:
    """The index's own classifiers: look, add, take off."""
    failure = None
    if request.method == "POST":
        try:
            messages.success(request, change(request))
            return redirect("publish:admin_classifiers")
        except OtumatError as exc:
            failure = exc
    context = {
        "own": sorted(queries.own_classifiers(), key=display_key),
        "text": request.POST.get("classifiers", "")[:100_000],
        "failure": failure,
        "problems": failure.problems if isinstance(failure, Invalid) else (),
    }
    return render(request, "publish/admin_classifiers.html", context, status=status_of(failure) if failure else 200)


def change(request: HttpRequest) -> str:
    """Add what the form's lines say, or take one off; returns what was done, in words."""
    by, now = credentials.from_session(request), timezone.now()
    if "remove" in request.POST:
        actions.remove_classifier(request.POST["remove"], by=by, at=now)
        return f"{request.POST['remove']} is off the list. Releases that carry it keep it."
    lines = [line.strip() for line in request.POST.get("classifiers", "").splitlines()]
    added = actions.add_classifiers([line for line in lines if line], by=by, at=now)
    return f"{len(added)} classifier{'s are' if len(added) > 1 else ' is'} on the list now."
