"""Pages of a project's people: inviting, answering, handing over, leaving, and the journal."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from otumat.errors import NotFound, OtumatError
from otumat_index.accounts import addresses, credentials
from otumat_index.accounts import queries as accounts
from otumat_index.accounts.groups import queries as groups
from otumat_index.accounts.models import User
from otumat_index.accounts.views import me
from otumat_index.journal import queries as journal
from otumat_index.journal.actor import Actor
from otumat_index.journal.sentences import told
from otumat_index.journal.views import PAGE, asked_before
from otumat_index.publish import actions, doors, invited, queries
from otumat_index.publish.manage_views import act
from otumat_index.publish.models import Project, Role


@act
def invite(request: HttpRequest, project: Project, by: Actor) -> str:
    """Offer a role to a login or an address."""
    user, email = whom(request)
    made = actions.invite(project, request.POST.get("role", ""), user=user, email=email, by=by, at=timezone.now())
    return f"{user.username if user else made.email} is invited. The role is theirs once they accept."


@act
def transfer(request: HttpRequest, project: Project, by: Actor) -> str:
    """Offer the whole project to a login or an address."""
    user, email = whom(request)
    made = actions.invite(project, Role.Kind.OWNER, user=user, email=email, is_transfer=True, by=by, at=timezone.now())
    return f"{project.name} is offered to {user.username if user else made.email}. Until they accept, nothing changes."


@act
def withdraw(request: HttpRequest, project: Project, by: Actor) -> str:
    """Take an invitation back."""
    number = request.resolver_match.kwargs.get("invitation_id", 0) if request.resolver_match else 0
    actions.withdraw(project, number, by=by, at=timezone.now())
    return "The invitation is withdrawn."


def whom(request: HttpRequest) -> tuple[User | None, str]:
    """Whom the form names: an account by its login, or an address."""
    text = request.POST.get("whom", "").strip()[:254]
    return (None, addresses.canonical(text)) if "@" in text or not text else (accounts.person(text), "")


@never_cache
@login_required
@require_POST
def leave(request: HttpRequest, name: str) -> HttpResponse:
    """Give one's own role up."""
    by = credentials.from_session(request)
    project = doors.opened(request, name, by=by)
    try:
        actions.remove_role(project, me(request), by=by, at=timezone.now())
        messages.success(request, f"You have no role in {project.name} any more.")
    except OtumatError as exc:
        messages.error(request, f"{exc.message} {exc.hint}".strip())
    return redirect("accounts:home")


@never_cache
@login_required
@require_safe
def project_journal(request: HttpRequest, name: str) -> HttpResponse:
    """What happened to a project, for those who publish it."""
    project = doors.opened(request, name, by=credentials.from_session(request))
    rows, older = journal.page(journal.about_project(project.normalized), before=asked_before(request), limit=PAGE)
    context = {"title": f"Journal of {project.name}", "project": project, "rows": [told(row) for row in rows]}
    return render(request, "publish/journal.html", {**context, "older": older})


@never_cache
@login_required
@require_safe
def invitations(request: HttpRequest) -> HttpResponse:
    """The roles one is offered, and the groups that ask one to join."""
    offers = queries.invitations_for(me(request), at=timezone.now())[:200]
    return render(
        request, "publish/invitations.html", {"offers": offers, "groups": groups.memberships_awaiting(me(request))}
    )


@never_cache
@login_required
@require_safe
def invitation(request: HttpRequest, secret: str) -> HttpResponse:
    """The mailed link: the offer, to accept by whoever has confirmed the address."""
    found = invited.by_secret(secret)
    if found is None or found.expires_at <= timezone.now():
        raise NotFound("This invitation is over.", hint="It was answered or withdrawn, or two weeks have passed.")
    is_mine = queries.invitations_for(me(request), at=timezone.now()).filter(pk=found.pk).exists()
    return render(request, "publish/invitation.html", {"offer": found, "is_mine": is_mine})


@never_cache
@login_required
@require_POST
def accept(request: HttpRequest, invitation_id: int) -> HttpResponse:
    """Take a role that was offered."""
    role = actions.accept(invitation_id, by=credentials.from_session(request), at=timezone.now())
    messages.success(request, f"You are {role.kind} of {role.project.name} now.")
    return redirect("accounts:home")


@never_cache
@login_required
@require_POST
def decline(request: HttpRequest, invitation_id: int) -> HttpResponse:
    """Say no."""
    actions.decline(invitation_id, by=credentials.from_session(request), at=timezone.now())
    messages.success(request, "The invitation is declined.")
    return redirect("publish:invitations")
