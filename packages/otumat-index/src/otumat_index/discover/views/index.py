"""The draft's `index`, also at `/projects/`: known packages, the most recent version of each; page, JSON or text."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse, StreamingHttpResponse
from django.shortcuts import render
from django.utils.cache import get_conditional_response, patch_vary_headers
from django.views.decorators.http import require_safe

from otumat_index.discover.pages import asked as asking
from otumat_index.discover.pages import catalogue, index
from otumat_index.discover.pages.asked import Asked
from otumat_index.discover.pages.cards import Card, cards
from otumat_index.discover.pages.numbers import numbers
from otumat_index.journal import queries as journal

PATH = "/projects/"
TYPES = {"html": "text/html", "json": "application/json", "text": "text/plain"}
SIZES = (25, 50, 100, 200)


@dataclass(frozen=True, slots=True)
class Listed:
    """
    One page, ready to be written in any form.

    Attributes:
        total: Projects in the whole list.
        is_first: Whether this is where it begins.
        next_url, previous_url: Empty where there is none.
    """

    asked: Asked
    place: index.Place
    cards: list[Card]
    total: int
    is_first: bool
    next_url: str
    previous_url: str


@require_safe
def projects(request: HttpRequest) -> HttpResponseBase:
    """The list, in the form that is asked for."""
    response = FORMS[form_of(request)](request)
    patch_vary_headers(response, ["Accept"])
    return response


def form_of(request: HttpRequest) -> str:
    """`html`, `json` or `text`: by `?format=`, else by what the client would rather have."""
    asked = request.GET.get("format", "")
    best = request.get_preferred_type(list(TYPES.values()))
    return asked if asked in TYPES else next((form for form, kind in TYPES.items() if kind == best), "html")


def listed(request: HttpRequest, *, form: str = "") -> Listed:
    """What the address asks for."""
    asked = asking.read(request.GET)
    place = index.Place(asking.text_of(request.GET, "from").lower(), asked.after, asked.before, asked.rows)
    found = index.page(place, catalogue.narrowed(asked))
    return Listed(
        asked=asked,
        place=place,
        cards=cards(found.ids),
        total=numbers.get().projects,
        is_first=not (place.start or place.after or place.before),
        next_url=address(asked, after=found.next_after, format=form) if found.next_after else "",
        previous_url=address(asked, before=found.previous_before, format=form) if found.previous_before else "",
    )


def address(asked: Asked, **place: str) -> str:
    """The list with the same filters, at another place."""
    return f"{PATH}?{asked.at(**place)}".removesuffix("?")


def as_html(request: HttpRequest) -> HttpResponse:
    """A page of cards, with a bar of letters to jump by."""
    shown = listed(request)
    asked = shown.asked
    context = {
        "asked": asked,
        "shown": shown,
        "letters": [] if asked.filters else [(each, address(asked, **{"from": each})) for each in index.LETTERS],
        "sizes": SIZES,
        "first_url": address(asked),
        "text_url": address(asked, format="text"),
        "json_url": address(asked, format="json"),
        "filters": [(label, address(others)) for label, others in asking.without(asked)],
        "next_url": shown.next_url,
        "previous_url": shown.previous_url,
    }
    return render(request, "discover/projects.html", context)


def as_json(request: HttpRequest) -> HttpResponse:
    """The same page for programs, with the address of the next."""
    shown = listed(request, form="json")
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


def as_text(request: HttpRequest) -> HttpResponseBase:
    """All of it, `name version` a line; 304 where nothing changed since."""
    asked = asking.read(request.GET)
    tag = f'"{hashlib.sha256(f"{asked} {journal.last_serial()}".encode()).hexdigest()[:24]}"'
    known = get_conditional_response(request, etag=tag)
    if known is not None:
        return known
    response = StreamingHttpResponse(index.lines(catalogue.narrowed(asked)), content_type="text/plain; charset=utf-8")
    response["ETag"] = tag
    return response


FORMS = {"html": as_html, "json": as_json, "text": as_text}
