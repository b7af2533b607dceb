"""The front page."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from otumat_index.accounts.adapter import public_url
from otumat_index.discover.pages import catalogue
from otumat_index.discover.pages.classifiers import category_names
from otumat_index.discover.pages.numbers import numbers

HOME_ROWS = 6


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """What this index is and how to begin."""
    newest = catalogue.newest(HOME_ROWS)
    shown = {row.normalized for row in newest}
    updated = [row for row in catalogue.recently_updated(2 * HOME_ROWS) if row.normalized not in shown]
    context = {
        "newest": newest,
        "updated": updated[:HOME_ROWS],
        "numbers": numbers.get(),
        "categories": category_names(),
        "simple_url": public_url("/simple/"),
        "index_url": public_url("/").rstrip("/"),
    }
    return render(request, "discover/home.html", context)
