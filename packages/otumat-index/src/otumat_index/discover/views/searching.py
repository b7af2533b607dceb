"""The draft's `search`: a form over the fields that customises the index, and what it finds."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from otumat.spec import metadata as spec
from otumat_index.discover.pages import asked as asking
from otumat_index.discover.pages import catalogue

FIRST_FIELDS = ("name", "summary", "author", "keywords")


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
