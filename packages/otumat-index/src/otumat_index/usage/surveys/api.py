"""JSON doors of a project's survey, under `/api/v1/`."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.utils import timezone
from ninja import Router, Schema

from otumat_index.accounts.api import caller
from otumat_index.publish.doors import opened
from otumat_index.usage.surveys import actions, queries

router = Router(tags=["usage"])


class Asked(Schema):
    """Questions with closed choices: `{"question": "…", "choices": ["…", "…"]}`."""

    questions: list[dict[str, Any]]


@router.get(
    "/project/{name}/survey", summary="What is asked of those who let a project tell its use, and what they said"
)
def show_survey(request: HttpRequest, name: str) -> dict[str, Any]:
    project = opened(request, name, by=caller(request))
    asked = queries.asked_of(project)
    return {
        "version": asked.version if asked else 0,
        "questions": asked.questions if asked else [],
        "results": [
            {
                "version": result.survey.version,
                "since": result.survey.made_at.date().isoformat(),
                "questions": [
                    {"question": text, "answered": times, "choices": dict(choices)}
                    for text, choices, times in result.questions
                ],
            }
            for result in queries.results(project)
        ],
    }


@router.put("/project/{name}/survey", summary="Ask other questions; none: ask nothing")
def set_survey(request: HttpRequest, name: str, body: Asked) -> dict[str, Any]:
    by = caller(request)
    made = actions.set_survey(opened(request, name, by=by), body.questions, by=by, at=timezone.now())
    return {"ok": True, "version": made.version if made else 0}
