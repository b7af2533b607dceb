"""Stopping mail from the mail itself: no login, and one click where the mail program offers it (RFC 8058)."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from otumat.errors import NotFound
from otumat_index.accounts.notices import actions, queries
from otumat_index.journal.actor import Actor


@csrf_exempt  # mail programs POST it without cookies; the token in the address is what proves the right
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def unsubscribe(request: HttpRequest, token: str) -> HttpResponse:
    """
    A POST stops the mail; a GET asks first, for mail filters open every link (RFC 8058, section 1).

    Whatever the form holds: mail programs send `List-Unsubscribe=One-Click`, the page's own button nothing.
    """
    found = queries.read_token(token)
    if found is None:
        raise NotFound("This link is not complete.", hint="Open it from the mail again, or sign in and choose there.")
    user, topic, about = found
    is_stopped = request.method == "POST"
    if is_stopped:
        by = Actor(name=user.username, user_id=user.pk, credential="link")
        actions.stop(user, topic, about, by=by, at=timezone.now())
    uses = f"uses of {topic}" if about == actions.USES else ""
    context = {
        "topic": topic,
        "whole": uses or topic,
        "subject": uses or f"changes of {topic}",
        "is_stopped": is_stopped,
        "person": user,
    }
    return render(request, "accounts/unsubscribe.html", context)
