"""The front page and the list of projects."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.views.decorators.http import require_safe

from otumat.errors import Invalid, Problem
from otumat.spec import names
from otumat_index.accounts.adapter import public_url
from otumat_index.discover.pages import asked as asking
from otumat_index.discover.pages import catalogue
from otumat_index.discover.pages.classifiers import category_names
from otumat_index.discover.pages.project import url_of
from otumat_index.discover.views.searching import list_context
from otumat_index.publish.models import Project

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
        "categories": category_names(),
        "simple_url": public_url("/simple/"),
        "index_url": public_url("/").rstrip("/"),
    }
    return render(request, "discover/home.html", context)


@require_safe
def projects(request: HttpRequest) -> HttpResponse:
    """`/projects/`, and the draft's `index`: known packages, the most recent version of each."""
    asked = asking.read(request.GET)
    return render(request, "discover/projects.html", list_context(asked, "/projects/"))


@require_safe
def display(request: HttpRequest) -> HttpResponse:
    """The draft's `display`: goes to the page of a package, or of one version."""
    name, version = asking.text_of(request.GET, "name"), asking.text_of(request.GET, "version")
    problems = names.check_name(name) if name else [Problem("name.missing", "name", "The address names no package.")]
    if problems:
        raise Invalid(problems, hint="Ask for /display?name=NAME or /display?name=NAME&version=VERSION.")
    return HttpResponseRedirect(url_of(Project(normalized=names.normalize(name)), version))
