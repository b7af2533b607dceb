"""What a person answers: on the consent page that a copy's link opened, or for a code that a device shows."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta
from types import MappingProxyType

from django.db import transaction

from otumat.errors import NotFound, Refused
from otumat_index.accounts import oauth, rules
from otumat_index.journal.actor import Actor
from otumat_index.publish.models import Project
from otumat_index.usage import queries
from otumat_index.usage.actions.installs import Asked, enrol, open_project
from otumat_index.usage.models import Enrolment, Install
from otumat_index.usage.surveys import queries as surveys
from otumat_index.usage.surveys.keeping import keep_answers
from otumat_index.usage.surveys.rules import chosen

CODE_S, DEVICE_S, INTERVAL_S = 600, 900, 5
LETTERS = "BCDFGHJKLMNPQRSTVWXZ"
"""RFC 8628, 6.1: no vowels, so no words; 8 of them are 34 bits."""
GRACE = timedelta(days=1)


def allow_link(
    asked: Asked,
    *,
    redirect_uri: str,
    challenge: str,
    answers: Mapping[str, str] = MappingProxyType({}),
    by: Actor,
    is_linked: bool,
    at: datetime,
) -> str:
    """
    A person's yes: the code that the copy exchanges for its tokens, once, within ten minutes.

    Args:
        answers: Fields of the form, of which those of the survey are read (`surveys.rules.chosen`).
    """
    project, state = open_project(asked.project, by=by, at=at)
    user_id = by.user_id if is_linked and state.account != "none" else None
    check_account(project, state.account, user_id)
    code, survey = secrets.token_urlsafe(32), surveys.asked_in(project, answers.get("survey", ""))
    Enrolment.objects.filter(expires_at__lt=at - GRACE).delete()
    Enrolment.objects.create(
        sha256=rules.digest(code),
        project=project,
        user_id=user_id,
        release=asked.release,
        manifest=asked.manifest,
        wording=asked.wording,
        redirect_uri=redirect_uri,
        challenge=challenge,
        state=Enrolment.State.ALLOWED,
        survey=survey,
        answers=chosen(surveys.questions_of(survey), answers) if survey else {},
        expires_at=at + timedelta(seconds=CODE_S),
    )
    return code


def check_account(project: Project, account: str, user_id: int | None) -> None:
    if account == "required" and user_id is None:
        raise Refused(f"{project.name} wants to know who tells.", hint="Sign in.", code="account_required")


def exchange_code(code: str, *, redirect_uri: str, verifier: str, at: datetime) -> oauth.Pair:
    """
    Tokens for a code.

    Raises:
        GrantRefused: Unknown, too old, of another address, not proved; or used before, which ends what it made.
    """
    with transaction.atomic():
        found = Enrolment.objects.select_for_update().filter(sha256=rules.digest(code), user_code=None).first()
        if found is not None and found.state == Enrolment.State.TAKEN:
            oauth.end(found.family, at=at)  # RFC 6749, 4.1.2
            found = None
        is_sound = (
            found is not None
            and found.expires_at > at
            and found.redirect_uri == redirect_uri
            and oauth.proves(verifier, found.challenge)
        )
        pair = take(found, at=at) if found is not None and is_sound else None
    if pair is None:
        raise oauth.GrantRefused("This code is not good, or not any more.")
    return pair


def take(found: Enrolment, *, at: datetime) -> oauth.Pair:
    asked = Asked(found.project.normalized, found.release, found.manifest, found.wording)
    pair = enrol(found.project, asked, user_id=found.user_id, at=at)
    if found.survey and found.answers:
        made = Install.objects.get(family=pair.family)
        keep_answers(made, found.survey, {int(number): choice for number, choice in found.answers.items()})
    found.state, found.family, found.answers = Enrolment.State.TAKEN, pair.family, {}
    found.save(update_fields=["state", "family", "answers"])
    return pair


def ask_for_code(asked: Asked, *, at: datetime) -> tuple[str, str]:
    """The secret that a device polls with, and the code that it shows."""
    project, _ = open_project(asked.project, at=at)
    code, shown = secrets.token_urlsafe(32), "".join(secrets.choice(LETTERS) for _ in range(8))
    Enrolment.objects.filter(expires_at__lt=at - GRACE).delete()
    Enrolment.objects.create(
        sha256=rules.digest(code),
        user_code=shown,
        project=project,
        release=asked.release,
        manifest=asked.manifest,
        wording=asked.wording,
        state=Enrolment.State.WAITING,
        expires_at=at + timedelta(seconds=DEVICE_S),
        interval_s=INTERVAL_S,
    )
    return code, f"{shown[:4]}-{shown[4:]}"


def waiting(typed: str, *, at: datetime) -> Enrolment:
    """The question behind a code as somebody typed it; case and dashes do not matter."""
    code = "".join(each for each in typed.upper() if each in LETTERS)[:9]
    live = Enrolment.objects.select_related("project").filter(state=Enrolment.State.WAITING, expires_at__gt=at)
    found = live.filter(user_code=code).first()
    if found is None:
        raise unknown_code()
    return found


def unknown_code() -> NotFound:
    return NotFound("No program is waiting with that code.", hint="Compare it with what the program shows.")


def answer_device(typed: str, *, is_yes: bool, by: Actor, is_linked: bool, at: datetime) -> Project:
    """
    What a person says about the code that a device shows.

    Raises:
        NotFound: No device waits with it, or somebody else has answered by now.
    """
    found = waiting(typed, at=at)
    project, state = open_project(found.project.normalized, by=by, at=at)
    user_id = by.user_id if is_linked and state.account != "none" else None
    if is_yes:
        check_account(project, state.account, user_id)
    said = Enrolment.State.ALLOWED if is_yes else Enrolment.State.DENIED
    shown = queries.digest_shown(project, found.manifest)
    live = Enrolment.objects.filter(pk=found.pk, state=Enrolment.State.WAITING)
    if not live.update(state=said, user_id=user_id, manifest=shown):
        raise unknown_code()  # somebody else said something meanwhile
    return project


def poll_device(code: str, *, at: datetime) -> oauth.Pair:
    """
    Tokens for a device whose person said yes.

    Raises:
        GrantRefused: `authorization_pending`, `slow_down` (asked sooner than it may: five seconds more from now on),
            `access_denied`, `expired_token`.
    """
    with transaction.atomic():
        locked = Enrolment.objects.select_for_update().exclude(user_code=None)
        found = locked.filter(sha256=rules.digest(code)).first()
        refusal = refusal_of(found, at=at)
        pair = take(found, at=at) if found is not None and not refusal else None
    if pair is None:
        raise oauth.GrantRefused("Nobody has said yes to this code.", code=refusal)
    return pair


def refusal_of(found: Enrolment | None, *, at: datetime) -> str:
    """Why a poll gets nothing; it is counted."""
    if found is None or found.expires_at <= at or found.state == Enrolment.State.TAKEN:
        return "expired_token"
    is_hasty = found.polled_at is not None and at - found.polled_at < timedelta(seconds=found.interval_s - 0.5)
    found.polled_at = at
    found.interval_s += 5 if is_hasty else 0
    found.save(update_fields=["polled_at", "interval_s"])
    if found.state == Enrolment.State.DENIED:
        return "access_denied"
    if is_hasty:
        return "slow_down"
    return "authorization_pending" if found.state == Enrolment.State.WAITING else ""
