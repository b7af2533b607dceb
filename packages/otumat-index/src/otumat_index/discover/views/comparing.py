"""Two or three projects side by side."""

from __future__ import annotations

import functools

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from otumat.errors import NotFound
from otumat.spec import names
from otumat_index.accounts import credentials
from otumat_index.discover.pages import asked as asking
from otumat_index.discover.pages import comparing
from otumat_index.publish import queries as publish
from otumat_index.publish.models import Project

LEAST = 2


@require_safe
def compare(request: HttpRequest) -> HttpResponse:
    """`/compare?p=NAME&p=NAME`: a form for the names, and the comparison once two of them are found."""
    typed = list(dict.fromkeys(filter(None, map(asking.tidy, request.GET.getlist("p")[:20]))))
    wanted = list({names.normalize(each): each for each in typed}.values())
    found, problems = look_up(request, wanted[: comparing.PROJECTS_MOST])
    shown = comparing.compare(found) if len(found) >= LEAST else None
    blanks = [""] * (comparing.PROJECTS_MOST - len(wanted))
    context = {
        "typed": [*wanted, *blanks][: comparing.PROJECTS_MOST],
        "problems": problems,
        "is_cut": len(wanted) > comparing.PROJECTS_MOST,
        "lacks_one": bool(wanted) and not problems and shown is None,
        "comparison": shown,
    }
    response = render(request, "discover/compare.html", context, status=404 if problems else 200)
    is_private = any(project.is_private for project in found)
    response["Cache-Control"] = "private, no-store" if is_private else "no-cache"
    response["Vary"] = "Authorization, Cookie"
    return response


def look_up(request: HttpRequest, wanted: list[str]) -> tuple[list[Project], list[tuple[str, str]]]:
    """The projects that whoever asks may see; name and reason of the others, hidden ones like missing ones (A86)."""
    who = functools.cache(functools.partial(credentials.from_request, request))
    found, problems = [], []
    for name in wanted:
        try:
            project = publish.find(name, who)
        except NotFound:
            problems.append((name, "There is no such project here."))
            continue
        if project.latest is None:
            problems.append((name, "It has no release yet."))
        else:
            found.append(project)
    return found, problems
