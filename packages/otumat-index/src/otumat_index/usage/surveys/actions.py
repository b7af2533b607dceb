"""Changing what is asked."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from otumat_index.journal import actions as journal
from otumat_index.journal.actor import Actor
from otumat_index.publish.models import Project
from otumat_index.usage.actions.collecting import locked
from otumat_index.usage.surveys import rules
from otumat_index.usage.surveys.models import Survey


@transaction.atomic
def set_survey(project: Project, told: object, *, by: Actor, at: datetime) -> Survey | None:
    """
    Ask these questions from now on; none: ask nothing. The same again is no new version.

    Raises:
        Invalid: With everything wrong with them.
    """
    project = locked(project, by)
    questions = [each.as_json() for each in rules.read(told)]
    newest = Survey.objects.filter(project=project).first()
    if (newest.questions if newest else []) == questions:
        return newest
    version = newest.version + 1 if newest else 1
    made = Survey.objects.create(project=project, version=version, questions=questions, made_at=at)
    journal.write("usage.survey", project.normalized, by=by, at=at, topic=project.normalized, version=version)
    return made
