"""The page on which people choose what mail they get."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from otumat.errors import Invalid
from otumat_index.accounts import credentials
from otumat_index.accounts import queries as accounts
from otumat_index.accounts.notices import actions
from otumat_index.accounts.notices import queries as preferences
from otumat_index.accounts.views import me
from otumat_index.publish.notices import queries


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def mail(request: HttpRequest) -> HttpResponse:
    """My choice for all projects, and for each that I have something to do with."""
    user = me(request)
    topics = queries.my_topics(user)
    failure: Invalid | None = None
    if request.method == "POST":
        topic, level = request.POST.get("topic", ""), request.POST.get("level", "")[:20]
        try:
            if topic and topic not in dict(topics):
                raise Invalid([], message="That is none of your projects.", hint="Nothing was changed.")
            actions.set_preference(user, topic, level, by=credentials.from_session(request), at=timezone.now())
            messages.success(request, "Your choice is kept.")
            return redirect("publish:mail")
        except Invalid as exc:
            failure = exc
    said = preferences.preferences_of(user)
    context = {
        "failure": failure,
        "address": accounts.address_of(user),
        "levels": preferences.LEVELS.choices,
        "general": said.get("", preferences.LEVELS.ALL),
        "projects": [(topic, name, said.get(topic, actions.DEFAULT)) for topic, name in topics],
    }
    return render(request, "publish/mail.html", context, status=400 if failure else 200)
