"""Keeping what was answered, in the transaction that makes the install."""

from __future__ import annotations

from collections.abc import Mapping

from django.db.models import F

from otumat_index.usage.models import Install
from otumat_index.usage.surveys.models import Survey, SurveyAnswer, SurveyCount


def keep_answers(install: Install, survey: Survey, chosen: Mapping[int, int]) -> None:
    """What somebody chose, with the install; and counted, in the order of its key, so that two at once are no knot."""
    SurveyAnswer.objects.bulk_create(
        SurveyAnswer(install=install, survey=survey, question=question, choice=choice)
        for question, choice in chosen.items()
    )
    for question, choice in sorted(chosen.items()):
        row, is_new = SurveyCount.objects.get_or_create(
            survey=survey, question=question, choice=choice, defaults={"times": 1}
        )
        if not is_new:
            SurveyCount.objects.filter(pk=row.pk).update(times=F("times") + 1)
