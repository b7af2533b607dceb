"""Pages with which people publish and manage by hand; the same actions as every other door."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from otumat.errors import Conflict, Invalid, NotFound, OtumatError, Problem, Refused
from otumat.spec import names
from otumat_index.accounts import credentials
from otumat_index.accounts import queries as accounts
from otumat_index.accounts.models import Group, User
from otumat_index.journal.actor import Actor
from otumat_index.publish import actions, doors, queries, rules
from otumat_index.publish import manage_forms as forms
from otumat_index.publish.models import File, Project, Release, Role
from otumat_index.web.errors import status_of

LISTED_MAX = 200
Act = Callable[[HttpRequest, Project, Actor], str]


@never_cache
@login_required
def submit(request: HttpRequest) -> HttpResponse:
    """The draft's submit as a form; `name` and `version` in the address fill it with an entry to edit."""
    if request.method != "POST":
        return submit_page(request, prefilled(request), ())
    texts, by = forms.typed(request.POST), credentials.from_session(request)
    is_trial = "verify" in request.POST
    try:
        outcome = actions.submit_release(forms.pairs(texts), by=by, at=timezone.now(), verify=is_trial)
    except Invalid as exc:
        return submit_page(request, texts, exc.problems, status=400)
    except (Refused, Conflict) as exc:
        problem = Problem(exc.code, "name", exc.message, hint=exc.hint)
        return submit_page(request, texts, (problem,), status=status_of(exc))
    if is_trial:
        return submit_page(request, texts, outcome.problems, is_good=True)
    told = "is registered" if outcome.action == "created" else "now says what you sent"
    messages.success(request, f"{outcome.name} {outcome.version} {told}.")
    for problem in outcome.problems:
        messages.warning(request, str(problem))
    return redirect("discover:project", names.normalize(outcome.name))


def submit_page(
    request: HttpRequest,
    texts: dict[str, str],
    problems: tuple[Problem, ...],
    *,
    status: int = 200,
    is_good: bool = False,
) -> HttpResponse:
    """The form with everything typed, and each problem beside its field."""
    rest = forms.inputs(texts, problems, forms.others())
    context = {
        "first": forms.inputs(texts, problems, forms.FIRST),
        "second": forms.inputs(texts, problems, forms.SECOND),
        "rest": rest,
        "rest_is_open": any(each.text or each.problems for each in rest),
        "problems": problems,
        "errors": [problem for problem in problems if problem.severity == "error"],
        "elsewhere": forms.elsewhere(problems),
        "is_good": is_good,
    }
    return render(request, "publish/submit.html", context, status=status)


def prefilled(request: HttpRequest) -> dict[str, str]:
    """The entry that the address names, if the reader may see it; else what little the address says."""
    name, version = request.GET.get("name", "")[:200], request.GET.get("version", "")[:200]
    try:
        found = queries.project(name, by=credentials.from_session(request))
        return forms.stored(queries.release(found, version) if version else newest(found))
    except NotFound:
        return {"name": name, "version": version}


def newest(project: Project) -> Release:
    if project.latest is None:
        raise NotFound(f"{project.name} has no release yet.")
    return project.latest


@never_cache
@login_required
@require_safe
def project(request: HttpRequest, name: str) -> HttpResponse:
    """What owners, maintainers and admins can do to a project."""
    by = credentials.from_session(request)
    return manage_page(request, managed(name, by), by)


def managed(name: str, by: Actor) -> Project:
    """
    The project, if there is anything the actor may do to it.

    Raises:
        NotFound: It is not there, or hidden from the actor.
        Refused: It is not the actor's.
    """
    found = queries.project(name, by=by)
    if not rules.may(by, "yank", queries.standing_of(by, found.normalized)):
        raise Refused(f"{by.name!r} may not manage {found.name!r}.", hint="Ask one of its owners for a role.")
    return found


def manage_page(
    request: HttpRequest, project: Project, by: Actor, *, failure: OtumatError | None = None
) -> HttpResponse:
    """The page, with what went wrong on top of it."""
    standing = queries.standing_of(by, project.normalized)
    may_manage = rules.may(by, "manage", standing)
    releases = project.releases.order_by("-sort_key").only("version", "is_yanked", "yank_reason", "project_id")
    files = File.objects.filter(release__project=project).order_by("-release__sort_key", "filename")
    context = {
        "project": project,
        "may_manage": may_manage,
        "may_submit": rules.may(by, "submit", standing),
        "may_measure": rules.may(by, "measure", standing),
        "statuses": [each for each in Project.Status.choices if by.is_admin or each[0] != "quarantined"],
        "roles": queries.roles_in(project)[:LISTED_MAX] if may_manage else (),
        "invitations": queries.invitations_to(project, at=timezone.now())[:LISTED_MAX] if may_manage else (),
        "kinds": Role.Kind.choices,
        "releases": list(releases[:LISTED_MAX]),
        "files": list(files.values_list("filename", flat=True)[:LISTED_MAX]),
        "listed_max": LISTED_MAX,
        "failure": failure,
        "problems": failure.problems if isinstance(failure, Invalid) else (),
    }
    return render(request, "publish/manage.html", context, status=status_of(failure) if failure else 200)


def act(function: Act) -> Callable[..., HttpResponse]:
    """A door for one act: the function does it and returns what to say; what goes wrong is told on the page."""

    @never_cache
    @login_required
    @require_POST
    @wraps(function)
    def door(request: HttpRequest, name: str, **named: object) -> HttpResponse:
        by = credentials.from_session(request)
        found = managed(name, by)
        try:
            doors.check(request, found, by=by)
            told = function(request, found, by)
        except OtumatError as exc:
            return manage_page(request, managed(name, by), by, failure=exc)
        messages.success(request, told)
        return redirect("publish:manage", found.normalized)

    return door


@act
def yank(request: HttpRequest, project: Project, by: Actor) -> str:
    """Yank a release, or take its yank back."""
    version, reason = request.POST.get("version", ""), request.POST.get("reason", "")
    if "undo" in request.POST:
        release = actions.unyank_release(project, version, by=by, at=timezone.now())
        return f"{release.version} is offered again."
    release = actions.yank_release(project, version, reason=reason, by=by, at=timezone.now())
    return f"{release.version} is yanked: only who pinned it still gets it."


@act
def status(request: HttpRequest, project: Project, by: Actor) -> str:
    """Set the project's status (PEP 792)."""
    wanted, reason = request.POST.get("status", ""), request.POST.get("reason", "")
    actions.set_status(project, wanted, reason=reason, by=by, at=timezone.now())
    return f"{project.name} is {wanted} now."


@act
def visibility(request: HttpRequest, project: Project, by: Actor) -> str:
    """Show the project to everybody, or to holders of a role."""
    is_private = request.POST.get("visibility") == "private"
    actions.set_visibility(project, is_private=is_private, by=by, at=timezone.now())
    return f"{project.name} is {'private: only holders of a role see it' if is_private else 'public'} now."


@act
def second_factor(request: HttpRequest, project: Project, by: Actor) -> str:
    """Ask a second factor of everybody who changes the project, or not."""
    required = request.POST.get("required") == "yes"
    actions.require_second_factor(project, required=required, by=by, at=timezone.now())
    return f"{project.name} {'asks' if required else 'does not ask'} for a second factor now."


@act
def role(request: HttpRequest, project: Project, by: Actor) -> str:
    """Change somebody's role; give one to a group of one's own or, as an admin, to anybody."""
    role = actions.assign_role(
        project, holder(request, project, by), request.POST.get("role", ""), by=by, at=timezone.now()
    )
    return f"{role.holder} is {role.kind} now."


@act
def remove_role(request: HttpRequest, project: Project, by: Actor) -> str:
    """Take somebody's role away."""
    whom = holder(request, project, by)
    actions.remove_role(project, whom, by=by, at=timezone.now())
    return f"{whom} has no role in {project.name} any more."


def holder(request: HttpRequest, project: Project, by: Actor) -> User | Group:
    """The account, or `group:SLUG`, that the form names."""
    name = request.POST.get("user", "").strip()[:200]
    if name.startswith("group:"):
        return queries.group(name.removeprefix("group:"), project, by=by)
    return accounts.person(name, is_active=None)


@never_cache
@login_required
@require_safe
def confirm_removal(request: HttpRequest, name: str, filename: str) -> HttpResponse:
    """Ask before a file goes for good."""
    by = credentials.from_session(request)
    found = doors.opened(request, name, by=by)
    if not File.objects.filter(release__project=found, filename=filename).exists():
        raise NotFound(f"{found.name} has no file {filename!r}.")
    return render(request, "publish/remove_file.html", {"project": found, "filename": filename})


@act
def remove_file(request: HttpRequest, project: Project, by: Actor) -> str:
    """Remove a file whose name was typed once more."""
    filename, again = request.POST.get("filename", ""), request.POST.get("again", "").strip()
    if filename != again:
        message = f"You typed {again[:200]!r}; the file is {filename[:200]!r}."
        raise Invalid([Problem("file.confirm", "again", message, hint="Nothing was removed.")])
    actions.remove_file(project, filename, by=by, at=timezone.now())
    return f"{filename} is removed. Its name stays used."
