"""What an install has told, as its person reads it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from django.db.models import Max

from otumat.spec.event import read_batch
from otumat_index.accounts import oauth
from otumat_index.accounts.models import FamilyToken, User
from otumat_index.publish.models import Project
from otumat_index.usage import queries
from otumat_index.usage.models import Install
from otumat_index.usage.stores.orm import STORE
from otumat_index.usage.stores.protocol import Told

READ_MOST, ROWS_MOST, LISTED_MOST = 100, 300, 500
"""Batches that a page adds up, rows of its table, installs of a list; an export has everything."""


class Line(NamedTuple):
    """An event on a day, with its properties in words, and how often."""

    day: str
    event: str
    properties: str
    times: int


@dataclass(frozen=True, slots=True)
class Own:
    """One of somebody's installs."""

    number: int
    project: str
    is_shown: bool
    since: str
    release: str
    is_over: bool
    last_contact: datetime

    @property
    def level(self) -> str:
        return "off" if self.is_over else "on"


@dataclass(frozen=True, slots=True)
class Sent:
    """
    What is kept of what an install sent.

    Attributes:
        lines: By day, newest first, of the batches whose bodies are kept.
        batches: Newest first; whether the body is kept.
        times: How many uses were counted, of all batches.
    """

    lines: list[Line]
    releases: list[str]
    batches: list[tuple[Told, bool]]
    times: int
    left_out: int


def of_user(user: User) -> list[Own]:
    """The installs that are linked to an account, in two queries."""
    linked = Install.objects.select_related("project").filter(user=user)
    found = list(linked.order_by("project__normalized", "-pk")[:LISTED_MOST])
    contacts = last_contacts(found)
    return [own(each, contacts) for each in found]


def last_contacts(installs: Iterable[Install]) -> dict[int, datetime]:
    """
    When each last came, by family: when its newest refresh token was made.

    Nothing is written for this: a copy that tells has to ask for an access token first, which is good for an hour.
    """
    tokens = FamilyToken.objects.filter(family__in=[each.family_id for each in installs], is_refresh=True)
    newest = tokens.order_by().values_list("family").annotate(newest=Max("expires_at"))
    return {family: at - oauth.IDLE_FOR for family, at in newest}


def own(install: Install, contacts: Mapping[int, datetime]) -> Own:
    project = install.project
    return Own(
        number=install.pk,
        project=project.normalized,
        is_shown=not project.is_private and project.status != Project.Status.QUARANTINED,
        since=install.consented_on.isoformat(),
        release=install.release,
        is_over=install.withdrawn_at is not None,
        last_contact=max(contacts.get(install.family_id, install.created_at), install.created_at),
    )


def sent(install: Install) -> Sent:
    """Add up what is kept."""
    batches = list(reversed(STORE.batches(install.pk)))
    counts: Counter[tuple[str, str, str]] = Counter()
    releases: dict[str, None] = dict.fromkeys([install.release] if install.release else [])
    listed = []
    for told in batches[:READ_MOST]:
        body = queries.body_of(install, told.batch)
        listed.append((told, bool(body)))
        if body:
            add(body, told, counts, releases)
    lines = sorted((Line(*key, times) for key, times in counts.items()), key=lambda line: (line.event, line.properties))
    lines.sort(key=lambda line: line.day, reverse=True)
    times = sum(told.counted for told in batches)
    return Sent(lines[:ROWS_MOST], [*releases], listed, times, len(batches) - len(listed))


def add(body: bytes, told: Told, counts: Counter[tuple[str, str, str]], releases: dict[str, None]) -> None:
    """The rows of a batch that were counted."""
    refused = {verdict.row for verdict in told.refused}
    for number, (use, times) in enumerate(read_batch(body).rows):
        if number not in refused:
            properties = ", ".join(f"{name} {value}" for name, value in use.properties)
            counts[use.day, use.name, properties] += times
            if use.where.release:
                releases[use.where.release] = None


def export(install: Install) -> Iterator[str]:
    """
    Everything that is kept of an install, as JSON, a batch at a time.

    A batch's `body` is the very text that was sent, whose SHA-256 is beside it; null once it is not kept any more.
    """
    told = queries.exported(install)
    batches = told.pop("batches")
    yield json.dumps(told, indent=1)[:-2] + ',\n "batches": ['
    for number, each in enumerate(batches):
        body = queries.body_of(install, each["batch"])
        yield (",\n  " if number else "\n  ") + json.dumps({**each, "body": body.decode() if body else None})
    yield "\n ]\n}\n"
