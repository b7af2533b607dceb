"""Searching from the browser's own search field: what OpenSearch 1.1 asks of a site, and names while one types."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from otumat.spec import names
from otumat_index.accounts.adapter import public_url
from otumat_index.discover import search
from otumat_index.discover.pages import index, question
from otumat_index.discover.pages.project import url_of
from otumat_index.discover.search import language
from otumat_index.publish.models import Project

SHORT_NAME_MAX = 16
"""Characters of a ShortName, by the specification."""
SUGGESTED = 8
TEXT_MAX = 200


@require_safe
def description(request: HttpRequest) -> HttpResponse:
    """`/opensearch.xml`: where a browser searches this index."""
    name = settings.CONFIG.index_name
    context = {
        "short_name": name[:SHORT_NAME_MAX].strip(),
        "name": name,
        "self_url": public_url(reverse("discover:opensearch")),
        "search_url": public_url(reverse("discover:search")),
        "suggest_url": public_url(reverse("discover:suggest")),
    }
    answer = render(
        request, "discover/opensearch.xml", context, content_type="application/opensearchdescription+xml; charset=utf-8"
    )
    answer["Cache-Control"] = "public, max-age=86400"
    return answer


@require_safe
def suggest(request: HttpRequest) -> HttpResponse:
    """Public projects that were perhaps meant by what was typed so far, in the form of OpenSearch suggestions."""
    text = request.GET.get("q", "")[:TEXT_MAX]
    found = suggested(text.strip())
    rows = [[row.name for row in found], [summary_of(row) for row in found], [public_url(url_of(row)) for row in found]]
    answer = JsonResponse([text, *rows], safe=False, content_type="application/x-suggestions+json")
    answer["Cache-Control"] = "public, max-age=60"
    return answer


def suggested(text: str) -> list[Project]:
    """The best that a search finds; by name alone while there is no engine to rank by."""
    if not text or search.describe().kind != search.READY:
        return beginning_with(names.normalize(text))
    asked = language.read(text, names=question.names(), is_typing=True, slips_max=0)
    found = search.ask(asked.query, rows=SUGGESTED, counts=False)
    rows = index.public().filter(pk__in=found.ids).select_related("latest")
    by_key = {row.pk: row for row in rows.only("name", "normalized", "latest__summary")}
    return [by_key[pk] for pk in found.ids if pk in by_key]


def beginning_with(prefix: str) -> list[Project]:
    """The first projects by name; one query, a few steps in the index of names."""
    if not prefix or names.check_name(prefix.strip("-")):
        return []
    rows = index.public().filter(normalized__gte=prefix).order_by("normalized").select_related("latest")
    near = rows.only("name", "normalized", "latest__summary")[:SUGGESTED]
    return [row for row in near if row.normalized.startswith(prefix)]


def summary_of(project: Project) -> str:
    return project.latest.summary if project.latest else ""
