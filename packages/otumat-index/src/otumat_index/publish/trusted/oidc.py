"""
The doors of PEP 807 and of the clients that came before it: discovery, audience, mint, burn.

Errors are problem objects of RFC 9457 that also carry `message` and `errors`, which uv and twine print.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt

from otumat.errors import Invalid, NotFound, OtumatError, Problem, Refused
from otumat_index.accounts.adapter import public_url
from otumat_index.publish.trusted import issuers, minting
from otumat_index.web import errors

BODY_MAX_BYTES = 50_000
FEATURES = ("multi-use-token",)
TYPES = ("application/vnd.pypi.pytp.v1+json", "application/json", "application/*", "*/*")
Door = Callable[[HttpRequest], HttpResponse]

log = logging.getLogger(__name__)


def door(method: str) -> Callable[[Door], Door]:
    """A door for one method, for programs: no cookie is looked at, nothing is cached, failures are problem objects."""

    def decorate(function: Door) -> Door:
        @csrf_exempt
        @wraps(function)
        def opened(request: HttpRequest) -> HttpResponse:
            if request.method != method:
                response = problem(405, "method_not_allowed", f"This address takes {method} only.")
                response["Allow"] = method
            elif not is_acceptable(request.headers.get("Accept", "")):
                response = problem(406, "not_acceptable", f"This address answers with {TYPES[0]}.")
            else:
                response = answered(function, request)
            response["Cache-Control"] = "no-store"
            return response

        return opened

    return decorate


def answered(function: Door, request: HttpRequest) -> HttpResponse:
    try:
        if not issuers.trusted():
            raise NotFound("This index has no trusted publishing.", hint="Use an API token.", code="not_enabled")
        return function(request)
    except OtumatError as exc:
        log.info("%s refused: %s", request.path, exc.code)  # never what was sent (A89)
        return failure(exc)


def is_acceptable(accept: str) -> bool:
    """PEP 807: no Accept header is the right one, and what names another type alone is told so."""
    asked = [part.partition(";")[0].strip().lower() for part in accept.split(",") if part.strip()]
    return not asked or any(part in TYPES for part in asked)


def failure(error: OtumatError) -> HttpResponse:
    """One of our errors; `errors` has each problem of it."""
    listed = [(each.code, f"{each.message} {each.hint}".strip()) for each in getattr(error, "problems", ())]
    return problem(errors.status_of(error), error.code, str(error), listed)


def problem(status: int, code: str, text: str, listed: list[tuple[str, str]] | None = None) -> HttpResponse:
    told = [{"code": each, "description": words} for each, words in listed or [(code, text)]]
    body: dict[str, Any] = {
        "type": "about:blank",
        "title": errors.TITLES.get(status, "Error"),
        "status": status,
        "detail": text,
        "code": code,
        "message": text,
        "errors": told,
    }
    return JsonResponse(body, status=status, content_type="application/problem+json")


@door("GET")
def discover(request: HttpRequest) -> HttpResponse:
    """Where to go for an upload address; 404 for every other key."""
    names = ("publish:legacy", "pypi")
    paths = {path for name in names for path in (reverse(name).rstrip("/"), reverse(name).rstrip("/") + "/")}
    if request.GET.get("discover", "") not in paths:
        raise NotFound("Nothing is uploaded at that path.", hint="Use the index's upload address, such as /legacy/.")
    return JsonResponse(
        {
            "audience-endpoint": public_url(reverse("publish:oidc_audience")),
            "token-mint-endpoint": public_url(reverse("publish:oidc_mint")),
            "features": list(FEATURES),
            "default-features": list(FEATURES),
        }
    )


@door("GET")
def audience(request: HttpRequest) -> HttpResponse:
    """What to ask one's issuer for."""
    return JsonResponse({"audience": minting.audience()})


@door("POST")
def mint(request: HttpRequest) -> HttpResponse:
    """Exchange an identity token for an upload token."""
    check_secure(request)
    sent = body_of(request)
    wanted = sent.get("features")
    if wanted is not None and not (isinstance(wanted, list) and all(each in FEATURES for each in wanted)):
        message = f"This index offers {', '.join(FEATURES)}."
        raise Invalid([Problem("token.features", "features", message, hint="Leave it out.")])
    minted = minting.mint(token_of(sent), at=timezone.now())
    return JsonResponse({"success": True, "token": minted.text, "expires": int(minted.expires_at.timestamp())})


@door("POST")
def burn(request: HttpRequest) -> HttpResponse:
    """End a minted token. One answer whether it was one: nobody can try tokens here."""
    check_secure(request)
    minting.burn(token_of(body_of(request)), at=timezone.now())
    return HttpResponse(status=202)


def check_secure(request: HttpRequest) -> None:
    if settings.CONFIG.require_https and not request.is_secure():
        hint = "Use the https address of the index."
        raise Refused("This index takes credentials over https only.", hint=hint, code="https_required")


def body_of(request: HttpRequest) -> dict[str, Any]:
    """The JSON object that was sent, whatever its Content-Type says: not every client names one."""
    data = request.read(BODY_MAX_BYTES + 1)
    if len(data) > BODY_MAX_BYTES:
        raise Refused(f"The request is larger than {BODY_MAX_BYTES} bytes.", code="too_large")
    try:
        found = json.loads(data)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise Invalid([Problem("payload.malformed", "token", "Expected a JSON object with the member 'token'.")])
    return found


def token_of(sent: dict[str, Any]) -> str:
    token = sent.get("token")
    if not isinstance(token, str) or not token:
        raise Invalid([Problem("payload.malformed", "token", "The member 'token' is no text.")])
    return token.strip()
