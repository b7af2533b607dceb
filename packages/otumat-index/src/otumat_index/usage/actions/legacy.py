"""Copies of Otumat 0.3: enrolled, refreshed, and what they post taken exactly once, as far as it can be told apart."""

from __future__ import annotations

import gzip
import json
import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from otumat.errors import Refused
from otumat.spec.event import Where, write_batch
from otumat_index.accounts import oauth
from otumat_index.journal.actor import Actor
from otumat_index.usage import queries
from otumat_index.usage.actions.enrolments import check_account
from otumat_index.usage.actions.erasing import erase_install, erased_before
from otumat_index.usage.actions.events import accept_events
from otumat_index.usage.actions.installs import enrol, open_project, withdraw_install
from otumat_index.usage.legacy import uses
from otumat_index.usage.legacy.asked import OldLink
from otumat_index.usage.models import Install, LegacyCopy, LegacyPost
from otumat_index.usage.sealing import seal, unseal
from otumat_index.usage.surveys import queries as surveys
from otumat_index.usage.surveys.keeping import keep_answers
from otumat_index.usage.surveys.rules import chosen

MARKS_KEPT = timedelta(days=7)
"""Two processes of one copy may post at once, each with uses that the other has not; none takes longer than this."""
MARKS_MAX_BYTES = 4 * 1024 * 1024
"""Of half a million uses: more in a week is no program that somebody uses."""


def allow_legacy(
    link: OldLink, *, answers: Mapping[str, str], by: Actor, is_linked: bool, at: datetime
) -> tuple[oauth.Pair, str]:
    """
    A person's yes: the tokens of the new install, and the secret that its refresh token is worth nothing without.

    Args:
        answers: The form's fields, of which those of the survey are read.
    """
    project, state = open_project(link.asked.project, by=by, at=at)
    user_id = by.user_id if is_linked and state.account != "none" else None
    check_account(project, state.account, user_id)
    secret = secrets.token_urlsafe(32)
    with transaction.atomic():
        pair = enrol(project, link.asked, user_id=user_id, secret=secret, at=at)
        install = Install.objects.get(family=pair.family)
        LegacyCopy.objects.create(install=install, python=link.python, system=link.system)
        if survey := surveys.asked_in(project, answers.get("survey", "")):
            keep_answers(install, survey, chosen(surveys.questions_of(survey), answers))
    return pair, secret


def end_legacy(
    text: str, *, client: str, secret: str, install: str, erases: bool, key: str, at: datetime
) -> dict[str, Any]:
    """
    Withdraw, or erase, the install of whoever shows its refresh token and its client's secret.

    Both passed through an address, so this ends and shows nothing: a thief could only take away what tells.

    Args:
        install: Its id, by which a receipt is found again.
        key: As in `erase_install`.

    Returns:
        The receipt of an erasure; nothing for a withdrawal, and of a token that is unknown (RFC 7009, 2.2).
    """
    again = erased_before(install, key=key) if erases else None
    family = oauth.legacy_family_with(text, client=client, secret=secret)
    if again or family is None:
        return again or {}
    found = queries.install_of(family)
    if erases:
        return erase_install(found, key=key, at=at)
    withdraw_install(found, at=at)
    return {}


def refresh_legacy(text: str, *, client: str, secret: str, at: datetime) -> oauth.Pair:
    """
    Another access token.

    Raises:
        GrantRefused: Unknown, or over: a 0.3 copy asks this before it sends anything, and takes it for its end. So
            it is also how one hears that its project has stopped.
    """
    pair = oauth.refresh_legacy(text, client=client, secret=secret, at=at)
    install = Install.objects.select_related("project").filter(family=pair.family, withdrawn_at=None).first()
    state = queries.state_of(install.project) if install else None
    if state is None or not state.is_on:
        raise oauth.GrantRefused("This project does not collect uses any more.")
    return pair


def accept_posted(install: Install, rows: list[uses.OldUse], *, at: datetime) -> int:
    """
    Take what a 0.3 copy posts; returns how many uses were counted, of this request and of one that crashed before it.

    The catalogue notes which uses are new, and the batches made of them, in one transaction; the store takes each batch
    once, however often it is offered.

    Raises:
        Refused: `withdrawn` or `stopped`.
    """
    state = queries.state_of(install.project)
    if install.withdrawn_at or state is None or not state.is_on:
        raise Refused(f"{install.project.name} takes no more uses of this install.", code="stopped")
    note(install, rows, at=at)
    waiting = LegacyPost.objects.filter(copy__install=install, waiting__isnull=False).order_by("pk")
    return sum(carry_over(install, post, at=at) for post in waiting)


@transaction.atomic
def note(install: Install, rows: list[uses.OldUse], *, at: datetime) -> None:
    """Which of the uses are new, and the batches made of those."""
    copy = LegacyCopy.objects.select_for_update().get(install=install)
    marked = uses.marks(rows, key=install.body_key)
    posts = list(copy.posts.order_by("-pk").only("received_at", "marks"))
    known = {mark for post in posts for mark in uses.apart(bytes(post.marks))}
    made = uses.batches(
        [row for row, mark in zip(rows, marked, strict=True) if mark not in known],
        install=install.name,
        project=install.project.normalized,
        where=Where(install.release, copy.python, copy.system),
        before=copy.sequence,
        new_id=lambda: secrets.token_hex(16),
    )
    copy.sequence += len(made)
    copy.save(update_fields=["sequence"])
    copy.posts.filter(pk__in=outdated(posts, at=at), waiting__isnull=True).delete()
    bodies = json.dumps([write_batch(batch).decode() for batch in made]).encode()
    waiting = seal(install.body_key, bodies) if made else None
    copy.posts.create(received_at=at, marks=b"".join(marked), waiting=waiting)


def outdated(posts: list[LegacyPost], *, at: datetime) -> list[int]:
    """Posts whose uses will not come again, or that are too many; the newest is first."""
    found, size_bytes = [], 0
    for post in posts:
        size_bytes += len(post.marks)
        if post.received_at < at - MARKS_KEPT or size_bytes > MARKS_MAX_BYTES:
            found.append(post.pk)
    return found


def carry_over(install: Install, post: LegacyPost, *, at: datetime) -> int:
    """Give the store what waits."""
    counted = 0
    for body in json.loads(unseal(install.body_key, bytes(post.waiting or b""))):
        packed = gzip.compress(body.encode(), mtime=0)
        counted += accept_events(install, packed, key=json.loads(body)["batch"], at=at).counted
    LegacyPost.objects.filter(pk=post.pk).update(waiting=None)
    return counted
