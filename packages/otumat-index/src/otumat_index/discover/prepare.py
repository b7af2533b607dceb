"""Making the hot lane's answers: the same bytes the views send, rendered once a change."""

from __future__ import annotations

from pathlib import Path

from otumat.spec import simple
from otumat_index.discover import listing, queries
from otumat_index.publish.models import File, Project
from otumat_index.web import lane

# What browsers and old clients get; who asks for the PEP 691 HTML type goes by way of Django.
HTML = "text/html; charset=utf-8"
SMALL_BYTES = 256 * 1024
SERIAL_HEADER = "X-PyPI-Last-Serial"


def project_answers(project: Project, *, serial: int) -> list[lane.Answer]:
    """
    A project's simple page in both forms.

    Args:
        serial: Of the project, read *before* its row: the lane must never take a state older than its serial, least
            of all a public page of a project that has just become private.
    """
    page = queries.project_page(project, serial=serial)
    path, headers = f"/simple/{project.normalized}/", [(SERIAL_HEADER, str(serial))]
    return [
        lane.prepare(path, simple.render_project_json(page), content_type=simple.JSON, format="json", headers=headers),
        lane.prepare(path, simple.render_project_html(page), content_type=HTML, format="html", headers=headers),
    ]


def metadata_answer(file: File) -> lane.Answer:
    """A file's METADATA (PEP 658)."""
    path = f"{queries.file_path(file.key)}.metadata"
    return lane.prepare(path, bytes(file.metadata), content_type="application/octet-stream", format="raw")


def file_answer(file: File, place: Path) -> lane.Answer:
    """A file itself: its bytes when small, its place when large."""
    path, kind = queries.file_path(file.key), content_type(file.filename)
    headers = [("Accept-Ranges", "bytes")]  # the lane leaves requests for a part to Django
    if file.size_bytes < SMALL_BYTES:
        return lane.prepare(path, place.read_bytes(), content_type=kind, format="raw", compress=False, headers=headers)
    return lane.of_file(path, place, content_type=kind, digest=file.sha256, headers=headers)


def list_answer(made: listing.Build, form: simple.Format) -> lane.Answer:
    """One form of the list of projects, as a file."""
    return lane.of_file(
        "/simple/",
        made.file(form),
        content_type=listing.TYPES[form],
        digest=f"{made.serial:016d}{form}",
        format=form,
        compressed_file=made.file(form, packed=True),
        headers=[(SERIAL_HEADER, str(made.serial)), ("Cache-Control", "no-cache")],
    )


def content_type(filename: str) -> str:
    """Never a type that a browser runs."""
    return (
        "application/gzip"
        if filename.endswith(".gz")
        else "application/zip"
        if filename.endswith((".whl", ".zip"))
        else "application/octet-stream"
    )
