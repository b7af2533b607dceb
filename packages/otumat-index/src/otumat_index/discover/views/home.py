"""The front page."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from otumat_index.accounts.adapter import public_url
from otumat_index.accounts.models import User
from otumat_index.discover.pages import home as pages
from otumat_index.discover.pages.numbers import numbers
from otumat_index.journal import queries as journal


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """What this index is, what is new in it, and how to begin."""
    serial = journal.last_serial()
    newest = pages.newest()
    found = pages.everything.get(serial).counts if newest else {}
    context = {
        "newest": newest,
        "updated": pages.updated(newest) if newest else [],
        "own": pages.own(request.user) if isinstance(request.user, User) else [],
        "numbers": numbers.get(serial),
        "categories": pages.categories(found),
        "topics": pages.topics(found),
        "simple_url": public_url("/simple/"),
        "index_url": public_url("/").rstrip("/"),
    }
    response = render(request, "discover/home.html", context)
    response["Cache-Control"] = "private, no-store" if context["own"] else "no-cache"  # A79: perhaps a private project
    return response
