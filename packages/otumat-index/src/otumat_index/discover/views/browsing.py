"""Classifiers: the list to copy from, and browsing by them."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.cache import patch_vary_headers
from django.views.decorators.http import require_safe

from otumat_index.discover.pages import asked as asking
from otumat_index.discover.pages import classifiers as terms
from otumat_index.discover.views.searching import list_context
from otumat_index.publish.queries import vocabulary


@require_safe
def classifiers(request: HttpRequest) -> HttpResponse:
    """The allowed classifiers (D47): a page with counts, plain text to paste from, or JSON."""
    form = form_of(request)
    response: HttpResponse
    if form == "text":
        text = "".join(f"{each}\n" for each in vocabulary().sorted_for_display)
        response = HttpResponse(text, content_type="text/plain; charset=utf-8")
    elif form == "json":
        counts = terms.all_counts()
        rows = [{"classifier": each, "projects": counts.get(each, 0)} for each in vocabulary().sorted_for_display]
        response = JsonResponse({"classifiers": rows})
    else:
        text = asking.text_of(request.GET, "q")
        context = {"categories": terms.categories(matching=text), "text": text}
        response = render(request, "discover/classifiers.html", context)
    patch_vary_headers(response, ["Accept"])
    return response


def form_of(request: HttpRequest) -> str:
    """`text`, `json` or `html`: by `?format=`, else by what the client accepts; programs that name nothing get text."""
    asked = request.GET.get("format")
    if asked in ("text", "json", "html"):
        return asked
    best = request.get_preferred_type(["text/html", "text/plain", "application/json"])
    if request.headers.get("Accept", "*/*") == "*/*":
        return "text"
    return {"text/plain": "text", "application/json": "json"}.get(best or "", "html")


@require_safe
def browse(request: HttpRequest) -> HttpResponse:
    """Projects that carry every selected classifier or one below it, and what they can be narrowed by."""
    asked = asking.read(request.GET)
    context = list_context(asked, "/browse/")
    narrowing = [
        {
            "name": category.name,
            "terms": [
                (term, f"/browse/?{asked.query(classifiers=(*asked.classifiers, term.text))}")
                for term in category.terms
            ],
        }
        for category in terms.narrowing(asked)
    ]
    return render(request, "discover/browse.html", {**context, "narrowing": narrowing})
