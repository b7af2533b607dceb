"""`/pypi/NAME/json`: not a PEP, but what mirrors, bots and `otumat info` read."""

from __future__ import annotations

import functools
from datetime import datetime
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from otumat.spec import names
from otumat_index.accounts import credentials
from otumat_index.accounts.adapter import public_url
from otumat_index.discover import queries
from otumat_index.discover.prepare import SERIAL_HEADER
from otumat_index.journal import queries as journal
from otumat_index.publish import queries as publish
from otumat_index.publish.models import File, Project, Release
from otumat_index.publish.signing import queries as signatures


@require_safe
def project(request: HttpRequest, name: str, version: str | None = None) -> HttpResponse:
    """A project's newest (or the named) release, all files by version, and the project's serial."""
    # First: a mirror that hears of a serial must find what came with it. A name that is none has no rows to ask for.
    serial = 0 if names.check_name(name) else journal.serial_of(names.normalize(name))
    found = publish.find(name, functools.partial(credentials.from_request, request))
    release = publish.release(found, version) if version else found.latest
    body: dict[str, Any] = {"info": info(found, release), "last_serial": serial, "vulnerabilities": []}
    files = (
        File.objects.filter(release__project=found).select_related("release").defer("metadata", "release__description")
    )
    by_version: dict[str, list[dict[str, Any]]] = {
        text: [] for text in found.releases.order_by("sort_key").values_list("version", flat=True)
    }
    if found.status != Project.Status.QUARANTINED:
        for file in files:
            # A release may have come since its version was read.
            by_version.setdefault(file.release.version, []).append(file_object(file))
    body["urls"] = by_version.get(release.version, []) if release else []
    if not version:
        body["releases"] = by_version
    if release and body["urls"] and (signing := signatures.signing_of(found, release, at=timezone.now())):
        body["signatures"] = signatures.shown_release(signing)
    response = JsonResponse(body)
    response[SERIAL_HEADER] = str(serial)
    response["Cache-Control"] = "private, no-store" if found.is_private else "no-cache"
    return response


def info(project: Project, release: Release | None) -> dict[str, Any]:
    """The newest release's metadata under the names this API always had."""
    page = public_url(f"/project/{project.normalized}/")
    if release is None:
        return {"name": project.name, "version": None, "package_url": page, "project_url": page}
    urls = dict(release.project_urls)
    return {
        "name": project.name,
        "version": release.version,
        "summary": release.summary,
        "description": release.description,
        "description_content_type": release.description_content_type or None,
        "keywords": ",".join(release.keywords) or None,
        "home_page": release.home_page,
        "download_url": release.download_url or None,
        "author": release.author,
        "author_email": release.author_email,
        "maintainer": release.maintainer or None,
        "maintainer_email": release.maintainer_email or None,
        "license": release.license or None,
        "license_expression": release.license_expression or None,
        "license_files": release.license_files or None,
        "classifiers": release.classifiers,
        "platform": ",".join(release.platforms) or None,
        "requires_dist": release.requires_dist or None,
        "requires_python": release.requires_python or None,
        "provides_extra": release.provides_extra or None,
        "dynamic": release.dynamic or None,
        "import_names": release.import_names or None,
        "import_namespaces": release.import_namespaces or None,
        "metadata_version": release.metadata_version or None,
        "project_urls": urls or None,
        "package_url": page,
        "project_url": page,
        "release_url": public_url(f"/project/{project.normalized}/{release.version}/"),
        "yanked": release.is_yanked,
        "yanked_reason": release.yank_reason or None,
        "index": settings.CONFIG.index_name,
    }


def file_object(file: File) -> dict[str, Any]:
    """One file."""
    yanked = file.is_yanked or file.release.is_yanked
    return {
        "filename": file.filename,
        "url": public_url(queries.mirrored_path(file.key)),
        "packagetype": "bdist_wheel" if file.kind == File.Kind.WHEEL else "sdist",
        "python_version": file.python_tag or "source",
        "requires_python": file.requires_python or None,
        "size": file.size_bytes,
        "digests": {"md5": file.md5, "sha256": file.sha256, "blake2b_256": file.blake2_256},
        "md5_digest": file.md5,
        "core-metadata": {"sha256": file.metadata_sha256} if file.metadata_sha256 else False,
        "upload_time": naive(file.uploaded_at),
        "upload_time_iso_8601": file.uploaded_at.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "yanked": yanked,
        "yanked_reason": (file.yank_reason or file.release.yank_reason or None) if yanked else None,
        "has_sig": False,
        "comment_text": "",
        "downloads": -1,
    }


def naive(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S")
