"""
Routes 1 and 2 for 0.3 copies: the same question, and an answer that their listener understands.

The link carries the number of the network card, the place and the time zone of the machine. Nothing of ours reads
them: the browser is sent on at once to an address without them, and everything else works from that one.
"""

from __future__ import annotations

from urllib.parse import urlencode

from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_protect
from django.views.decorators.http import require_safe

from otumat_index.accounts import credentials, oauth
from otumat_index.usage import limits, queries
from otumat_index.usage.actions.installs import open_project
from otumat_index.usage.actions.legacy import allow_legacy
from otumat_index.usage.legacy.asked import CANCELLED, DONE, KEPT, read_link
from otumat_index.usage.surveys import queries as surveys
from otumat_index.usage.surveys.rules import given, says_yes
from otumat_index.usage.views import SeeOther, returning, told_of


@never_cache
@require_safe
def consent(request: HttpRequest) -> HttpResponse:
    """Route 1: who asks, what is collected, for how long, and what never."""
    link = read_link(request.GET)
    carried = [(name, request.GET[name]) for name in KEPT if name in request.GET]
    here = f"{request.path}?{urlencode(carried)}"
    if not set(request.GET) <= set(KEPT):
        return SeeOther(here)
    by = credentials.from_session(request)
    project, state = open_project(link.asked.project, by=by, at=timezone.now())
    if state.account == "required" and by.user_id is None:
        return redirect_to_login(here)
    told = told_of(project, state, "")
    carried.append(("manifest", queries.digest_shown(project, "")))
    told |= {"carried": carried, "action": "/api/usage-install", "here": here, "survey": surveys.asked_of(project)}
    return returning(render(request, "usage/consent.html", {**told, "legacy": link}), link)


@never_cache
@csrf_protect
def answer(request: HttpRequest) -> HttpResponse:
    """Route 2: what was said; the tokens go back by way of the browser, as 0.3 has it."""
    link = read_link(request.POST)
    if not says_yes(request.POST):
        return returning(SeeOther(link.origin + CANCELLED), link)
    limits.check_install(request)
    pair, secret = allow_legacy(
        link,
        answers=given(request.POST),
        by=credentials.from_session(request),
        is_linked=request.POST.get("link") == "yes",
        at=timezone.now(),
    )
    told = {
        "accessToken": pair.access_token,
        "refreshToken": pair.refresh_token,
        "expiresIn": oauth.ACCESS_S,
        "scope": oauth.SCOPE,
        "installId": pair.install,
        "clientId": oauth.LEGACY_CLIENT_ID,
        "clientSecret": secret,
    }
    response = returning(SeeOther(f"{link.origin}{DONE}?{urlencode(told)}"), link)
    response["Referrer-Policy"] = "no-referrer"
    return response
