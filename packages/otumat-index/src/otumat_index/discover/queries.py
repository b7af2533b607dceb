"""Reading the catalogue for installers: rows ready to render."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from urllib.parse import quote

from otumat.spec.simple import FileEntry, ProjectPage
from otumat_index.accounts.adapter import public_url
from otumat_index.journal import queries as journal
from otumat_index.publish.models import File, Project

COLUMNS = (
    "filename",
    "key",
    "sha256",
    "size_bytes",
    "uploaded_at",
    "requires_python",
    "is_yanked",
    "yank_reason",
    "metadata_sha256",
    "has_provenance",
    "release__version",
    "release__is_yanked",
    "release__yank_reason",
)


def file_path(key: str) -> str:
    """The path of a file on this index."""
    return f"/files/{quote(key)}"


def mirrored_path(key: str) -> str:
    """The same file's path for mirrors: every bandersnatch refuses files that are not below `/packages`."""
    return f"/packages/{quote(key)}"


def project_page(project: Project, *, serial: int) -> ProjectPage:
    """
    What the simple page of a project says; two queries, whatever the number of files.

    Args:
        serial: The project's newest serial, read before anything else, told to mirrors.
    """
    versions = project.releases.order_by("-sort_key").values_list("version", flat=True)
    rows = File.objects.filter(release__project=project).order_by("release__sort_key", "filename").values_list(*COLUMNS)
    return ProjectPage(
        name=project.normalized,
        files=tuple(entry(project.normalized, *row) for row in rows),
        versions=tuple(versions),
        status=project.status,  # type: ignore[arg-type]
        status_reason=project.status_reason,
        last_serial=serial,
    )


def entry(
    project: str,
    filename: str,
    key: str,
    sha256: str,
    size_bytes: int,
    uploaded_at: object,
    requires_python: str,
    is_yanked: bool,
    yank_reason: str,
    metadata_sha256: str,
    has_provenance: bool,
    version: str,
    release_is_yanked: bool,
    release_yank_reason: str,
) -> FileEntry:
    """One row as an entry. Addresses are relative: the page works behind any host name and prefix."""
    return FileEntry(
        filename=filename,
        url=f"../..{file_path(key)}",
        sha256=sha256,
        size=size_bytes,
        upload_time=uploaded_at,  # type: ignore[arg-type]
        requires_python=requires_python,
        yanked=(yank_reason or release_yank_reason) if is_yanked or release_is_yanked else None,
        core_metadata_sha256=metadata_sha256 or None,
        provenance=provenance_url(project, version, filename) if has_provenance else None,
    )


def provenance_url(project: str, version: str, filename: str) -> str:
    """Where a file's provenance is; PEP 740 wants the whole address."""
    return public_url(f"/integrity/{project}/{quote(version, safe='')}/{quote(filename, safe='')}/provenance")


def public_names() -> Iterator[str]:
    """Normalised names of all public projects in bytewise order."""
    return (
        Project.objects.filter(is_private=False)
        .order_by("normalized")
        .values_list("normalized", flat=True)
        .iterator(chunk_size=10_000)
    )


def serials(names: Iterable[str]) -> dict[str, int]:
    """Newest serial of each project."""
    return journal.serials_of(names)
