"""The pages of one's own installs. Each is there twice: for an account, and for a visit (`holding.py`)."""

from __future__ import annotations

import json
import secrets
from typing import Any

from allauth.account.decorators import reauthentication_required
from allauth.account.internal.flows.reauthentication import did_recently_reauthenticate
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect, StreamingHttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from otumat.errors import NotFound, OtumatError
from otumat.spec.event import MEDIA_TYPE
from otumat_index.accounts.views import me
from otumat_index.usage import actions, queries, receipts
from otumat_index.usage.api import KEY
from otumat_index.usage.mine import told, visits
from otumat_index.usage.mine.holding import COOKIE, PLACE, Holder, by_account, by_visit, let_in
from otumat_index.usage.surveys import queries as surveys
from otumat_index.web.errors import status_of


@never_cache
@login_required
@require_safe
def installs(request: HttpRequest) -> HttpResponse:
    """The copies that are linked to my account."""
    return render(request, "usage/mine/installs.html", {"installs": told.of_user(me(request))})


@require_safe
def show(request: HttpRequest, holder: Holder) -> HttpResponse:
    """One install: since when, what it told, and what can be done about it."""
    context = {
        "holder": holder,
        "own": told.own(holder.install, told.last_contacts([holder.install])),
        "sent": told.sent(holder.install),
        "account": holder.install.user,
        "copies": queries.copies_of(holder.install),
        "answers": surveys.answers_of(holder.install),
        "rows_most": told.ROWS_MOST,
    }
    return render(request, "usage/mine/install.html", context)


@require_safe
def export(request: HttpRequest, holder: Holder) -> HttpResponseBase:
    """All that is kept, as a file."""
    return as_file(
        StreamingHttpResponse(told.export(holder.install), content_type="application/json"),
        f"usage-{holder.install.project.normalized}-{timezone.now():%Y-%m-%d}.json",
    )


@require_safe
def batch(request: HttpRequest, holder: Holder, batch: str) -> HttpResponseBase:
    """One request as it was sent."""
    body = queries.body_of(holder.install, batch[:32])
    if not body:
        raise NotFound("That batch is not kept, or not any more.")
    return as_file(HttpResponse(body, content_type=MEDIA_TYPE), f"{batch[:32]}.json")


def as_file(response: HttpResponseBase, name: str) -> HttpResponseBase:
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


@require_POST
def withdraw(request: HttpRequest, holder: Holder) -> HttpResponse:
    """Nothing more is taken of it."""
    actions.withdraw_install(holder.install, at=timezone.now())
    messages.success(request, "That copy tells nothing any more. It hears of that when it next tries.")
    return HttpResponseRedirect(holder.place)


@require_http_methods(["GET", "HEAD", "POST"])
def erase(request: HttpRequest, holder: Holder) -> HttpResponse:
    """
    Erase it, after a page that says what that means.

    The key in its form makes it safe to send again: reloading shows the same receipt. It is kept nowhere but there,
    which is why a form that comes late is not put aside until its person has shown who they are, but made anew.
    """
    key = request.POST.get("key", "")
    is_sure = KEY.fullmatch(key) and (not holder.by_account or did_recently_reauthenticate(request))
    if request.method == "POST" and is_sure:
        return erased(request, actions.erase_install(holder.install, key=key, at=timezone.now()), holder.by_account)
    if request.method == "POST":
        return HttpResponseRedirect(request.path)
    return render(request, "usage/mine/erase.html", {"holder": holder, "key": secrets.token_hex(16)})


def erased(request: HttpRequest, receipt: dict[str, Any], by_account: bool) -> HttpResponse:
    context = {"receipt": receipt["receipt"], "text": json.dumps(receipt, indent=2), "by_account": by_account}
    response = render(request, "usage/mine/erased.html", context)
    if not by_account:
        response.delete_cookie(COOKIE, path=PLACE, samesite="Strict")
    return response


def again(view: Any, *, by_account: bool) -> Any:
    """Before that page: a form that was sent before gets its receipt, though the install is gone."""

    @never_cache
    def wrapped(request: HttpRequest, **words: Any) -> HttpResponseBase:
        install, key = request.POST.get("install", "")[:64], request.POST.get("key", "")
        receipt = actions.erased_before(install, key=key) if KEY.fullmatch(key) else None
        if receipt is not None:
            return erased(request, receipt, by_account)
        answer: HttpResponseBase = view(request, **words)
        return answer

    return wrapped


@require_POST
def leave(request: HttpRequest, holder: Holder) -> HttpResponse:
    """End a visit."""
    visits.leave(request.COOKIES.get(COOKIE, ""))
    response = HttpResponseRedirect("/")
    response.delete_cookie(COOKIE, path=PLACE, samesite="Strict")
    return response


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def visit(request: HttpRequest, secret: str) -> HttpResponse:
    """A copy's link. Looking at it opens nothing, for programs look at links, too; its button does, once."""
    now = timezone.now()
    if request.method == "POST":
        return let_in(HttpResponseRedirect(PLACE), visits.enter(secret, at=now))
    visits.check(secret, at=now)
    return render(request, "usage/mine/visit.html", {"minutes": visits.SESSION_S // 60})


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def receipt(request: HttpRequest) -> HttpResponseBase:
    """Whether a receipt is ours; and a good one as a file."""
    text, sent = request.POST.get("receipt", ""), request.FILES.get("file")
    found, failure = None, None
    if isinstance(sent, UploadedFile):
        text = sent.read(receipts.TEXT_MAX + 1).decode("utf-8", "replace")
    if request.method == "POST":
        try:
            found = receipts.verified(text)
        except OtumatError as exc:
            failure = exc
    if found is not None and request.POST.get("as") == "file":
        return as_file(HttpResponse(text, content_type="application/json"), f"receipt-{found['erased'][:10]}.json")
    problems = getattr(failure, "problems", ())
    context = {"text": text[: receipts.TEXT_MAX], "found": found, "failure": failure, "problems": problems}
    return render(request, "usage/mine/receipt.html", context, status=status_of(failure) if failure else 200)


ask_again = reauthentication_required(app="allauth.mfa", enabled=lambda request: request.method != "POST")
erase_by_account = ask_again(again(by_account(erase), by_account=True))
erase_by_visit = again(by_visit(erase), by_account=False)
