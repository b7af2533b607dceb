"""The page on which people choose what mail they get."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from otumat.errors import Invalid
from otumat_index.accounts import credentials
from otumat_index.accounts import queries as accounts
from otumat_index.accounts.models import User
from otumat_index.accounts.notices import actions
from otumat_index.accounts.notices import queries as preferences
from otumat_index.accounts.notices.models import UsageMail
from otumat_index.accounts.views import me
from otumat_index.publish.models import Role
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
            keep(request, user, topic, level)
            messages.success(request, "Your choice is kept.")
            return redirect("publish:mail")
        except Invalid as exc:
            failure = exc
    said, uses = preferences.preferences_of(user), preferences.usage_mail_of(user)
    measured = queries.measured_by(user)
    context = {
        "failure": failure,
        "problems": failure.problems if failure else (),
        "address": accounts.address_of(user),
        "levels": preferences.LEVELS.choices,
        "general": said.get("", preferences.LEVELS.ALL),
        "digests": UsageMail.Digest.choices,
        "projects": [
            {
                "topic": topic,
                "name": name,
                "level": said.get(topic, actions.DEFAULT),
                "is_measured": topic in measured,
                "digest": uses[topic].digest if topic in uses else UsageMail.Digest.NONE,
                "alerts": uses[topic].alerts if topic in uses else measured.get(topic) == Role.Kind.OWNER,
            }
            for topic, name in topics
        ],
    }
    return render(request, "publish/mail.html", context, status=400 if failure else 200)


@transaction.atomic
def keep(request: HttpRequest, user: User, topic: str, level: str) -> None:
    """
    Everything that one form says; what of it tells of uses, of those who own or maintain the project.

    Raises:
        Invalid: With everything that is wrong with it.
    """
    by, at = credentials.from_session(request), timezone.now()
    digest = request.POST.get("digest", "")[:20]
    tells_uses = "digest" in request.POST and topic in queries.measured_by(user)
    problems = actions.level_problems(topic, level) + (actions.digest_problems(digest) if tells_uses else [])
    if problems:
        raise Invalid(problems)
    actions.set_preference(user, topic, level, by=by, at=at)
    if tells_uses:
        alerts = request.POST.get("alerts") == "yes"
        actions.set_usage_mail(user, topic, digest=digest, alerts=alerts, by=by, at=at)
