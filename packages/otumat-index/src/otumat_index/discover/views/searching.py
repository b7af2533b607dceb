"""The draft's `search`: one box and a form over the fields, two views of one query, and what it finds."""

from __future__ import annotations

from functools import lru_cache
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils.cache import patch_vary_headers
from django.utils.safestring import SafeString
from django.views.decorators.http import require_safe

from otumat.spec import metadata as spec
from otumat_index.accounts import credentials
from otumat_index.discover.pages import boxes, seeing
from otumat_index.discover.pages import question as questions
from otumat_index.discover.pages.answer import Page
from otumat_index.discover.search.asked import Order, Query
from otumat_index.discover.search.language import fields, write
from otumat_index.publish.queries import vocabulary

FIRST_FIELDS = ("name", "summary", "author", "keywords", "license")
FOUND = "discover/found.html"
EXAMPLES = (
    "issue tracker",
    "framework:django license:MIT python:3.13 updated:<1y",
    "topic:office/business os:os/2",
    'author:"R. Jones" -windows',
    "depends:numpy has:wheel sort:updated",
)


@require_safe
def search(request: HttpRequest) -> HttpResponse:
    """The page; its list alone while somebody types; and the one address of what the form says."""
    if "form" in request.GET:
        text = questions.from_form(request.GET, names=questions.names())
        return HttpResponseRedirect(f"{questions.SEARCH}?{urlencode({'q': text})}" if text else questions.SEARCH)
    page = page_of(request, questions.SEARCH)
    query = page.question.query
    has_question = bool(query.terms or page.question.slips or query.order != Order.BEST)
    context = {"answer": page.answer() if has_question else None, "examples": EXAMPLES, "path": questions.SEARCH}
    if is_swap(request):
        response = sent(request, render(request, FOUND, {**context, "is_swap": True}), page)
        response["HX-Replace-Url"] = typed_url(page)
        return response
    has_fields = not {"c", "sort", *questions.FORM_FIELDS}.isdisjoint(request.GET)
    box = write(query, page.names) if has_fields else page.question.text
    form = form_of(query, page)
    return sent(request, render(request, "discover/search.html", {**context, **form, "box": box}), page)


def typed_url(page: Page) -> str:
    """The address that shows the same list again: as it was typed, slips and all, with the star that was meant."""
    star = "*" if page.question.query.is_typing and not page.question.text.endswith("*") else ""
    text = f"{page.question.text.strip()}{star}"
    return f"{questions.SEARCH}?{urlencode({'q': text})}" if text else questions.SEARCH


def page_of(request: HttpRequest, path: str) -> Page:
    """The question of a request, on its way to an answer for whoever asks."""
    names = questions.names()
    question = questions.read(request.GET, names=names, is_typing=is_swap(request))
    mode = request.GET.get("mode", "")
    sees = seeing.sees(credentials.from_request(request))
    return Page(question, names, path, sees, mode if mode in boxes.MODES else boxes.NARROW)


def is_swap(request: HttpRequest) -> bool:
    """Whether htmx asks for the list alone. (Going back in the history takes the whole page.)"""
    return bool(request.headers.get("HX-Request")) and not request.headers.get("HX-History-Restore-Request")


def sent(request: HttpRequest, response: HttpResponse, page: Page) -> HttpResponse:
    """Tell caches what the answer depends on; what shows private projects is in none (A79)."""
    patch_vary_headers(response, ["HX-Request", "Cookie", "Authorization"])
    response["Cache-Control"] = "private, no-store" if page.sees else "no-cache"
    return response


def form_of(query: Query, page: Page) -> dict[str, Any]:
    """The form's inputs, filled with the query; `rest` is what only the box can say."""
    shown, rest = questions.in_form(query)
    chosen = [term for term in rest.terms if questions.is_chosen(term)]
    rest = Query(tuple(term for term in rest.terms if term not in chosen), rest.order)
    inputs = [
        (field.attribute, field.header, shown.get(field.attribute, ""))
        for field in spec.FIELDS
        if field.attribute != "classifiers"
    ]
    more = tuple(each for each in inputs if each[0] not in FIRST_FIELDS)
    return {
        "first_inputs": written_inputs(tuple(each for each in inputs if each[0] in FIRST_FIELDS)),
        "more_inputs": written_inputs(more),
        "more_is_open": any(value for *_, value in more),
        "form_is_open": bool(shown),
        "rest": write(rest, page.names),
        "classifiers": [term.values[0] for term in chosen],
    }


@lru_cache(maxsize=64)
def written_inputs(inputs: tuple[tuple[str, str, str], ...]) -> SafeString:
    """Inputs of the form, by name, header and value. Most pages show them empty."""
    return render_to_string("discover/inputs.html", {"inputs": inputs})


@require_safe
def search_help(request: HttpRequest) -> HttpResponse:
    """How to ask: every kind of test with an example that can be clicked."""
    roots = [(word, root) for word, root in questions.names().roots.items()]
    own = [(word, root) for word, root in roots if root in {text.split(" :: ")[0] for text in vocabulary().allowed}]
    return render(request, "discover/search_help.html", {"sections": fields.HELP, "roots": own or roots})
