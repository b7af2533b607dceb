"""The front page, the list of projects, and the form that customises it."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.views.decorators.http import require_safe

from otumat.errors import Invalid, Problem
from otumat.spec import metadata as spec
from otumat.spec import names
from otumat_index.accounts.adapter import public_url
from otumat_index.discover.pages import asked as asking
from otumat_index.discover.pages import catalogue
from otumat_index.discover.pages.classifiers import category_names
from otumat_index.discover.pages.project import url_of
from otumat_index.publish.models import Project

HOME_ROWS = 6
FIRST_FIELDS = ("name", "summary", "author", "keywords")


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
def search(request: HttpRequest) -> HttpResponse:
    """The draft's `search`: a form over the fields that customises the index, and what it finds."""
    asked = asking.read(request.GET)
    fields = [field for field in spec.FIELDS if field.attribute != "classifiers"]
    inputs = [
        {"name": field.attribute, "header": field.header, "value": asked.values.get(field.attribute, "")}
        for field in fields
    ]
    context = {
        "first_inputs": [each for each in inputs if each["name"] in FIRST_FIELDS],
        "more_inputs": [each for each in inputs if each["name"] not in FIRST_FIELDS],
        "more_is_open": any(each["value"] for each in inputs if each["name"] not in FIRST_FIELDS),
    }
    if asked.filters:
        context |= list_context(asked, "/search")
    return render(request, "discover/search.html", {"asked": asked, **context})


def list_context(asked: asking.Asked, path: str) -> dict[str, object]:
    """What the list template needs: a page of rows and the addresses of its neighbours."""
    page = catalogue.page(asked)
    return {
        "asked": asked,
        "page": page,
        "next_url": f"{path}?{asked.query(after=page.next_after)}" if page.next_after else "",
        "previous_url": f"{path}?{asked.query(before=page.previous_before)}" if page.previous_before else "",
        "first_url": f"{path}?{asked.query()}".removesuffix("?"),
        "without": [(each, f"{path}?{asked.query(classifiers=others(asked, each))}") for each in asked.classifiers],
    }


def others(asked: asking.Asked, classifier: str) -> tuple[str, ...]:
    """The selection without one classifier."""
    return tuple(each for each in asked.classifiers if each != classifier)


@require_safe
def display(request: HttpRequest) -> HttpResponse:
    """The draft's `display`: goes to the page of a package, or of one version."""
    name, version = asking.text_of(request.GET, "name"), asking.text_of(request.GET, "version")
    problems = names.check_name(name) if name else [Problem("name.missing", "name", "The address names no package.")]
    if problems:
        raise Invalid(problems, hint="Ask for /display?name=NAME or /display?name=NAME&version=VERSION.")
    return HttpResponseRedirect(url_of(Project(normalized=names.normalize(name)), version))
