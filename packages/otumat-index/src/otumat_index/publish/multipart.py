"""
Upload forms as uploaders send them, read in one go.

Django's parser is made for streams: it costs some 60 µs a field, and an upload has up to forty. What is not as plain as
here is left to it. Source: RFC 7578; RFC 2046, 5.1.
"""

from __future__ import annotations

import io
import re
from typing import NamedTuple

from django.core.files.uploadedfile import InMemoryUploadedFile
from django.http import HttpRequest, QueryDict
from django.utils.datastructures import MultiValueDict

BODY_MAX_BYTES = 1_000_000
PARTS_MAX = 500
_FORM = re.compile(r"multipart/form-data; ?boundary=\"?([A-Za-z0-9'()+_,./:=?-]{1,70})\"?\Z", re.IGNORECASE)
_HEAD = re.compile(
    rb'Content-Disposition: form-data; name="([A-Za-z0-9_:.-]{1,100})"'
    rb'(?:; filename="([A-Za-z0-9_][A-Za-z0-9_.+!-]{0,254})")?'
    rb"(?:\r\nContent-Type: ([A-Za-z0-9/.+-]{1,100})(?:; ?charset=utf-8)?)?\Z",
    re.IGNORECASE,
)


class Part(NamedTuple):
    """One field: text, or a file where it has a filename."""

    name: str
    filename: str
    kind: str
    data: bytes


def read(request: HttpRequest) -> None:
    """Read the form of a request, if it is short and plain; else Django does, at the first look at it."""
    told = str(request.META.get("CONTENT_LENGTH") or "")
    form = _FORM.match(str(request.META.get("CONTENT_TYPE", "")))
    if (
        hasattr(request, "_post")
        or form is None
        or not (told.isascii() and told.isdigit())
        or int(told) > BODY_MAX_BYTES
    ):
        return
    parts = split(request.body, form[1].encode())
    if parts is None:
        return
    texts, files = QueryDict(mutable=True, encoding="utf-8"), MultiValueDict[str, InMemoryUploadedFile]()
    for part in parts:
        if part.filename:
            files.appendlist(part.name, uploaded(part))
        else:
            texts.appendlist(part.name, part.data.decode("utf-8", "replace"))
    request.POST = texts  # type: ignore[assignment]  # as `HttpRequest._load_post_and_files` does
    request._files = files  # type: ignore[attr-defined]


def split(body: bytes, boundary: bytes) -> list[Part] | None:
    """The fields of a form in order; None where anything about it is unusual."""
    before, *texts = (b"\r\n" + body).split(b"\r\n--" + boundary)
    if before or not texts or texts.pop() not in (b"--", b"--\r\n") or len(texts) > PARTS_MAX:
        return None
    parts = []
    for text in texts:
        head, found, data = text[2:].partition(b"\r\n\r\n")
        match = _HEAD.match(head)
        if text[:2] != b"\r\n" or not found or match is None:
            return None
        name, filename, kind = ((each or b"").decode("ascii") for each in match.groups())
        parts.append(Part(name, filename, kind, data))
    return parts


def uploaded(part: Part) -> InMemoryUploadedFile:
    return InMemoryUploadedFile(io.BytesIO(part.data), part.name, part.filename, part.kind, len(part.data), None)
