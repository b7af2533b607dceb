"""The wire of docs/protocol/usage.md: discovery, installs, tokens, events. No cookie is looked at."""

from __future__ import annotations

import json
import math
import re
import time
from collections.abc import Callable
from datetime import date
from functools import wraps
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from otumat.errors import Invalid, NotFound, OtumatError, Problem, Refused
from otumat.spec.event import BATCH_MAX_BYTES, MEDIA_TYPE
from otumat_index.accounts import oauth
from otumat_index.usage import actions, queries, receipts
from otumat_index.usage.actions.installs import Asked
from otumat_index.usage.stores.orm import STORE
from otumat_index.web.errors import TooMany
from otumat_index.web.middleware import client_address
from otumat_index.web.pace import Pace

BODY_MAX_BYTES = 64 * 1024
INSTALLS = Pace(at_once=500, per_s=500 / 3600)
"""Anonymous installs from one address: a classroom at once, not a flood; each worker counts by itself."""
_CONTEXT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+!-]{0,63}")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_KEY = re.compile(r"[0-9a-f]{32}")
Door = Callable[..., HttpResponse]


@require_GET
def discovery(request: HttpRequest) -> HttpResponse:
    """What this host offers (RFC 8414)."""
    here = settings.CONFIG.public_url.rstrip("/")
    return JsonResponse(
        {
            "issuer": here,
            "token_endpoint": f"{here}/auth/token",
            "grant_types_supported": ["refresh_token"],
            "token_endpoint_auth_methods_supported": ["none"],
            "response_types_supported": ["code"],
            "otumat_usage": {
                "version": 1,
                "consent_endpoint": f"{here}/user/usage-install",
                "install_endpoint": f"{here}/api/usage-install",
                "event_endpoint": f"{here}/api/usage-event",
                "anonymous": True,
            },
        }
    )


@csrf_exempt
@never_cache
@require_POST
def installs(request: HttpRequest) -> HttpResponse:
    """Route 2: an anonymous install."""
    wait_s = INSTALLS.wait_s(client_address(request), at_s=time.monotonic())
    if wait_s:
        raise TooMany("Too many installs from here.", hint="Wait a while.", retry_after_s=math.ceil(wait_s))
    pair = actions.make_install(asked(request), at=timezone.now())
    return JsonResponse(pair.as_json(), status=201)


def asked(request: HttpRequest) -> Asked:
    """What an install says of itself; everything wrong with it is told at once."""
    told = json_of(request)
    fields = {name: told.get(name, "") for name in ("project", "release", "manifest", "since")}
    key = request.headers.get("Idempotency-Key", "")
    wording = told.get("wording", 1)
    sound = {
        "project": is_like(_CONTEXT, fields["project"]),
        "release": fields["release"] == "" or is_like(_CONTEXT, fields["release"]),
        "manifest": fields["manifest"] == "" or is_like(_DIGEST, fields["manifest"]),
        "since": fields["since"] == "" or day_of(fields["since"]) is not None,
        "wording": isinstance(wording, int) and 0 < wording < 1_000_000,
        "Idempotency-Key": is_like(_KEY, key),
    }
    wrong = [Problem(f"install.{name}", name, f"{name} is malformed.") for name, holds in sound.items() if not holds]
    if wrong:
        raise Invalid(wrong)
    since = day_of(fields["since"])
    return Asked(fields["project"], fields["release"], fields["manifest"], int(wording), key, since)


def is_like(pattern: re.Pattern[str], value: object) -> bool:
    return isinstance(value, str) and pattern.fullmatch(value) is not None


def day_of(value: object) -> date | None:
    try:
        return date.fromisoformat(value) if isinstance(value, str) and value else None
    except ValueError:
        return None


def json_of(request: HttpRequest) -> dict[str, Any]:
    """A small JSON object."""
    try:
        value = json.loads(limited(request, BODY_MAX_BYTES))
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise Invalid([Problem("body", "body", "The body is no JSON object.")])
    return value


def limited(request: HttpRequest, most: int) -> bytes:
    """The body, if it is no larger; one that is is not read."""
    size = request.META.get("CONTENT_LENGTH") or "0"
    if not str(size).isdigit() or int(size) > most or len(request.body) > most:
        raise OtumatError(f"The body is larger than {most} bytes.", code="too_large")
    return request.body


@csrf_exempt
@never_cache
@require_http_methods(["GET", "DELETE"])
def install(request: HttpRequest, install: str) -> HttpResponse:
    """An install's own: look at it, withdraw it, erase it."""
    now = timezone.now()
    found = queries.own(request.headers.get("Authorization", ""), install, at=now)
    if request.method == "GET":
        return kept(request, found.pk) if request.GET.get("batch") else JsonResponse(queries.exported(found))
    if request.GET.get("erase") != "1":
        actions.withdraw_install(found, at=now)
        return JsonResponse({"ok": True})
    project = found.project.normalized
    batches = actions.erase_install(found, at=now)
    return JsonResponse(receipts.receipt(install=install, project=project, batches=batches, at=now))


def kept(request: HttpRequest, number: int) -> HttpResponse:
    """One batch as it was sent."""
    body = STORE.body(number, request.GET["batch"][:32])
    if not body:
        raise NotFound("That batch is not kept, or not any more.")
    return HttpResponse(body, content_type=MEDIA_TYPE)


@csrf_exempt
@never_cache
@require_POST
def events(request: HttpRequest) -> HttpResponse:
    """Route 3: a batch of uses."""
    now = timezone.now()
    install, is_over = queries.install_behind(request.headers.get("Authorization", ""), at=now)
    if is_over and install.withdrawn_at is None:
        raise oauth.unknown_token()
    if install.withdrawn_at:
        raise Refused("This install was withdrawn.", code="withdrawn")
    if request.content_type != MEDIA_TYPE or request.headers.get("Content-Encoding") != "gzip":
        raise OtumatError(f"A batch is {MEDIA_TYPE}, with gzip.", code="media_type")
    packed = limited(request, BATCH_MAX_BYTES)
    told = actions.accept_events(install, packed, key=request.headers.get("Idempotency-Key", ""), at=now)
    refused = [{"row": row, "code": code} for row, code in told.refused]
    said = {"ok": True, "batch": told.batch, "sha256": told.sha256, "counted": told.counted}
    return JsonResponse({**said, "refused": refused, "replayed": told.replayed})


def grants(door: Door) -> Door:
    """Errors as RFC 6749, 5.2 has them."""

    @csrf_exempt
    @never_cache
    @require_POST
    @wraps(door)
    def wrapped(request: HttpRequest) -> HttpResponse:
        try:
            return door(request)
        except oauth.GrantRefused as exc:
            status = 401 if exc.code == "invalid_client" else 400
            return JsonResponse({"error": exc.code, "error_description": exc.message}, status=status)

    return wrapped


@grants
def token(request: HttpRequest) -> HttpResponse:
    """Route 4: the token endpoint."""
    limited(request, BODY_MAX_BYTES)
    form = request.POST
    if form.get("client_id") != oauth.CLIENT_ID:
        raise oauth.GrantRefused(f"The only client is {oauth.CLIENT_ID}.", code="invalid_client")
    if form.get("grant_type") != "refresh_token":
        raise oauth.GrantRefused("This grant is not offered.", code="unsupported_grant_type")
    return tokens(oauth.refresh(form.get("refresh_token", ""), at=timezone.now()))


def tokens(pair: oauth.Pair) -> HttpResponse:
    answer = JsonResponse(pair.as_json())
    answer["Cache-Control"] = "no-store"
    return answer
