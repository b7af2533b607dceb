"""Reading what uploaders and old clients POST."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import reverse

from otumat.errors import Invalid, Problem, Refused
from otumat_index.accounts import credentials
from otumat_index.accounts.adapter import public_url
from otumat_index.publish.actions import Upload
from otumat_index.publish.actions.entry import Outcome
from otumat_index.web import errors

FORM_OVERHEAD_BYTES = 2_000_000


def check_size(request: HttpRequest) -> None:
    """Refuse by the announced length, before a byte of the body is read."""
    limit = settings.CONFIG.max_file_mb * 1_000_000
    told = str(request.META.get("CONTENT_LENGTH") or "0")
    if not (told.isascii() and told.isdigit() and len(told) < 20):
        message = f"The request says that it has {told[:40]!r} bytes."
        raise Invalid([Problem("form.length", "content", message, hint="Send a Content-Length that is a number.")])
    length = int(told)
    if length > limit + settings.CONFIG.max_description_kb * 1000 + FORM_OVERHEAD_BYTES:
        raise Refused(
            f"The request is {length / 1e6:.1f} MB; this index accepts files of {settings.CONFIG.max_file_mb} MB.",
            hint="Split the archive, or ask the admin to raise MAX_FILE_MB.",
            code="too_large",
        )


def is_verification(request: HttpRequest) -> bool:
    """Whether everything is to be checked and nothing written, no trace of this request included."""
    verify = request.POST.get(":action") == "verify" or request.POST.get("verify", "").strip() not in ("", "0", "false")
    if verify:
        credentials.leave_no_trace(request)
    return verify


def pairs(request: HttpRequest) -> list[tuple[str, str]]:
    """The form's text fields; fields of one name stay in their order."""
    return [(name, str(value)) for name, values in request.POST.lists() for value in values]


def upload(request: HttpRequest) -> Upload:
    """
    The one file of an upload form and its fields.

    Raises:
        Invalid: There is no file, or more than one.
    """
    sent: Sequence[UploadedFile[Any]] = request.FILES.getlist("content")
    if len(sent) != 1:
        message = (
            "The form has no file in the field 'content'."
            if not sent
            else f"The form has {len(sent)} files in 'content'."
        )
        raise Invalid([Problem("content.count", "content", message, hint="Send one file a request.")])
    return Upload(pairs(request), sent[0].name or "", sent[0])  # type: ignore[arg-type]


def reply(request: HttpRequest, outcome: Outcome) -> HttpResponse:
    """The good answer, for a person or a program."""
    url = public_url(reverse("discover:release", args=[outcome.name, outcome.version]))
    if errors.wants(request) == "json":
        return JsonResponse(
            {
                "ok": True,
                "action": outcome.action,
                "name": outcome.name,
                "version": outcome.version,
                "url": url,
                "problems": [problem.as_dict() for problem in outcome.problems],
            }
        )
    told = {
        "created": "is on the index now",
        "updated": "was there and now says what you sent",
        "verified": "would be accepted; nothing was written",
        "unchanged": "was there already, byte for byte",
    }[outcome.action]
    lines = [f"{outcome.name} {outcome.version} {told}: {url}", *(f"- {problem}" for problem in outcome.problems)]
    return HttpResponse("\n".join(lines) + "\n", content_type="text/plain; charset=utf-8")
