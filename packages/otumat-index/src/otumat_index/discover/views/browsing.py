"""Browsing by classifier, and the list of classifiers to copy from."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.cache import patch_vary_headers
from django.views.decorators.http import require_safe

from otumat_index.discover.pages import asked as asking
from otumat_index.discover.pages import classifiers as terms
from otumat_index.discover.pages import question as questions
from otumat_index.discover.views.searching import page_of, sent
from otumat_index.publish.queries import vocabulary


@require_safe
def browse(request: HttpRequest) -> HttpResponse:
    """D11: boxes of classifiers with the number of projects behind each, within what is chosen and typed."""
    page = page_of(request, questions.BROWSE)
    answer = page.answer()
    context = {
        "answer": answer,
        "path": questions.BROWSE,
        "asked": page.question,
        "chosen": [term.values[0] for term in page.query.terms if questions.is_chosen(term)],
        "chosen_max": questions.CLASSIFIERS_MAX,
        "search_url": questions.address(questions.SEARCH, page.query, page.names),
    }
    return sent(request, render(request, "discover/browse.html", context), page)


@require_safe
def classifiers(request: HttpRequest) -> HttpResponse:
    """The allowed classifiers (D47): a page with counts, plain text to paste from, or JSON."""
    form = form_of(request)
    response: HttpResponse
    if form == "text":
        text = "".join(f"{each}\n" for each in vocabulary().sorted_for_display)
        response = HttpResponse(text, content_type="text/plain; charset=utf-8")
    elif form == "json":
        response = JsonResponse({"classifiers": terms.as_rows(vocabulary())})
    else:
        text = asking.text_of(request.GET, "q")
        context = {**terms.tree(vocabulary(), matching=text), "text": text}
        response = render(request, "discover/classifiers.html", context)
    patch_vary_headers(response, ["Accept"])
    response["Cache-Control"] = "no-cache"
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
