"""Pages of keys, the lookup of a file, and provenance."""

from __future__ import annotations

import functools
from datetime import datetime

from allauth.account.decorators import reauthentication_required
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from otumat.errors import Invalid, OtumatError, Problem
from otumat.spec.vouching.keyring import ROLES
from otumat_index.accounts import credentials
from otumat_index.accounts.adapter import public_url
from otumat_index.publish import queries as publish
from otumat_index.publish.doors import may, opened
from otumat_index.publish.models import Project
from otumat_index.publish.signing import actions, attested, queries
from otumat_index.trust import history
from otumat_index.trust import queries as trust
from otumat_index.web.errors import status_of, wants

INTEGRITY_JSON = "application/vnd.pypi.integrity.v1+json"
"""PEP 740."""


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def keys(request: HttpRequest, name: str) -> HttpResponse:
    """A project's keys with their history, and a form for another; whoever adds one shows again who it is."""
    deed = "vouch" if request.method == "POST" else "manage"
    project = opened(request, name, by=credentials.from_session(request), deed=deed)
    if request.method == "POST":
        answer: HttpResponse = add_key(request, project)
        return answer
    return keys_page(request, project)


@reauthentication_required(app="allauth.mfa")  # type: ignore[untyped-decorator]
def add_key(request: HttpRequest, project: Project) -> HttpResponse:
    sent = request.POST.dict()
    try:
        added = actions.add_key(
            project,
            sent.get("key", ""),
            role=sent.get("role", ""),
            note=sent.get("note", "").strip(),
            replaces=sent.get("replaces", ""),
            by=credentials.from_session(request),
            at=timezone.now(),
        )
    except OtumatError as exc:
        return keys_page(request, project, sent, exc)
    messages.success(request, f"The key {added.key_id[:16]}… may sign for {project.name} now.")
    return redirect("publish:keys", project.normalized)


@login_required
@require_POST
def revoke(request: HttpRequest, name: str, key_id: str) -> HttpResponse:
    """End a key."""
    by = credentials.from_session(request)
    project = opened(request, name, by=by)
    sent = request.POST.dict()
    try:
        since = read_moment(sent.get("since", ""))
        ended = actions.revoke_key(
            project,
            key_id,
            kind=sent.get("kind", ""),
            reason=sent.get("reason", "").strip(),
            since=since,
            by=by,
            at=timezone.now(),
        )
    except OtumatError as exc:
        return keys_page(request, project, {}, exc)
    messages.success(request, f"The key {ended.key_id[:16]}… is ended.")
    return redirect("publish:keys", project.normalized)


def read_moment(text: str) -> datetime | None:
    """What a field for a moment sends, in UTC; None for nothing."""
    if not text.strip():
        return None
    try:
        return datetime.fromisoformat(text.strip()).replace(tzinfo=timezone.get_default_timezone())
    except ValueError:
        message = f"{text[:40]!r} is no moment such as 2026-01-31T12:00."
        raise Invalid([Problem("key.since", "since", message)]) from None


@login_required
@require_POST
def signatures(request: HttpRequest, name: str) -> HttpResponse:
    """Set what is done about signatures of uploads."""
    by = credentials.from_session(request)
    project = opened(request, name, by=by)
    try:
        actions.ask_signatures(project, request.POST.get("policy", ""), by=by, at=timezone.now())
    except OtumatError as exc:
        return keys_page(request, project, {}, exc)
    messages.success(request, "From now on, that is done about signatures.")
    return redirect("publish:keys", project.normalized)


def keys_page(
    request: HttpRequest, project: Project, sent: dict[str, str] | None = None, failure: OtumatError | None = None
) -> HttpResponse:
    listed = trust.keys(project.normalized)
    context = {
        "project": project,
        "active": [key for key in listed if key.revoked_at is None],
        "ended": [key for key in listed if key.revoked_at is not None],
        "roles": ROLES,
        "may_add": may(request, "vouch", project),
        "index_policy": settings.CONFIG.signatures,
        "sent": sent or {},
        "failure": failure,
        "problems": getattr(failure, "problems", ()),
        "command": f"otumat keys pin {project.normalized} --index {public_url('/').rstrip('/')}",
    }
    return render(request, "publish/keys.html", context, status=status_of(failure) if failure else 200)


@never_cache
@require_safe
def origin(request: HttpRequest, digest: str) -> HttpResponse:
    """Which release is this installed file from?"""
    wanted = digest.lower()
    if len(wanted) != 64 or wanted.strip("0123456789abcdef"):
        message = f"{digest[:80]!r} is no SHA-256."
        raise Invalid(
            [Problem("digest.malformed", "digest", message, hint="Give 64 hexadecimal digits: sha256sum FILE")]
        )
    found = queries.origins(wanted, by=credentials.from_request(request))
    if wants(request) != "html":
        return JsonResponse({"sha256": wanted, "found": [shown(each) for each in found]})
    return render(request, "publish/origin.html", {"digest": wanted, "found": found})


def shown(found: queries.Origin) -> dict[str, str]:
    """A release that a file is from, as JSON."""
    url = public_url(f"/project/{found.normalized}/{found.version}/")
    return {
        "project": found.normalized,
        "version": found.version,
        "filename": found.filename,
        "path": found.path,
        "url": url,
    }


@require_safe
def key_list(request: HttpRequest, name: str) -> HttpResponse:
    """The list of a project's keys, signed by the index: what hosts pin."""
    project = publish.find(name, functools.partial(credentials.from_request, request))
    listed = history.signed_list(project.normalized, at=timezone.now())
    return unkept(HttpResponse(listed, content_type="application/json"), project)


@require_safe
def provenance(request: HttpRequest, name: str, version: str, filename: str) -> HttpResponse:
    """PEP 740: what is attested of a file."""
    project = publish.find(name, functools.partial(credentials.from_request, request))
    file = queries.file_of(project, version, filename)
    return unkept(JsonResponse(attested.provenance(project, file), content_type=INTEGRITY_JSON), project)


def unkept(response: HttpResponse, project: Project) -> HttpResponse:
    """What is asked for anew each time; of a private project, by nobody in between."""
    response["Cache-Control"] = "private, no-store" if project.is_private else "no-cache"
    if project.is_private:
        response["Vary"] = "Authorization, Cookie"
    return response
