"""Pages of groups; the same actions as the API."""

from __future__ import annotations

from collections.abc import Callable

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from otumat.errors import Invalid, NotFound, OtumatError
from otumat_index.accounts import credentials, ownership
from otumat_index.accounts.groups import actions, queries
from otumat_index.accounts.models import Group
from otumat_index.accounts.queries import person
from otumat_index.accounts.views import me
from otumat_index.journal.actor import Actor
from otumat_index.web.errors import status_of

Act = Callable[[HttpRequest, Group, Actor], str]


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def groups(request: HttpRequest) -> HttpResponse:
    """My groups, and a form for a new one."""
    failure, by = None, credentials.from_session(request)
    if request.method == "POST":
        sent = request.POST
        try:
            parent = queries.group_of(sent["parent"], by=by) if sent.get("parent") else None
            made = actions.create_group(
                sent.get("slug", "").strip(), sent.get("name", ""), parent=parent, by=by, at=timezone.now()
            )
            messages.success(request, f"The group {made.slug} is made.")
            return redirect("accounts:group", made.slug)
        except OtumatError as exc:
            failure = exc
    rows = list(queries.mine(me(request)))
    context = {
        "joined": [row for row in rows if row.joined_at],
        "asking": [row for row in rows if not row.joined_at],
        "parents": [row.group for row in rows if row.joined_at and row.is_manager and row.group.parent_id is None],
        "sent": request.POST,
        **told(failure),
    }
    return render(request, "accounts/groups.html", context, status=status_of(failure) if failure else 200)


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def group(request: HttpRequest, slug: str) -> HttpResponse:
    """A group: its members, teams and roles; forms for whoever manages it."""
    by = credentials.from_session(request)
    found, failure = queries.group_of(slug, by=by), None
    if request.method == "POST":
        try:
            messages.success(request, ACTS.get(request.POST.get("act", ""), unknown)(request, found, by))
        except OtumatError as exc:
            failure = exc
        else:
            is_gone = not Group.objects.filter(pk=found.pk).exists() or not sees(found, by)
            return redirect("accounts:groups") if is_gone else redirect("accounts:group", found.slug)
    mine = found.members.filter(user=me(request)).first()
    context = {
        "group": found,
        "members": queries.members_of(found),
        "teams": found.teams.all(),
        "roles": ownership.roles().filter(group=found).select_related("project").order_by("project__normalized")[:200],
        "may_manage": queries.manages(by, found),
        "mine": mine,
        **told(failure),
    }
    return render(request, "accounts/group.html", context, status=status_of(failure) if failure else 200)


def told(failure: OtumatError | None) -> dict[str, object]:
    return {"failure": failure, "problems": failure.problems if isinstance(failure, Invalid) else ()}


def sees(group: Group, by: Actor) -> bool:
    """Whether the actor still has something to look at here."""
    try:
        queries.group_of(group.slug, by=by)
    except NotFound:
        return False
    return True


def join(request: HttpRequest, group: Group, by: Actor) -> str:
    actions.join_group(group, by=by, at=timezone.now())
    return f"You are in {group.slug} now."


def leave(request: HttpRequest, group: Group, by: Actor) -> str:
    actions.remove_member(group, me(request), by=by, at=timezone.now())
    return f"You are not in {group.slug} any more."


def add(request: HttpRequest, group: Group, by: Actor) -> str:
    user, is_manager = person(request.POST.get("user", "")), "manager" in request.POST
    member = actions.add_member(group, user, is_manager=is_manager, by=by, at=timezone.now())
    return f"{user.username} is in {group.slug} now." if member.joined_at else f"{user.username} is asked to join."


def remove(request: HttpRequest, group: Group, by: Actor) -> str:
    user = person(request.POST.get("user", ""), is_active=None)
    actions.remove_member(group, user, by=by, at=timezone.now())
    return f"{user.username} is not in {group.slug} any more."


def promote(request: HttpRequest, group: Group, by: Actor) -> str:
    user = person(request.POST.get("user", ""))
    actions.set_manager(group, user, True, by=by, at=timezone.now())
    return f"{user.username} manages {group.slug} now."


def demote(request: HttpRequest, group: Group, by: Actor) -> str:
    user = person(request.POST.get("user", ""), is_active=None)
    actions.set_manager(group, user, False, by=by, at=timezone.now())
    return f"{user.username} does not manage {group.slug} any more."


def rename(request: HttpRequest, group: Group, by: Actor) -> str:
    renamed = actions.rename_group(group, request.POST.get("name", ""), by=by, at=timezone.now())
    return f"The group is called {renamed.name} now."


def dissolve(request: HttpRequest, group: Group, by: Actor) -> str:
    if request.POST.get("again", "").strip() != group.slug:
        raise NotFound("That is not the short name of this group.", hint="Nothing was dissolved.", code="group.confirm")
    actions.delete_group(group, by=by, at=timezone.now())
    return f"{group.slug} is dissolved."


def unknown(request: HttpRequest, group: Group, by: Actor) -> str:
    raise NotFound("The form asks for nothing this page does.", hint="Reload the page.")


ACTS: dict[str, Act] = {
    "join": join,
    "leave": leave,
    "add": add,
    "remove": remove,
    "promote": promote,
    "demote": demote,
    "rename": rename,
    "dissolve": dissolve,
}
