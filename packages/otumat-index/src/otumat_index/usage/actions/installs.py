"""
An install: made with consent, withdrawn, erased. The journal names its project and never the install.

The rows have no topic: a copy that says yes changes no page of the project, and is no news to those who watch it.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db import transaction

from otumat.errors import NotFound, Refused
from otumat.spec.event import OLDEST_DAYS
from otumat.spec.names import normalize
from otumat_index.accounts import oauth
from otumat_index.journal import actions as journal
from otumat_index.journal.actor import NOBODY, Actor
from otumat_index.publish.actions import entry
from otumat_index.publish.models import Project
from otumat_index.usage import queries
from otumat_index.usage.actions.collecting import learn
from otumat_index.usage.models import Install
from otumat_index.usage.stores.orm import STORE

COPY = Actor(credential="install")


@dataclass(frozen=True, slots=True)
class Asked:
    """
    What an install says of itself.

    Attributes:
        key: Idempotency key of the request; "" for none.
        since: Day of the consent where that was before this request, as for one that was given offline.
    """

    project: str
    release: str = ""
    manifest: str = ""
    wording: int = 1
    key: str = ""
    since: date | None = None


def make_install(asked: Asked, *, at: datetime) -> oauth.Pair:
    """
    Make an anonymous install of a project that collects.

    The same key again ends the install that it made before, as long as that has sent nothing.

    Raises:
        NotFound: No such project collects here. Refused: `account_required`, `stopped`, or (`key_used`) the key's
            install has sent something already.
    """
    project, state = open_project(asked.project, at=at)
    if state.account == "required":
        hint = "Enrol in the browser, or with a device code."
        raise Refused(f"{project.name} wants to know who tells.", hint=hint, code="account_required")
    return enrol(project, asked, user_id=None, at=at)


def enrol(project: Project, asked: Asked, *, user_id: int | None, secret: str = "", at: datetime) -> oauth.Pair:
    """An install and its tokens, once everything was asked; with a secret, for a copy of Otumat 0.3."""
    today = at.date()
    key = hashlib.sha256(f"{project.pk} {asked.key}".encode()).hexdigest() if asked.key else None
    with transaction.atomic():
        end_former(key)
        entry.lock(project)  # before the journal's head, as all actions do: the new row refers to it
        pair = oauth.begin(legacy_secret=secret, at=at)
        Install.objects.create(
            family_id=pair.family,
            project=project,
            user_id=user_id,
            release=asked.release,
            manifest=asked.manifest,
            wording=asked.wording,
            consented_on=min(today, max(asked.since or today, today - timedelta(days=OLDEST_DAYS))),
            created_at=at,
            key_sha256=key,
        )
        journal.write("install.create", project.normalized, by=COPY, at=at)
    return pair


def open_project(name: str, *, by: Actor = NOBODY, at: datetime) -> tuple[Project, queries.State]:
    """A project that collects and that the actor may see, and what it collects."""
    project = queries.collecting(normalize(name), by=by)
    if project is not None:
        learn(project, at=at)
    state = queries.state_of(project) if project else None
    if project is None or state is None:
        raise NotFound(f"No project {name!r} collects uses here.", hint="Its owners decide that.")
    if not state.is_on:
        raise Refused(f"{project.name} does not collect uses any more.", code="stopped")
    return project, state


def end_former(key: str | None) -> None:
    former = Install.objects.select_for_update().filter(key_sha256=key).first() if key else None
    if former is None:
        return
    if STORE.batches(former.pk):
        raise Refused("This key made an install that is in use.", hint="Take a new key.", code="key_used")
    STORE.close(former.pk)
    former.delete()
    oauth.forget(former.family_id)


def withdraw_install(install: Install, *, at: datetime) -> None:
    """Nothing more is taken of an install; what was counted and kept stays."""
    with transaction.atomic():
        found = Install.objects.select_for_update().filter(pk=install.pk, withdrawn_at=None).update(withdrawn_at=at)
        if found:
            oauth.end(install.family_id, at=at)
            journal.write("install.withdraw", install.project.normalized, by=COPY, at=at)
    STORE.close(install.pk)


def unlink_closed() -> None:
    """Installs of an account that was closed are nobody's from then on; the journal has the closing."""
    Install.objects.filter(user__closed_at__isnull=False).update(user=None)
