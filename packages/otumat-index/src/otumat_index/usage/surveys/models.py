"""Surveys, version by version; what single installs answered; and how often each choice was made."""

from __future__ import annotations

from typing import ClassVar

from django.db import models


class Survey(models.Model):
    """One version; the newest is the one that is asked, unless it has no question."""

    project = models.ForeignKey("publish.Project", on_delete=models.CASCADE, related_name="surveys")
    version = models.IntegerField()
    questions = models.JSONField(db_comment="list of {question, choices}")
    made_at = models.DateTimeField()

    class Meta:
        ordering: ClassVar = ["-version"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["project", "version"], name="usage_survey_once")]


class SurveyAnswer(models.Model):
    """What an install's person chose: the numbers of the question and the choice, from 0."""

    install = models.ForeignKey("usage.Install", on_delete=models.CASCADE, related_name="answers")
    survey = models.ForeignKey(Survey, on_delete=models.CASCADE, related_name="+")
    question = models.PositiveSmallIntegerField()
    choice = models.PositiveSmallIntegerField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["install", "survey", "question"], name="usage_survey_answer_once")
        ]


class SurveyCount(models.Model):
    """How often a choice was made, by installs that are there and by those that were erased."""

    survey = models.ForeignKey(Survey, on_delete=models.CASCADE, related_name="counts")
    question = models.PositiveSmallIntegerField()
    choice = models.PositiveSmallIntegerField()
    times = models.BigIntegerField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["survey", "question", "choice"], name="usage_survey_count_once")
        ]
