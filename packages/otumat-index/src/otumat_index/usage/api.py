"""The wire of docs/protocol/usage.md: discovery, installs, tokens, events. No cookie is looked at."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, TypeVar

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse, QueryDict
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from otumat.errors import Invalid, NotFound, OtumatError, Problem, Refused
from otumat.spec.event import BATCH_MAX_BYTES, MEDIA_TYPE
from otumat_index.accounts import oauth
from otumat_index.usage import actions, limits, queries, receipts, views
from otumat_index.usage.actions.enrolments import DEVICE_S, INTERVAL_S
from otumat_index.usage.actions.installs import Asked
from otumat_index.usage.asked import read_asked
from otumat_index.usage.mine.visits import LINK_S, offer
from otumat_index.usage.models import Install

BODY_MAX_BYTES = 64 * 1024
DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"
KEY = re.compile(r"[0-9a-f]{32}")
Door = Callable[..., HttpResponse]
Failure = TypeVar("Failure", bound=OtumatError)


@require_GET
def discovery(request: HttpRequest) -> HttpResponse:
    """What this host offers (RFC 8414)."""
    here = settings.CONFIG.public_url.rstrip("/")
    return JsonResponse(
        {
            "issuer": here,
            "authorization_endpoint": f"{here}/user/usage-install",
            "token_endpoint": f"{here}/auth/token",
            "device_authorization_endpoint": f"{here}/oauth/device",
            "revocation_endpoint": f"{here}/oauth/revoke",
            "response_types_supported": ["code"],
            "grant_types_supported": ["authorization_code", "refresh_token", DEVICE_GRANT],
            "code_challenge_methods_supported": ["S256"],
            "token_endpoint_auth_methods_supported": ["none"],
            "authorization_response_iss_parameter_supported": True,
            "otumat_usage": {
                "version": 1,
                "consent_endpoint": f"{here}/user/usage-install",
                "install_endpoint": f"{here}/api/usage-install",
                "event_endpoint": f"{here}/api/usage-event",
                "anonymous": True,
                "receipt_keys": receipts.keys(),
            },
        }
    )


@csrf_exempt
@never_cache
@require_POST
def installs(request: HttpRequest) -> HttpResponse:
    """Route 2: an anonymous install; or the answer that the consent page sends."""
    if request.content_type == "application/x-www-form-urlencoded":
        return views.answer(request)
    if request.content_type != "application/json":  # the only one of the two that no page of another site can send
        raise OtumatError("An install is asked for in application/json.", code="media_type")
    limits.check_install(request)
    pair = actions.make_install(asked(request), at=timezone.now())
    return JsonResponse(pair.as_json(), status=201)


def asked(request: HttpRequest) -> Asked:
    """What an install says of itself."""
    return read_asked(json_of(request), key=request.headers.get("Idempotency-Key", "-"))


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
    now, key = timezone.now(), key_of(request)
    erases = request.method == "DELETE" and request.GET.get("erase") == "1"
    if erases and (again := actions.erased_before(install, key=key)):
        return JsonResponse(again)
    found = queries.own(request.headers.get("Authorization", ""), install, at=now)
    if request.method == "GET":
        return kept(request, found) if request.GET.get("batch") else JsonResponse(queries.exported(found))
    if erases:
        return JsonResponse(actions.erase_install(found, key=key, at=now))
    actions.withdraw_install(found, at=now)
    return JsonResponse({"ok": True})


def key_of(request: HttpRequest) -> str:
    """The idempotency key, if there is one that nobody guesses."""
    key = request.headers.get("Idempotency-Key", "")
    return key if KEY.fullmatch(key) else ""


@csrf_exempt
@never_cache
@require_POST
def visits(request: HttpRequest, install: str) -> HttpResponse:
    """A link to the page of an install, for its person's browser: good once, and not for long."""
    now = timezone.now()
    found = queries.own(request.headers.get("Authorization", ""), install, at=now)
    page = f"{settings.CONFIG.public_url.rstrip('/')}/usage/visit/{offer(found, at=now)}/"
    return JsonResponse({"ok": True, "url": page, "expires_in": LINK_S}, status=201)


def kept(request: HttpRequest, found: Install) -> HttpResponse:
    """One batch as it was sent."""
    body = queries.body_of(found, request.GET["batch"][:32])
    if not body:
        raise NotFound("That batch is not kept, or not any more.")
    return HttpResponse(body, content_type=MEDIA_TYPE)


@csrf_exempt
@never_cache
@require_POST
def events(request: HttpRequest) -> HttpResponse:
    """Route 3: a batch of uses."""
    now, header = timezone.now(), request.headers.get("Authorization", "")
    install, is_over = queries.install_behind(header, at=now)
    if is_over and install.withdrawn_at is None:
        raise oauth.unknown_token()
    if install.withdrawn_at:
        raise Refused("This install was withdrawn.", code="withdrawn")
    if request.content_type != MEDIA_TYPE or request.headers.get("Content-Encoding") != "gzip":
        raise OtumatError(f"A batch is {MEDIA_TYPE}, with gzip.", code="media_type")
    packed = limited(request, BATCH_MAX_BYTES)
    key, is_copy = request.headers.get("Idempotency-Key", ""), oauth.shows_proof(header)
    told = actions.accept_events(install, packed, key=key, is_copy=is_copy, at=now)
    refused = [{"row": row, "code": code} for row, code in told.refused]
    said = {"ok": True, "batch": told.batch, "sha256": told.sha256, "counted": told.counted}
    return JsonResponse({**said, "refused": refused, "replayed": told.replayed})


def posted(refusal: type[Failure], told: Callable[[Failure], HttpResponse]) -> Callable[[Door], Door]:
    """A door for POST alone that no cookie opens, where errors of a kind are told in a form of their own."""

    def decorated(door: Door) -> Door:
        @csrf_exempt
        @never_cache
        @require_POST
        @wraps(door)
        def wrapped(request: HttpRequest) -> HttpResponse:
            try:
                return door(request)
            except refusal as exc:
                return told(exc)

        return wrapped

    return decorated


def as_grant_error(exc: oauth.GrantRefused) -> HttpResponse:
    """RFC 6749, 5.2."""
    status = 401 if exc.code == "invalid_client" else 400
    return JsonResponse({"error": exc.code, "error_description": exc.message}, status=status)


grants = posted(oauth.GrantRefused, as_grant_error)


@grants
def token(request: HttpRequest) -> HttpResponse:
    """Route 4: the token endpoint."""
    limited(request, BODY_MAX_BYTES)
    form = request.POST
    if form.get("client_id") != oauth.CLIENT_ID:
        raise oauth.GrantRefused(f"The only client is {oauth.CLIENT_ID}.", code="invalid_client")
    grant = GRANTS.get(form.get("grant_type", ""))
    if grant is None:
        raise oauth.GrantRefused("This grant is not offered.", code="unsupported_grant_type")
    return tokens(grant(form))


GRANTS: Mapping[str, Callable[[QueryDict], oauth.Pair]] = {
    "refresh_token": lambda form: oauth.refresh(form.get("refresh_token", ""), at=timezone.now()),
    "authorization_code": lambda form: actions.exchange_code(
        form.get("code", ""),
        redirect_uri=form.get("redirect_uri", ""),
        verifier=form.get("code_verifier", ""),
        at=timezone.now(),
    ),
    DEVICE_GRANT: lambda form: actions.poll_device(form.get("device_code", ""), at=timezone.now()),
}


def tokens(pair: oauth.Pair) -> HttpResponse:
    answer = JsonResponse(pair.as_json() | {"account": queries.is_linked(pair.family)})
    answer["Cache-Control"] = "no-store"
    return answer


@grants
def device(request: HttpRequest) -> HttpResponse:
    """A code for somebody to type in any browser (RFC 8628, 3.2)."""
    limited(request, BODY_MAX_BYTES)
    if request.POST.get("client_id") != oauth.CLIENT_ID:
        raise oauth.GrantRefused(f"The only client is {oauth.CLIENT_ID}.", code="invalid_client")
    limits.check_install(request)
    told, code = actions.ask_for_code(read_asked(request.POST, key=""), at=timezone.now())
    page = f"{settings.CONFIG.public_url.rstrip('/')}/device"
    return JsonResponse(
        {
            "device_code": told,
            "user_code": code,
            "verification_uri": page,
            "verification_uri_complete": f"{page}?user_code={code}",
            "expires_in": DEVICE_S,
            "interval": INTERVAL_S,
        }
    )


@grants
def revoke(request: HttpRequest) -> HttpResponse:
    """The end of a token and all its kin (RFC 7009)."""
    limited(request, BODY_MAX_BYTES)
    oauth.revoke(request.POST.get("token", ""), at=timezone.now())
    return HttpResponse()
