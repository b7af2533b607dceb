"""The page of one project or release."""

from __future__ import annotations

import functools

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from otumat.errors import Invalid, NotFound, Problem
from otumat.spec import names
from otumat_index.accounts import credentials
from otumat_index.accounts.adapter import public_url
from otumat_index.discover import rendering
from otumat_index.discover.pages import asked as asking
from otumat_index.discover.pages import changes, facts, requirements
from otumat_index.discover.pages import project as pages
from otumat_index.discover.pages.dependents import dependents_of
from otumat_index.publish import queries as publish
from otumat_index.publish.models import Project, Release
from otumat_index.publish.signing.attested import attested_of
from otumat_index.publish.signing.queries import signing_of
from otumat_index.usage.published.queries import is_published

DESCRIPTION_SHOWN_CHARS = 200_000


@require_safe
def project(request: HttpRequest, name: str) -> HttpResponse:
    """A project's most recent release."""
    if name != names.normalize(name) and not names.check_name(name):
        return HttpResponseRedirect(pages.url_of(Project(normalized=names.normalize(name))), status=301)
    found = find(request, name)
    if found.latest is None:
        raise NotFound(f"{found.name} has no release yet.", hint="Its owner can register one: `otumat register`.")
    return show(request, found, found.latest)


@require_safe
def release(request: HttpRequest, name: str, version: str) -> HttpResponse:
    """One release of a project, by any spelling of name and version."""
    found = find(request, name)
    return show(request, found, publish.release(found, version))


@require_safe
def description(request: HttpRequest, name: str, version: str) -> HttpResponse:
    """A release's description as it was written."""
    found = find(request, name)
    response = HttpResponse(publish.release(found, version).description, content_type="text/plain; charset=utf-8")
    return guarded(response, found)


@require_safe
def display(request: HttpRequest) -> HttpResponse:
    """The draft's `display`: goes to the page of a package, or of one version."""
    name, version = asking.text_of(request.GET, "name"), asking.text_of(request.GET, "version")
    problems = names.check_name(name) if name else [Problem("name.missing", "name", "The address names no package.")]
    if problems:
        raise Invalid(problems, hint="Ask for /display?name=NAME or /display?name=NAME&version=VERSION.")
    return HttpResponseRedirect(pages.url_of(Project(normalized=names.normalize(name)), version))


def find(request: HttpRequest, name: str) -> Project:
    """The project, if whoever asks may see it."""
    return publish.find(name, functools.partial(credentials.from_request, request))


def show(request: HttpRequest, project: Project, release: Release) -> HttpResponse:
    """Gather what the page says."""
    actor = credentials.from_request(request) if project.is_private else credentials.from_session(request)
    publishers = pages.publishers_of(project)
    files, has_more_files = pages.files_of(project, release, show_all=request.GET.get("files") == "all")
    shows_all = request.GET.get("releases") == "all"
    releases = pages.releases_of(project, show_all=shows_all)
    installable = pages.installable(releases)
    is_default = installable is not None and (installable.version == release.version or not files)
    entry = pages.metadata_of(project, release)
    file_says = pages.differences(entry, pages.newest_file_metadata(release) if files else None)
    fields = pages.field_rows(entry, file_says)
    context = {
        "project": project,
        "release": release,
        "is_latest": project.latest_id == release.pk,
        "release_url": pages.url_of(project, release.version),
        "latest_url": pages.url_of(project),
        "commands": pages.commands(project, "" if is_default else release.version),
        "installable": installable,
        "index_url": public_url("/").rstrip("/"),
        "description": rendering.describe(release.description, release.description_content_type),
        "description_text": release.description[:DESCRIPTION_SHOWN_CHARS],
        "description_is_cut": len(release.description) > DESCRIPTION_SHOWN_CHARS,
        "facts": {row.attribute: row for row in fields},
        "fields": fields,
        "file_says": file_says,
        "classifiers": facts.tree(release.classifiers),
        "requirements": requirements.listed(release.requires_dist),
        "files": files,
        "has_more_files": has_more_files,
        "releases": releases if shows_all else releases[: pages.RELEASES_SHOWN],
        "has_more_releases": len(releases) > pages.RELEASES_SHOWN and not shows_all,
        "plot": pages.plot_of(releases),
        "dependents": dependents_of(project),
        "publishers": publishers,
        **pages.offered(actor, project),
        "publishes_usage": is_published(project),
        "changes": changes.changes_of(project),
        "signing": signing_of(project, release, at=timezone.now()) if files else None,
        "attested": attested_of(release) if any(file.has_provenance for file in files) else (),
    }
    return guarded(render(request, "discover/project.html", context), project)


def guarded(response: HttpResponse, project: Project) -> HttpResponse:
    """Keep pages of private projects out of every cache (A79)."""
    response["Cache-Control"] = "private, no-store" if project.is_private else "no-cache"
    if project.is_private:
        response["Vary"] = "Authorization, Cookie"
    return response
