"""
Feeds (Atom 1.0, RSS 2.0): new projects, new releases, the changes of one project.

A feed is as new as the journal: its ETag is a serial, so that asking again costs one small query. Django's feed
generator escapes everything; what XML cannot hold is taken out before. Links come from PUBLIC_URL alone.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import NamedTuple
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.cache import get_conditional_response
from django.utils.feedgenerator import Atom1Feed, Rss201rev2Feed
from django.utils.html import escape
from django.utils.http import http_date
from django.views.decorators.http import require_safe

from otumat.errors import NotFound
from otumat_index.accounts import credentials
from otumat_index.accounts.adapter import public_url
from otumat_index.discover.pages import changes
from otumat_index.discover.pages.project import url_of
from otumat_index.journal import queries as journal
from otumat_index.journal.models import Entry
from otumat_index.publish import queries as publish
from otumat_index.publish.models import Project, Release

SHOWN = 40
LOOKED_AT = 400
"""Newest rows among which the public ones are shown: a bound, whatever the size of the catalogue."""
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
KINDS: dict[str, type[Atom1Feed] | type[Rss201rev2Feed]] = {"atom": Atom1Feed, "rss": Rss201rev2Feed}


class Item(NamedTuple):
    """One entry of a feed. `key` never changes and never means anything else."""

    key: str
    title: str
    text: str
    path: str
    author: str
    at: datetime


@require_safe
def projects(request: HttpRequest, kind: str) -> HttpResponse:
    """The projects that came last."""
    serial = journal.last_serial()
    return answer(request, kind, "New projects", "/projects/", serial, new_projects)


@require_safe
def releases(request: HttpRequest, kind: str) -> HttpResponse:
    """The releases that came last."""
    serial = journal.last_serial()
    return answer(request, kind, "New releases", "/projects/", serial, new_releases)


@require_safe
def project(request: HttpRequest, name: str, kind: str) -> HttpResponse:
    """What happened to one project; a private one's only for who may see it."""
    found = publish.find(name, functools.partial(credentials.from_request, request))
    serial = journal.serial_of(found.normalized)
    items = functools.partial(changes_of, found)
    response = answer(request, kind, f"{found.name}: changes", url_of(found), serial, items)
    if found.is_private:
        response["Cache-Control"] = "private, no-store"
    return response


def new_projects() -> list[Item]:
    rows = Project.objects.select_related("latest").order_by("-pk")[:LOOKED_AT]
    shown = [row for row in rows.defer(*LONG) if is_shown(row) and row.latest is not None]
    return [
        Item(
            f"project/{row.normalized}",
            row.name,
            row.latest.summary if row.latest else "",
            url_of(row),
            "",
            row.created_at,
        )
        for row in shown[:SHOWN]
    ]


LONG = ("latest__description", "latest__license", "latest__requires_dist", "latest__classifiers")


def new_releases() -> list[Item]:
    rows = Release.objects.select_related("project").order_by("-pk").defer("description", "license", "requires_dist")
    shown = [row for row in rows[:LOOKED_AT] if is_shown(row.project)]
    return [
        Item(
            f"release/{row.project.normalized}/{row.canonical}",
            f"{row.project.name} {row.version}",
            row.summary,
            url_of(row.project, row.version),
            "",
            row.created_at,
        )
        for row in shown[:SHOWN]
    ]


def is_shown(project: Project) -> bool:
    return not project.is_private and project.status != Project.Status.QUARANTINED


def changes_of(project: Project) -> list[Item]:
    """The changes that a project's page tells everybody, newest first."""
    entries = [entry for entry in journal.of_project(project.normalized, limit=LOOKED_AT) if changes.is_told(entry)]
    return [change(entry, project) for entry in entries[:SHOWN]]


def change(entry: Entry, project: Project) -> Item:
    told = changes.told(entry)
    version = str(entry.data.get("version", ""))
    path = url_of(project, version) if version and entry.action in RELEASED else url_of(project)
    key = f"change/{project.normalized}/{entry.serial}"
    return Item(key, f"{told.actor} {told.sentence}", told.reason, path, told.actor, told.at)


RELEASED = ("release.create", "release.update", "release.yank", "release.unyank", "file.publish")


def answer(
    request: HttpRequest, kind: str, title: str, path: str, serial: int, items: Callable[[], list[Item]]
) -> HttpResponse:
    """The feed, or 304 where the journal has not moved since."""
    if kind not in KINDS:
        raise NotFound(f"There is no {kind!r} feed.", hint="Feeds end in .atom or .rss.")
    tag = f'"{hashlib.sha256(f"{settings.CONFIG.public_url} {request.path} {serial}".encode()).hexdigest()[:24]}"'
    known = get_conditional_response(request, etag=tag)
    if known is not None:
        return known  # type: ignore[return-value]
    found = items()
    newest = max((item.at for item in found), default=EPOCH)
    response = HttpResponse(written(kind, title, path, request.path, found), content_type=KINDS[kind].content_type)
    response["ETag"], response["Last-Modified"] = tag, http_date(newest.timestamp())
    response["Cache-Control"] = "public, max-age=60"
    response["Content-Security-Policy"] = "default-src 'none'; sandbox"  # a browser may show it as a page
    # By the time alone only after the tag: If-Modified-Since knows no deletions.
    if "If-None-Match" in request.headers:
        return response
    return get_conditional_response(request, last_modified=int(newest.timestamp()), response=response) or response  # type: ignore[return-value]


def written(kind: str, title: str, path: str, own_path: str, items: Sequence[Item]) -> str:
    """The XML of a feed."""
    name = settings.CONFIG.index_name
    feed = KINDS[kind](
        title=f"{plain(title)} · {plain(name)}",
        link=public_url(path),
        description=f"{plain(title)} on {plain(name)}",
        language="en",
        feed_url=public_url(own_path),
    )
    for item in items:
        feed.add_item(
            title=plain(item.title),
            link=public_url(item.path),
            # Readers show it as HTML: escaped once here and once by the generator, it is the text that was written.
            description=str(escape(plain(item.text))),
            author_name=plain(item.author) or None,
            pubdate=item.at,
            updateddate=item.at,
            unique_id=tag_uri(item),
            unique_id_is_permalink=False,
        )
    return feed.writeString("utf-8")


def tag_uri(item: Item) -> str:
    """A name for good (RFC 4151)."""
    host = urlsplit(settings.CONFIG.public_url).hostname or "localhost"
    return f"tag:{host},2026:{plain(item.key)}"


def plain(text: str) -> str:
    """Text as XML 1.0 can hold it."""
    return "".join(char for char in text if is_xml(ord(char)))


def is_xml(code: int) -> bool:
    """Whether a character may stand in XML 1.0 (section 2.2)."""
    return code in (9, 10, 13) or 0x20 <= code <= 0xD7FF or 0xE000 <= code <= 0xFFFD or code >= 0x10000
