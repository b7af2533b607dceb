"""The doors through which packages come in: the draft's commands and today's upload route."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST

from otumat.errors import Invalid, Problem
from otumat_index.accounts import credentials, draft_views
from otumat_index.journal.actor import NOBODY, Actor
from otumat_index.publish import actions, forms, multipart, queries

Door = Callable[[HttpRequest, Actor], HttpResponse]
FORMS = ("multipart/form-data", "application/x-www-form-urlencoded")


# Uploaders hold no cookie: the header alone says who they are, so no other site can make a browser upload.
@csrf_exempt
@require_POST
def submit(request: HttpRequest) -> HttpResponse:
    """The draft's `submit`: a form of metadata makes or replaces an entry. `:action=verify` writes nothing."""
    by = credentials.counted(request)  # nobody unknown makes us read a body
    forms.check_size(request)
    return take_metadata(request, by)


def take_metadata(request: HttpRequest, by: Actor) -> HttpResponse:
    """`:action=submit` and `verify`."""
    verify = forms.is_verification(request)
    fields = [(name, value) for name, value in forms.pairs(request) if name not in actions.NOT_METADATA]
    return forms.reply(request, actions.submit_release(fields, by=by, at=timezone.now(), verify=verify))


def take_file(request: HttpRequest, by: Actor) -> HttpResponse:
    """`:action=file_upload`: one wheel or sdist with its form."""
    sent = forms.upload(request)
    verify = forms.is_verification(request)
    return forms.reply(request, actions.publish_file(sent, by=by, at=timezone.now(), verify=verify))


def list_classifiers(request: HttpRequest, by: Actor = NOBODY) -> HttpResponse:
    """`:action=list_classifiers`: the list to paste into a project's metadata."""
    return HttpResponse(
        "\n".join(queries.vocabulary().sorted_for_display) + "\n", content_type="text/plain; charset=utf-8"
    )


LEGACY: dict[str, Door] = {
    "submit": take_metadata,
    "verify": take_metadata,
    "file_upload": take_file,
    "list_classifiers": list_classifiers,
}


OPEN: dict[str, Callable[[HttpRequest], HttpResponse]] = {
    "user": draft_views.take_user,
    "password_reset": draft_views.take_reminder,
    "password_reminder": draft_views.take_reminder,
}
"""What needs no account: it is about getting one. Forms of a few kB, never more."""


@csrf_exempt
@sensitive_post_parameters("password", "confirm")
def legacy(request: HttpRequest) -> HttpResponse:
    """`/legacy/` and `/pypi`: the commands of old and new clients, told apart by `:action`."""
    if request.method == "GET" and request.GET.get(":action") == "list_classifiers":
        return list_classifiers(request)
    if request.method != "POST":
        return HttpResponseRedirect("/")
    if request.headers.get("Content-Type", "").partition(";")[0].strip().lower() not in FORMS:
        raise Invalid(
            [
                Problem(
                    "form.type",
                    ":action",
                    "Expected a form (multipart/form-data).",
                    hint="Use twine, uv publish or otumat publish.",
                )
            ]
        )
    if draft_views.is_small(request):
        multipart.read(request)
        if request.POST.get(":action") in OPEN:
            return OPEN[request.POST[":action"]](request)
    by = credentials.counted(request)  # nobody unknown makes us read a long body
    forms.check_size(request)
    multipart.read(request)
    name = request.POST.get(":action", "")
    if name not in LEGACY:
        hint = f"This index knows {', '.join([*LEGACY, *OPEN])}."
        raise Invalid(
            [
                Problem(
                    "action.unknown",
                    ":action",
                    f"{name!r} is no action." if name else "The form names no :action.",
                    value=name,
                    hint=hint,
                )
            ]
        )
    return LEGACY[name](request, by)
