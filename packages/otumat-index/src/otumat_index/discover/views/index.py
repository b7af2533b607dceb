"""The draft's `index`, also at `/projects/`: known packages, the most recent version of each; page, JSON or text."""

from __future__ import annotations

import hashlib
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse, StreamingHttpResponse
from django.shortcuts import render
from django.utils.cache import get_conditional_response, patch_vary_headers
from django.views.decorators.http import require_safe

from otumat_index.discover.pages import index
from otumat_index.discover.pages import listed as pages
from otumat_index.discover.pages.cards import Card
from otumat_index.discover.pages.listed import Asked, Listed
from otumat_index.journal import queries as journal

TYPES = {"html": "text/html", "json": "application/json", "text": "text/plain"}
SIZES = (25, 50, 100, 200)


@require_safe
def projects(request: HttpRequest) -> HttpResponseBase:
    """The list, in the form that is asked for."""
    form = form_of(request)
    response = FORMS[form](request, pages.read(request.GET, form="" if form == "html" else form))
    patch_vary_headers(response, ["Accept"])
    response["Cache-Control"] = "no-cache"
    return response


def form_of(request: HttpRequest) -> str:
    """`html`, `json` or `text`: by `?format=`, else by what the client would rather have."""
    asked = request.GET.get("format", "")
    best = request.get_preferred_type(list(TYPES.values()))
    return asked if asked in TYPES else next((form for form, kind in TYPES.items() if kind == best), "html")


def as_html(request: HttpRequest, asked: Asked) -> HttpResponse:
    """A page of cards, with a bar of letters to jump by."""
    shown = pages.listed(asked)
    context = {
        "shown": shown,
        "letters": [] if asked.filters else [(each, asked.at(start=each)) for each in index.LETTERS],
        "sizes": SIZES,
        "filters": asked.chips(),
        "next_url": shown.next_url,
        "previous_url": shown.previous_url,
    }
    return render(request, "discover/projects.html", context)


def as_json(_: HttpRequest, asked: Asked) -> HttpResponse:
    """The same page for programs, with the address of the next."""
    shown = pages.listed(asked)
    body = {
        "total": shown.total,
        "projects": [described(card) for card in shown.cards],
        "next": shown.next_url or None,
        "previous": shown.previous_url or None,
    }
    return JsonResponse(body)


def described(card: Card) -> dict[str, Any]:
    """A card for programs."""
    return {
        "name": card.name,
        "version": card.version,
        "summary": card.summary,
        "released_at": card.released_at.isoformat(),
        "license": card.license,
        "requires_python": card.requires_python,
        "status": card.status,
        "yanked": card.is_yanked,
        "url": card.url,
    }


def as_text(request: HttpRequest, asked: Asked) -> HttpResponseBase:
    """`name version` a line: all of it, or a page of what filters leave, with the next one in `Link`."""
    return filtered_text(pages.listed(asked)) if asked.filters else whole_text(request)


def filtered_text(shown: Listed) -> HttpResponse:
    response = HttpResponse("".join(f"{each.name} {each.version}\n" for each in shown.cards), content_type=TEXT)
    if shown.next_url:
        response["Link"] = f'<{shown.next_url}>; rel="next"'
    return response


def whole_text(request: HttpRequest) -> HttpResponseBase:
    """The whole list, written while it is sent; 304 where nothing changed since."""
    tag = f'"{hashlib.sha256(f"{settings.CONFIG.public_url} {journal.last_serial()}".encode()).hexdigest()[:24]}"'
    known = get_conditional_response(request, etag=tag)
    if known is not None:
        return known
    response = StreamingHttpResponse(index.lines() if request.method == "GET" else (), content_type=TEXT)
    response["ETag"] = tag
    return response


TEXT = "text/plain; charset=utf-8"
FORMS = {"html": as_html, "json": as_json, "text": as_text}
