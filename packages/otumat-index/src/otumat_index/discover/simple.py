"""
The doors for installers: `/simple/`, files and their metadata.

These are the slow lane: what the hot lane has not prepared, private projects, and odd requests. Each good answer for a
public project is handed to the lane, so the next request does not come here.
"""

from __future__ import annotations

import functools
import re
import sqlite3
from typing import BinaryIO, TypeVar

from django.http import (
    FileResponse,
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    HttpResponseNotModified,
    HttpResponseRedirect,
    StreamingHttpResponse,
)
from django.views.decorators.http import require_safe

from otumat.errors import NotFound
from otumat.spec import names, simple
from otumat_index.accounts import credentials
from otumat_index.discover import listing, prepare, queries, ranges
from otumat_index.journal import queries as journal
from otumat_index.publish import files, rules
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
    if names.check_name(name):
        raise NotFound(f"There is no project {name!r} on this index.")
    if name != normalized or not request.path.endswith("/"):
        return HttpResponseRedirect(f"{'../' if request.path.endswith('/') else ''}{normalized}/", status=301)
    seen, serial = journal.last_serial(), journal.serial_of(normalized)  # first, see `project_answers`
    found = publish.find(name, functools.partial(credentials.from_request, request))
    answers = prepare.project_answers(found, serial=serial)
    if not found.is_private:
        offer(found, seen, answers)
    return negotiated(request, answers, is_private=found.is_private)


@require_safe
def projects(request: HttpRequest) -> HttpResponseBase:
    """PEP 503 and 691: the names of all projects. A long list comes from the newest build."""
    if not request.path.endswith("/"):  # its links are relative
        return HttpResponseRedirect("simple/", status=301)
    kind = simple.negotiate_type(request.headers.get("Accept"))
    if kind is None:
        return reply(request, 406, "not_acceptable", *NOT_ACCEPTABLE)
    serial = journal.last_serial()
    made = listing.newest()
    if made is None or (made.serial != serial and not listing.is_long()):
        listed = listing.read(serial)
        answer = lane.prepare(
            "/simple/",
            listing.render(kind.format, listed),
            content_type=kind.content_type,
            format=kind.format,
            headers=[(prepare.SERIAL_HEADER, str(listed.serial))],
        )
        return send(request, answer, is_private=False, content_type=kind.content_type)
    if hidden := listing.hidden_since(made.serial):
        body = listing.without(hidden, kind.format, made.file(kind.format).read_bytes())
        answer = lane.prepare(
            "/simple/",
            body,
            content_type=kind.content_type,
            format=kind.format,
            headers=[(prepare.SERIAL_HEADER, str(made.serial))],
            compress=False,
        )
        return send(request, answer, is_private=False, content_type=kind.content_type)
    return built_list(request, made, kind)


def built_list(request: HttpRequest, made: listing.Build, kind: simple.Negotiated) -> HttpResponseBase:
    """A finished build, with the lane's own headers."""
    answer = prepare.list_answer(made, kind.format)
    if matches(request, answer.digest):
        return finish(HttpResponseNotModified(), answer, is_private=False)
    packed = takes_gzip(request)
    place = made.file(kind.format, packed=packed)
    response = FileResponse(place.open("rb"), content_type=with_charset(kind.content_type))
    if packed:
        response["Content-Encoding"] = "gzip"
    return finish(response, answer, is_private=False)


def takes_gzip(request: HttpRequest) -> bool:
    """Whether the client named gzip, and did not refuse it (`q=0`)."""
    named = request.headers.get("Accept-Encoding", "").replace(" ", "").lower().split(",")
    return any(each == "gzip" or re.fullmatch(r"gzip;q=(?!0(\.0*)?$)[0-9.]+", each) for each in named)


def with_charset(content_type: str) -> str:
    return f"{content_type}; charset=utf-8" if content_type == "text/html" else content_type


@require_safe
def file(request: HttpRequest, key: str) -> HttpResponseBase:
    """The bytes of a file; from S3 by a redirect to a signed address."""
    serial = journal.last_serial()  # before the row, see `prepare.project_answers`
    found = find_file(request, key)
    owner = found.release.project
    place = files.store().local_path(found.key)
    if place is None:
        response: HttpResponseBase = HttpResponseRedirect(files.store().signed_url(found.key) or "")
        response["Cache-Control"] = "no-store"
        return response
    try:
        answer = prepare.file_answer(found, place)
        content = place.open("rb")
    except FileNotFoundError:  # removed since we read its row
        raise no_such_file() from None
    if not owner.is_private:
        offer(owner, serial, [answer])
    if matches(request, answer.digest):
        content.close()
        return finish(HttpResponseNotModified(), answer, is_private=owner.is_private)
    return finish(whole_or_part(request, answer, content), answer, is_private=owner.is_private)


def whole_or_part(request: HttpRequest, answer: lane.Answer, content: BinaryIO) -> HttpResponseBase:
    """All bytes of a file, or those that a Range asks for, if it is of these bytes (RFC 9110, 13.1.5)."""
    is_same = request.headers.get("If-Range", f'"{answer.digest}"') == f'"{answer.digest}"'
    part = ranges.asked(request.headers.get("Range", ""), answer.size) if is_same and request.method == "GET" else None
    if part is None:
        return FileResponse(content, content_type=answer.content_type)
    if not part.size:
        content.close()
        return HttpResponse(status=416, headers={"Content-Range": f"bytes */{answer.size}"})
    return StreamingHttpResponse(
        ranges.Part(content, part),
        status=206,
        content_type=answer.content_type,
        headers={
            "Content-Length": str(part.size),
            "Content-Range": f"bytes {part.first}-{part.last}/{answer.size}",
        },
    )


@require_safe
def mirrored(request: HttpRequest, key: str) -> HttpResponse:
    """A file by the path mirrors know it by: goes to the one it has, whatever there is (the hot lane answers there)."""
    return HttpResponseRedirect(queries.file_path(key), status=301)


@require_safe
def metadata(request: HttpRequest, key: str) -> HttpResponseBase:
    """PEP 658: the METADATA of a file."""
    serial = journal.last_serial()
    found = find_file(request, key)
    if not found.metadata_sha256:
        raise NotFound(f"{found.filename} has no metadata of its own to offer.")
    owner, answer = found.release.project, prepare.metadata_answer(found)
    if not owner.is_private:
        offer(owner, serial, [answer])
    return send(request, answer, is_private=owner.is_private)


def find_file(request: HttpRequest, key: str) -> File:
    """A file whose project the request may see; hidden and missing get one answer."""
    found = File.objects.select_related("release__project").filter(key=key).first() if key.isprintable() else None
    owner = found.release.project if found is not None else None
    if owner is None or owner.is_private:
        by = credentials.from_request(request)
        # Asked for missing ones too, so that they take as long as hidden ones (A87).
        standing = publish.standing_of(by, owner.normalized if owner else "missing")
        if not rules.may(by, "read", standing):
            raise no_such_file()
    if found is None or found.release.project.status == Project.Status.QUARANTINED:
        raise no_such_file()
    return found


def no_such_file() -> NotFound:
    return NotFound("There is no such file on this index.")


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
    """A prepared answer by way of Django, with the lane's own headers and in the coding the lane would choose."""
    packed = answer.compressed if takes_gzip(request) else None
    response: HttpResponse = (
        HttpResponseNotModified()
        if matches(request, answer.digest)
        else HttpResponse(packed or answer.body, content_type=with_charset(content_type or answer.content_type))
    )
    if packed and response.status_code == 200:
        response["Content-Encoding"] = "gzip"
    return finish(response, answer, is_private=is_private, is_packed=bool(packed))


def finish(response: Response, answer: lane.Answer, *, is_private: bool, is_packed: bool = False) -> Response:
    for name, value in answer.headers:
        response[name] = value
    response["ETag"] = f'"{answer.digest}-gzip"' if is_packed else f'"{answer.digest}"'
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
