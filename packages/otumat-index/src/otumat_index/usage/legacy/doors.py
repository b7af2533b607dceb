"""
Routes 3 and 4, and the way out, for 0.3 copies, which read little of an answer and take much to heart.

Every error is JSON; an expired token is told in exactly the words that they look for. On the token route any 4xx or 5xx
is the end of their enrolment, so a passing fault of ours is answered with 200 and an access token that is none: the
next request then fails, and they keep what they hold.
"""

from __future__ import annotations

import logging

from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone

from otumat.errors import OtumatError
from otumat_index.accounts import oauth
from otumat_index.accounts.rules import parse_basic
from otumat_index.usage import api, queries
from otumat_index.usage.actions import legacy as actions
from otumat_index.usage.legacy import uses
from otumat_index.web.errors import TooMany, status_of

log = logging.getLogger(__name__)


def as_old_error(exc: OtumatError) -> HttpResponse:
    """With `error_msg` and `error_desc`."""
    said = {"error_msg": exc.message, "error_desc": exc.code}
    if exc.code == "token_expired":
        said = {"error_msg": "Authorization Failed", "error_desc": f"TokenExpiredError: {exc.message}"}
    return JsonResponse({"ok": False, **said}, status=status_of(exc))


@api.posted(OtumatError, as_old_error)
def events(request: HttpRequest) -> HttpResponse:
    """Route 3: every use that the copy holds."""
    now = timezone.now()
    install = queries.legacy_install_behind(request.headers.get("Authorization", ""), at=now)
    rows = uses.read_post(api.limited(request, uses.POST_MAX_BYTES), install.name)
    return JsonResponse({"ok": True, "counted": actions.accept_posted(install, rows, at=now)})


@api.grants
def token(request: HttpRequest) -> HttpResponse:
    """Route 4: another access token, before every upload."""
    api.limited(request, api.BODY_MAX_BYTES)
    text = request.POST.get("refresh_token", "")
    client, secret = parse_basic(request.headers.get("Authorization", "")) or ("", "")
    if request.POST.get("grant_type") != "refresh_token":
        raise oauth.GrantRefused("This grant is not offered.", code="unsupported_grant_type")
    try:
        pair = actions.refresh_legacy(text, client=client, secret=secret, at=timezone.now())
    except TooMany:
        return JsonResponse(answer("", text, 0))
    except DatabaseError:
        log.exception("A 0.3 copy could not be given a token; it comes again")
        return JsonResponse(answer("", text, 0))
    return JsonResponse(answer(pair.access_token, pair.refresh_token, oauth.ACCESS_S))


@api.grants
def revoke(request: HttpRequest) -> HttpResponse:
    """The end of an install that a current Otumat took over from 0.3 (RFC 7009); with `erase=1`, and of all it told."""
    api.limited(request, api.BODY_MAX_BYTES)
    client, secret = parse_basic(request.headers.get("Authorization", "")) or ("", "")
    form, key = request.POST, api.key_of(request)
    whose = {"client": client, "secret": secret, "install": form.get("install", "")[:64]}
    erases = form.get("erase") == "1"
    told = actions.end_legacy(form.get("token", ""), **whose, erases=erases, key=key, at=timezone.now())
    return JsonResponse(told or {"ok": True})


def answer(access: str, refresh: str, expires_in: int) -> dict[str, object]:
    """All four fields are read; a missing one is an exception there."""
    said = {"access_token": access, "refresh_token": refresh, "expires_in": expires_in}
    return {**said, "token_type": "Bearer", "scope": oauth.SCOPE}
