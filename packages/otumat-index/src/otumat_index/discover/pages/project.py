"""The page of one project: everything that is known of a release, ready to show as inert text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote, urlsplit

from django.db.models import Exists, OuterRef

from otumat.spec import metadata as spec
from otumat.spec.metadata import Metadata
from otumat_index.accounts.adapter import public_url
from otumat_index.discover import queries
from otumat_index.discover.pages.plots.history import History, Released, history
from otumat_index.journal.actor import Actor
from otumat_index.publish import queries as publish
from otumat_index.publish import rules
from otumat_index.publish.models import File, Project, Release, Role

FILES_SHOWN, FILES_MAX = 50, 2_000
RELEASES_SHOWN, RELEASES_PLOTTED, RELEASES_MAX = 12, 300, 5_000
LINKED_SCHEMES = frozenset({"http", "https", "ftp", "mailto"})
LINKED_FIELDS = frozenset({"home_page", "download_url"})
SHOWN_ELSEWHERE = frozenset({"name", "version", "summary", "description", "classifiers"})
NOT_COMPARED = frozenset({"metadata_version", "name", "version", "dynamic"})
FILE_SAYS_MAX_CHARS = 400


@dataclass(frozen=True, slots=True)
class Text:
    """A value and where it may lead; `href` is empty for anything but http, https, ftp and mailto (D18)."""

    text: str
    href: str = ""
    label: str = ""


@dataclass(frozen=True, slots=True)
class FieldRow:
    """
    One field of core metadata.

    Attributes:
        header: Its name in METADATA.
        values: What the entry says; empty if only the file has it.
        file_says: What the newest file says instead; empty where both agree.
    """

    attribute: str
    header: str
    values: tuple[Text, ...]
    file_says: str = ""


@dataclass(frozen=True, slots=True)
class FileRow:
    """One file. `url` is relative to the index's root, and empty while the project is quarantined."""

    filename: str
    url: str
    kind: str
    python_tag: str
    size_bytes: int
    sha256: str
    uploaded_at: datetime
    uploaded_by: str
    requires_python: str
    is_yanked: bool
    yank_reason: str
    has_provenance: bool


@dataclass(frozen=True, slots=True)
class ReleaseRow:
    """One release of the history."""

    version: str
    url: str
    created_at: datetime
    is_yanked: bool
    yank_reason: str
    is_prerelease: bool
    has_files: bool


@dataclass(frozen=True, slots=True)
class Commands:
    """What to type to install from this index."""

    pip: str
    uv: str


def url_of(project: Project, version: str = "") -> str:
    """The page of a project or release. Versions of old imports may hold any character."""
    end = f"{quote(version, safe='')}/" if version else ""
    return f"/project/{project.normalized}/{end}"


def commands(project: Project, version: str = "") -> Commands:
    """Install commands for a version, or for the one installers choose by themselves."""
    index = public_url("/simple/")
    wanted = f"{project.name}=={version}" if version else project.name
    url = urlsplit(index)
    is_plain = url.scheme == "http" and url.hostname not in ("localhost", "127.0.0.1", "::1")
    trusted = f" --trusted-host {url.netloc}" if is_plain else ""
    return Commands(
        pip=f"pip install --index-url {index}{trusted} {wanted}",
        uv=f"uv pip install --default-index {index}{trusted.replace('trusted-host', 'allow-insecure-host')} {wanted}",
    )


def files_of(project: Project, release: Release, *, show_all: bool) -> tuple[list[FileRow], bool]:
    """The files of a release, newest first, and whether there are more; one query."""
    limit = FILES_MAX if show_all else FILES_SHOWN
    names = [field for field in FileRow.__dataclass_fields__ if field != "url"]
    rows = release.files.order_by("-uploaded_at", "filename").values_list("key", *names)[: limit + 1]
    is_open = project.status != Project.Status.QUARANTINED
    found = [FileRow(row[1], queries.file_path(row[0]) if is_open else "", *row[2:]) for row in rows]
    return found[:limit], len(found) > limit


def releases_of(project: Project, *, show_all: bool) -> list[ReleaseRow]:
    """The releases of a project, newest version first, as many as are plotted, or listed at most; one query."""
    limit = RELEASES_MAX if show_all else RELEASES_PLOTTED
    has_files = Exists(File.objects.filter(release=OuterRef("pk")))
    rows = project.releases.order_by("-sort_key").annotate(has_files=has_files)
    columns = ("version", "created_at", "is_yanked", "yank_reason", "is_prerelease", "has_files")
    return [ReleaseRow(row[0], url_of(project, row[0]), *row[1:]) for row in rows.values_list(*columns)[:limit]]


def plot_of(releases: Sequence[ReleaseRow]) -> History | None:
    """Their history as a picture, where it tells something."""
    newest = releases[:RELEASES_PLOTTED]
    return history([Released(row.version, row.created_at, row.is_prerelease, row.is_yanked) for row in newest])


def installable(releases: Sequence[ReleaseRow]) -> ReleaseRow | None:
    """The release installers choose by themselves: the newest with files, final before pre-release, never yanked."""
    offered = [row for row in releases if row.has_files and not row.is_yanked]
    return min(offered, key=lambda row: row.is_prerelease, default=None)


def publishers_of(project: Project) -> list[Role]:
    """Who may publish, people and groups: owners, then maintainers; one query."""
    return [role for role in publish.roles_in(project) if role.kind != Role.Kind.READER]


def offered(actor: Actor, project: Project) -> dict[str, bool]:
    """Which pages to offer: the one that manages a project, and the one that tells how it is used."""
    if not actor.is_known:
        return {}
    standing = publish.standing_of(actor, project.normalized)
    return {"may_manage": rules.may(actor, "yank", standing), "may_measure": rules.may(actor, "measure", standing)}


def metadata_of(project: Project, release: Release) -> Metadata:
    """A stored release as the shared shape."""
    values: dict[str, Any] = {"name": project.name, "version": release.version}
    for field in spec.FIELDS:
        if field.attribute in values:
            continue
        value = getattr(release, field.attribute)
        if field.multiple:
            value = tuple(tuple(each) if isinstance(each, list) else each for each in value)
        values[field.attribute] = value
    return Metadata(**values)


def newest_file_metadata(release: Release) -> Metadata | None:
    """What the newest file says of itself; one query."""
    data = release.files.order_by("-uploaded_at", "-pk").values_list("metadata", flat=True).first()
    return spec.from_bytes(bytes(data))[0] if data else None


def differences(entry: Metadata, file: Metadata | None) -> dict[str, str]:
    """What the file says in each field where it and the entry do not mean the same."""
    if file is None:
        return {}
    differing = {problem.field for problem in (*spec.compare(entry, file), *spec.compare(file, entry))}
    return {name: short(getattr(file, name)) for name in differing - NOT_COMPARED}


def short(value: Any) -> str:
    """A value of the file in one text."""
    text = (
        value
        if isinstance(value, str)
        else "; ".join(item if isinstance(item, str) else ", ".join(item) for item in value)
    )
    if not text:
        return "nothing"
    return text if len(text) <= FILE_SAYS_MAX_CHARS else f"{text[:FILE_SAYS_MAX_CHARS]}…"


def field_rows(entry: Metadata, file_says: dict[str, str]) -> list[FieldRow]:
    """Every field that entry or file fill, in the order of METADATA, but for those the page shows at length."""
    return [
        FieldRow(
            field.attribute,
            field.header,
            texts(field, getattr(entry, field.attribute)),
            file_says.get(field.attribute, ""),
        )
        for field in spec.FIELDS
        if field.attribute not in SHOWN_ELSEWHERE and (getattr(entry, field.attribute) or field.attribute in file_says)
    ]


def texts(field: spec.Field, value: Any) -> tuple[Text, ...]:
    """A field's value as texts, links where they are safe."""
    if field.kind == "urls":
        return tuple(Text(url, safe_href(url), label) for label, url in value)
    if field.kind == "keywords":
        return (Text(", ".join(value)),) if value else ()
    values = value if field.multiple else (value,) if value else ()
    return tuple(Text(each, safe_href(each) if field.attribute in LINKED_FIELDS else "") for each in values)


def safe_href(url: str) -> str:
    """The address itself if a browser may follow it, else empty (D18: `javascript:` is text)."""
    try:
        parts = urlsplit(url.strip())
    except ValueError:
        return ""
    is_whole = bool(parts.netloc or (parts.scheme == "mailto" and parts.path))
    return url.strip() if parts.scheme.lower() in LINKED_SCHEMES and is_whole and url.isprintable() else ""
