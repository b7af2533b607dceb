"""JSON doors to search, browse and the list of classifiers, under `/api/v1/`. Read by anybody; roles show more."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.utils.cache import get_conditional_response, patch_vary_headers
from ninja import Router
from ninja.params import functions as params

from otumat.errors import Invalid, Problem
from otumat_index.accounts import credentials
from otumat_index.accounts.adapter import public_url
from otumat_index.discover import search
from otumat_index.discover.pages import asked as asking
from otumat_index.discover.pages import classifiers as lists
from otumat_index.discover.pages import question as questions
from otumat_index.discover.pages import seeing
from otumat_index.discover.pages.cards import Card, cards
from otumat_index.discover.pages.project import url_of
from otumat_index.discover.pages.question import CLASSIFIERS_MAX, Question
from otumat_index.discover.search.found import Found, Source
from otumat_index.discover.search.language import Names, Slip, write
from otumat_index.publish.models import Project
from otumat_index.publish.queries import vocabulary
from otumat_index.web.tables import as_csv

router = Router(tags=["discover"])
REPEATED: Any = params.Query([])
COLUMNS = ("name", "version", "summary", "license", "requires_python", "released_at", "status", "yanked", "url")


@router.get("/browse", summary="Projects by classifier and text, with live counts of every classifier", auth=None)
def browse(
    request: HttpRequest, c: list[str] = REPEATED, q: str = "", rows: int = questions.ROWS, place: str = ""
) -> HttpResponseBase:
    """
    `c=X` selects what carries X or anything below it; several are all asked for. `q` is the language of the search
    page. `counts[X]` is the total if X were added. `next` is the address of the next page, or null.
    """
    if len(set(c)) > CLASSIFIERS_MAX:
        message = f"{len(set(c))} classifiers are selected; {CLASSIFIERS_MAX} are the most at once."
        raise Invalid([Problem("classifiers.many", "c", message, hint="Leave some out.")])
    asked = Asking(request)
    found = asked.ask(counts=True)
    answer: dict[str, Any] = {"total": found.total, "counts": dict(found.counts), **asked.page(found, "/api/v1/browse")}
    return asked.sent({**answer, **asked.asides(found)})


@router.get("/search", summary="Projects by the query language of the search page, best first", auth=None)
def find(request: HttpRequest, q: str = "", rows: int = questions.ROWS, place: str = "") -> HttpResponseBase:
    """
    `query` is how the text was understood. With `Accept: text/csv` the results come as a table.
    """
    asked = Asking(request)
    found = asked.ask(counts=False)
    answer = {"query": write(asked.question.query, asked.names), "total": found.total}
    return asked.sent({**answer, **asked.page(found, "/api/v1/search"), **asked.asides(found)})


@router.get("/classifiers", summary="Every classifier, with how many projects carry it or one below it", auth=None)
def classifiers(request: HttpRequest, q: str = "") -> HttpResponseBase:
    """
    Those that contain `q`. `own` ones are of this index alone; `use_instead` is what to write for a deprecated one.
    """
    rows = lists.as_rows(vocabulary(), matching=asking.tidy(q))
    return conditional(request, json.dumps({"classifiers": rows}).encode(), "application/json")


class Asking:
    """One request: its question, who asks, and how the answer goes out."""

    def __init__(self, request: HttpRequest) -> None:
        self.request = request
        self.names: Names = questions.names()
        self.question: Question = questions.read(request.GET, names=self.names)
        self.sees = seeing.sees(credentials.from_request(request))

    def ask(self, *, counts: bool) -> Found:
        asked = self.question
        return search.ask(asked.query, sees=self.sees, rows=asked.rows, place=asked.place, counts=counts)

    def page(self, found: Found, path: str) -> dict[str, Any]:
        """The page itself and its neighbour."""
        pairs = [(name, text) for name, texts in self.request.GET.lists() if name != "place" for text in texts]
        url = public_url(f"{path}?{urlencode([*pairs, ('place', found.next)])}") if found.next else None
        return {"results": [shown(card) for card in cards(found.ids, sees=self.sees)], "next": url}

    def asides(self, found: Found) -> dict[str, Any]:
        """What is not always there: slips in the text, what was perhaps meant, and that the engine is being built."""
        told: dict[str, Any] = {}
        if self.question.slips:
            told["problems"] = [as_problem(slip) for slip in self.question.slips]
        if found.suggestion:
            told["suggestion"] = found.suggestion
        if found.source == Source.SQL:
            told["partial"] = True
        return told

    def sent(self, answer: dict[str, Any]) -> HttpResponseBase:
        if self.request.get_preferred_type(["application/json", "text/csv"]) == "text/csv":
            response = conditional(self.request, table(answer["results"]), "text/csv; charset=utf-8")
        else:
            response = conditional(self.request, json.dumps(answer).encode(), "application/json")
        if self.sees:
            response["Cache-Control"] = "private, no-store"
        patch_vary_headers(response, ["Accept", "Authorization", "Cookie"])
        return response


def shown(card: Card) -> dict[str, Any]:
    """A project as programs read it."""
    return {
        "name": card.name,
        "version": card.version,
        "summary": card.summary,
        "license": card.license,
        "requires_python": card.requires_python,
        "released_at": card.released_at.isoformat(),
        "status": card.status,
        "yanked": card.is_yanked,
        "private": card.is_private,
        "url": public_url(url_of(Project(normalized=card.normalized))),
    }


def as_problem(slip: Slip) -> dict[str, Any]:
    """A slip with its place in the text."""
    return {
        "code": slip.code,
        "message": slip.message,
        "start": slip.start,
        "end": slip.end,
        "suggestions": list(slip.instead),
    }


def table(rows: Iterable[dict[str, Any]]) -> bytes:
    """
    Results as CSV (RFC 4180).

    Texts that a spreadsheet would take for a formula get an apostrophe in front.
    """
    return as_csv(COLUMNS, ([row[column] for column in COLUMNS] for row in rows))


def conditional(request: HttpRequest, body: bytes, content_type: str) -> HttpResponseBase:
    """The answer, or 304 to whoever has it already."""
    etag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    response = HttpResponse(body, content_type=content_type, headers={"ETag": etag, "Cache-Control": "no-cache"})
    return get_conditional_response(request, etag=etag, response=response) or response
