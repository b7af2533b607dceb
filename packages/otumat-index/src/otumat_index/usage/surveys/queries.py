"""Reading surveys and what came of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from otumat_index.publish.models import Project
from otumat_index.usage.models import Install
from otumat_index.usage.surveys.models import Survey, SurveyAnswer, SurveyCount
from otumat_index.usage.surveys.rules import Question

VERSIONS_SHOWN = 20


class Answer(NamedTuple):
    """What an install's person said to a question."""

    question: str
    choice: str
    version: int


@dataclass(frozen=True, slots=True)
class Result:
    """A version, and for each of its questions how often each choice was made."""

    survey: Survey
    questions: list[tuple[str, list[tuple[str, int]], int]]


def questions_of(survey: Survey) -> list[Question]:
    return [Question(each["question"], tuple(each["choices"])) for each in survey.questions]


def asked_of(project: Project) -> Survey | None:
    """The survey that is asked; None for a project that asks nothing."""
    newest = Survey.objects.filter(project=project).first()
    return newest if newest and newest.questions else None


def asked_in(project: Project, version: str) -> Survey | None:
    """The version that a form was made for."""
    if not (version.isascii() and version.isdigit() and len(version) < 9):
        return None
    return Survey.objects.filter(project=project, version=int(version)).first()


def answers_of(install: Install) -> list[Answer]:
    """What an install's person answered."""
    found = (
        SurveyAnswer.objects.filter(install=install).select_related("survey").order_by("survey__version", "question")
    )
    return [
        Answer(asked.question, asked.choices[each.choice], each.survey.version)
        for each in found
        for asked in [questions_of(each.survey)[each.question]]
    ]


def results(project: Project) -> list[Result]:
    """Newest version first; those that asked nothing left out. Two queries."""
    surveys = [each for each in Survey.objects.filter(project=project)[:VERSIONS_SHOWN] if each.questions]
    counted: dict[tuple[int, int, int], int] = {}
    for each in SurveyCount.objects.filter(survey__in=surveys):
        counted[each.survey_id, each.question, each.choice] = each.times
    return [
        Result(survey, [told(survey, number, counted) for number in range(len(survey.questions))]) for survey in surveys
    ]


def told(
    survey: Survey, number: int, counted: Mapping[tuple[int, int, int], int]
) -> tuple[str, list[tuple[str, int]], int]:
    """A question, its choices with how often each was made, and how often it was answered."""
    asked = questions_of(survey)[number]
    times = [counted.get((survey.pk, number, choice), 0) for choice in range(len(asked.choices))]
    return asked.question, list(zip(asked.choices, times, strict=True)), sum(times)
