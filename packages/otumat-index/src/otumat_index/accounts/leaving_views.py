"""The pages on which people read what happened to their account, and leave."""

from __future__ import annotations

from allauth.account.decorators import reauthentication_required
from django.contrib import messages
from django.contrib.auth import logout
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from otumat.errors import Invalid, OtumatError, Problem
from otumat_index.accounts import administration, credentials
from otumat_index.accounts.views import me
from otumat_index.journal import queries as journal
from otumat_index.journal.sentences import told
from otumat_index.journal.views import PAGE, asked_before
from otumat_index.web.errors import status_of


@never_cache
@login_required
@require_safe
def my_journal(request: HttpRequest) -> HttpResponse:
    """What I did, and what was done to my account and roles."""
    entries = journal.about_person(me(request).username)
    rows, older = journal.page(entries, before=asked_before(request), limit=PAGE)
    return render(request, "accounts/journal.html", {"rows": [told(row) for row in rows], "older": older})


@never_cache
@login_required
@reauthentication_required  # type: ignore[untyped-decorator]
@require_http_methods(["GET", "HEAD", "POST"])
def delete(request: HttpRequest) -> HttpResponse:
    """Close the account for good, after its login was typed once more."""
    user, failure = me(request), None
    if request.method == "POST":
        try:
            close(request)
        except OtumatError as exc:
            failure = exc
        else:
            messages.success(request, f"The account {user.username} is closed.")
            return redirect("discover:home")
    return render(request, "accounts/delete.html", {"failure": failure}, status=status_of(failure) if failure else 200)


def close(request: HttpRequest) -> None:
    user, again = me(request), request.POST.get("again", "").strip()
    if again != user.username:
        message = f"You typed {again[:100]!r}; the login is {user.username!r}."
        raise Invalid([Problem("user.confirm", "again", message, hint="Nothing was changed.")])
    administration.close_account(user, by=credentials.from_session(request), at=timezone.now())
    logout(request)
