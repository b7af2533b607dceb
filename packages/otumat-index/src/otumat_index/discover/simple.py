"""
The doors for installers: `/simple/`, files and their metadata.

These are the slow lane: what the hot lane has not prepared, private projects, and odd requests. Each good answer for a
public project is handed to the lane, so the next request does not come here.
"""

from __future__ import annotations

import functools
import sqlite3
from typing import TypeVar

from django.http import (
    FileResponse,
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    HttpResponseNotModified,
    HttpResponseRedirect,
)
from django.views.decorators.http import require_safe

from otumat.errors import NotFound
from otumat.spec import names, simple
from otumat_index.accounts import credentials
from otumat_index.discover import listing, prepare
from otumat_index.journal import queries as journal
from otumat_index.publish import files
from otumat_index.publish import queries as publish
from otumat_index.publish.models import File, Project
from otumat_index.web import hints, lane
from otumat_index.web.errors import reply

Response = TypeVar("Response", bound=HttpResponseBase)
NOT_ACCEPTABLE = (
    f"Pages come as {simple.JSON}, {simple.HTML} or text/html.",
    "Ask for one of these in the Accept header.",
)


@require_safe
def project(request: HttpRequest, name: str) -> HttpResponseBase:
    """PEP 503 and 691: one project's files."""
    normalized = names.normalize(name)
    if name != normalized or not request.path.endswith("/"):
        if names.check_name(name):
            raise NotFound(f"There is no project {name!r} on this index.")
        return HttpResponseRedirect(f"{'../' if request.path.endswith('/') else ''}{normalized}/", status=301)
    found = publish.find(name, functools.partial(credentials.from_request, request))
    serial, answers = prepare.project_answers(found)
    if not found.is_private:
        offer(found, serial, answers)
    return negotiated(request, answers, is_private=found.is_private)


@require_safe
def projects(request: HttpRequest) -> HttpResponseBase:
    """PEP 503 and 691: the names of all projects. A long list comes from the newest build."""
    kind = simple.negotiate_type(request.headers.get("Accept"))
    if kind is None:
        return reply(request, 406, "not_acceptable", *NOT_ACCEPTABLE)
    serial = journal.last_serial()
    made = listing.newest()
    if made is None or (made.serial != serial and not listing.is_long()):
        body = listing.render(kind.format, serial=serial)
        answer = lane.prepare(
            "/simple/",
            body,
            content_type=kind.content_type,
            format=kind.format,
            headers=[(prepare.SERIAL_HEADER, str(serial))],
        )
        return send(request, answer, is_private=False, content_type=kind.content_type)
    packed = "gzip" in request.headers.get("Accept-Encoding", "")
    response = FileResponse(made.file(kind.format, packed=packed).open("rb"), content_type=kind.content_type)
    if packed:
        response["Content-Encoding"] = "gzip"
    response["Vary"] = "Accept, Accept-Encoding"
    response["Cache-Control"] = "no-cache"
    response[prepare.SERIAL_HEADER] = str(made.serial)
    return response


@require_safe
def file(request: HttpRequest, key: str) -> HttpResponseBase:
    """The bytes of a file; from S3 by a redirect to a signed address."""
    found = find_file(request, key)
    owner = found.release.project
    answer = prepare.file_answer(found)
    if answer is None:
        response: HttpResponseBase = HttpResponseRedirect(files.store().signed_url(found.key) or "")
        response["Cache-Control"] = "no-store"
        return response
    if not owner.is_private:
        offer(owner, journal.serial_of(owner.normalized), [answer])
    if matches(request, answer.digest):
        return HttpResponseNotModified(headers={"ETag": f'"{answer.digest}"'})
    place = files.store().local_path(found.key)
    assert place is not None  # noqa: S101 - an answer without a place is a redirect
    response = FileResponse(place.open("rb"), content_type=answer.content_type)
    return finish(response, answer, is_private=owner.is_private)


@require_safe
def metadata(request: HttpRequest, key: str) -> HttpResponseBase:
    """PEP 658: the METADATA of a file."""
    found = find_file(request, key)
    if not found.metadata_sha256:
        raise NotFound(f"{found.filename} has no metadata of its own to offer.")
    owner, answer = found.release.project, prepare.metadata_answer(found)
    if not owner.is_private:
        offer(owner, journal.serial_of(owner.normalized), [answer])
    return send(request, answer, is_private=owner.is_private)


def find_file(request: HttpRequest, key: str) -> File:
    """A file whose project the request may see; hidden and missing get one answer."""
    found = File.objects.select_related("release__project").filter(key=key).first()
    if found is None or found.release.project.is_private:
        by = credentials.from_request(request)
        if found is not None:
            publish.project(found.release.project.normalized, by=by)
    if found is None or found.release.project.status == Project.Status.QUARANTINED:
        raise NotFound("There is no such file on this index.")
    return found


def offer(project: Project, serial: int, answers: list[lane.Answer]) -> None:
    """Hand answers to the hot lane; it refuses them itself if the project changed meanwhile."""
    store = hints.running()
    if store is not None:
        try:
            store.put(project.normalized, serial, answers)
        except (OSError, sqlite3.Error):
            hints.log.warning("The lane did not take the pages of %s", project.normalized)


def negotiated(request: HttpRequest, answers: list[lane.Answer], *, is_private: bool) -> HttpResponse:
    """The form the client prefers, or 406."""
    kind = simple.negotiate_type(request.headers.get("Accept"))
    if kind is None:
        return reply(request, 406, "not_acceptable", *NOT_ACCEPTABLE)
    answer = next(each for each in answers if each.format == kind.format)
    return send(request, answer, is_private=is_private, content_type=kind.content_type)


def send(
    request: HttpRequest, answer: lane.Answer, *, is_private: bool, content_type: str | None = None
) -> HttpResponse:
    """A prepared answer by way of Django, with the lane's own headers."""
    if matches(request, answer.digest):
        response: HttpResponse = HttpResponseNotModified(headers={"ETag": f'"{answer.digest}"'})
    else:
        kind = content_type or answer.content_type
        response = HttpResponse(answer.body, content_type=f"{kind}; charset=utf-8" if kind == "text/html" else kind)
    return finish(response, answer, is_private=is_private)


def finish(response: Response, answer: lane.Answer, *, is_private: bool) -> Response:
    for name, value in answer.headers:
        response[name] = value
    response["ETag"] = f'"{answer.digest}"'
    response["Vary"] = "Accept, Accept-Encoding" if not is_private else "Accept, Accept-Encoding, Authorization, Cookie"
    if is_private:
        response["Cache-Control"] = "private, no-store"
    return response


def matches(request: HttpRequest, digest: str) -> bool:
    """RFC 9110 If-None-Match, weak comparison."""
    asked = request.headers.get("If-None-Match", "")
    tags = (
        {tag.strip().removeprefix("W/").strip('"').removesuffix("-gzip") for tag in asked.split(",")}
        if asked
        else set()
    )
    return digest in tags or "*" in tags
