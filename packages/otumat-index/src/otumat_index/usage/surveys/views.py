"""The page on which owners word their survey and see what came of it."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from otumat.errors import OtumatError
from otumat_index.accounts import credentials
from otumat_index.publish.doors import opened
from otumat_index.usage.surveys import actions, queries, rules
from otumat_index.web.errors import status_of


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def survey(request: HttpRequest, name: str) -> HttpResponse:
    """What is asked, a form for it, and how often each choice was made."""
    by = credentials.from_session(request)
    project = opened(request, name, by=by)
    failure: OtumatError | None = None
    if request.method == "POST":
        try:
            made = actions.set_survey(project, rules.from_form(request.POST), by=by, at=timezone.now())
        except OtumatError as exc:
            failure = exc
        else:
            is_asked = made is not None and made.questions
            messages.success(request, "This is asked from now on." if is_asked else "Nothing is asked any more.")
            return redirect("usage:survey", project.normalized)
    asked = queries.asked_of(project)
    context = {
        "project": project,
        "asked": asked,
        "slots": slots(rules.from_form(request.POST) if failure else asked.questions if asked else []),
        "results": queries.results(project),
        "failure": failure,
        "problems": getattr(failure, "problems", ()),
        "rules": rules,
    }
    return render(request, "usage/survey.html", context, status=status_of(failure) if failure else 200)


def slots(questions: list[dict[str, Any]]) -> list[tuple[int, str, str]]:
    """A place for each question there may be: its number, its words, its choices one a line."""
    given = [(each["question"], "\n".join(each["choices"])) for each in questions]
    empty = [("", "")] * rules.QUESTIONS_MOST
    return [(number, *words) for number, words in enumerate((given + empty)[: rules.QUESTIONS_MOST], start=1)]
