"""
The simple API, as bytes: project pages and the list of projects, in JSON and HTML, and which of the two was asked for.

Pure; standard library only. What is shown to whom is decided by the caller; addresses are written as given.

Source: PEP 503, 629, 691, 592, 658, 714, 700, 740, 792; API version 1.4, which is also where HTML stays (PEP 833).
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any, Literal

from otumat.spec import names

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

API_VERSION = "1.4"
JSON = "application/vnd.pypi.simple.v1+json"
HTML = "application/vnd.pypi.simple.v1+html"
LEGACY_HTML = "text/html"

Status = Literal["active", "archived", "quarantined", "deprecated"]
Format = Literal["json", "html"]


@dataclass(frozen=True, slots=True)
class FileEntry:
    """
    One file of a project page.

    Attributes:
        filename: As uploaded.
        url: Relative or absolute, percent-encoded, without fragment.
        sha256: Lower-case hexadecimal digest.
        size: Bytes.
        upload_time: UTC (a naive one is taken for UTC).
        requires_python: The file's own, empty when it says nothing.
        yanked: None when it is not; the reason, perhaps empty, when it is (PEP 592).
        core_metadata_sha256: Digest of `url` + `.metadata`, None when that is not offered (PEP 658, 714).
        provenance: Address of the provenance object, None without (PEP 740).
    """

    filename: str
    url: str
    sha256: str
    size: int
    upload_time: datetime
    requires_python: str = ""
    yanked: str | None = None
    core_metadata_sha256: str | None = None
    provenance: str | None = None


@dataclass(frozen=True, slots=True)
class ProjectPage:
    """
    What `/simple/NAME/` tells.

    Attributes:
        name: Normalised.
        files: In the order in which they are to appear. A quarantined project's are not shown (PEP 792).
        versions: Every version, also those without files (PEP 700).
        status: PEP 792.
        status_reason: Free text, empty without.
        last_serial: The project's serial in the journal, told to mirrors; None leaves it out.
    """

    name: str
    files: tuple[FileEntry, ...] = ()
    versions: tuple[str, ...] = ()
    status: Status = "active"
    status_reason: str = ""
    last_serial: int | None = None

    @property
    def offered(self) -> tuple[FileEntry, ...]:
        """PEP 792: an index must not offer a quarantined project's files."""
        return () if self.status == "quarantined" else self.files


def render_project_json(page: ProjectPage) -> bytes:
    """The page as PEP 691 JSON, keys of PEP 700, 714, 740 and 792 included."""
    body: dict[str, Any] = {
        "meta": _meta(page.last_serial),
        "name": page.name,
        "versions": page.versions,
        "files": [_file_object(file) for file in page.offered],
    }
    if page.status != "active":
        body["project-status"] = {"status": page.status}
        if page.status_reason:
            body["project-status"]["reason"] = page.status_reason
    return _dump(body)


def _file_object(file: FileEntry) -> dict[str, Any]:
    core_metadata = {"sha256": file.core_metadata_sha256} if file.core_metadata_sha256 else False
    entry: dict[str, Any] = {
        "filename": file.filename,
        "url": file.url,
        "hashes": {"sha256": file.sha256},
        "size": file.size,
        "upload-time": _utc(file.upload_time),
        "yanked": False if file.yanked is None else file.yanked or True,
        "core-metadata": core_metadata,
        "dist-info-metadata": core_metadata,  # PEP 714: what clients before pip 23.3 read.
    }
    if file.requires_python:
        entry["requires-python"] = file.requires_python
    if file.provenance:
        entry["provenance"] = file.provenance
    return entry


def _utc(moment: datetime) -> str:
    """PEP 700: `yyyy-mm-ddThh:mm:ss.ffffffZ`."""
    offset = moment.utcoffset()
    utc = (moment - offset if offset else moment).replace(tzinfo=None)
    return utc.isoformat(timespec="microseconds") + "Z"


def render_list_json(
    project_names: Iterable[str], *, last_serial: int | None = None, serials: Mapping[str, int] | None = None
) -> bytes:
    """
    The list of projects as PEP 691 JSON.

    Args:
        project_names: As they are to appear, in order.
        last_serial: Of the whole index, for mirrors.
        serials: Name (as in `project_names`) to that project's last serial; names without one get none.
    """
    if serials is None:
        projects = [{"name": name} for name in project_names]
    else:
        projects = [_list_object(name, serials.get(name)) for name in project_names]
    return _dump({"meta": _meta(last_serial), "projects": projects})


def _list_object(name: str, serial: int | None) -> dict[str, Any]:
    return {"name": name} if serial is None else {"name": name, "_last-serial": serial}


def _meta(last_serial: int | None) -> dict[str, Any]:
    return (
        {"api-version": API_VERSION}
        if last_serial is None
        else {"api-version": API_VERSION, "_last-serial": last_serial}
    )


def _dump(body: dict[str, Any]) -> bytes:
    # ASCII only: no text, lone surrogates included, can make this fail or mean something else to a lenient reader.
    return json.dumps(body, separators=(",", ":")).encode("ascii")


def render_project_html(page: ProjectPage) -> bytes:
    """The page as PEP 503 HTML, attributes of PEP 592, 658, 714, 740 and 792 included."""
    title = f"Links for {_text(page.name)}"
    links = "".join([_file_link(file) for file in page.offered])
    return _document(title, f"<h1>{title}</h1>\n{links}", _status_meta(page))


def _status_meta(page: ProjectPage) -> str:
    if page.status == "active":
        return ""
    lines = f'<meta name="pypi:project-status" content="{_text(page.status)}">\n'
    if page.status_reason:
        lines += f'<meta name="pypi:project-status-reason" content="{_text(page.status_reason)}">\n'
    return lines


def _file_link(file: FileEntry) -> str:
    attributes = f'href="{_text(file.url)}#sha256={_text(file.sha256)}"'
    if file.requires_python:
        attributes += f' data-requires-python="{_text(file.requires_python)}"'
    if file.core_metadata_sha256:
        digest = _text(file.core_metadata_sha256)
        attributes += f' data-core-metadata="sha256={digest}" data-dist-info-metadata="sha256={digest}"'
    if file.yanked is not None:
        attributes += f' data-yanked="{_text(file.yanked)}"'
    if file.provenance:
        attributes += f' data-provenance="{_text(file.provenance)}"'
    return f"<a {attributes}>{_text(file.filename)}</a><br>\n"


def render_list_html(project_names: Iterable[str]) -> bytes:
    """The list of projects as PEP 503 HTML; addresses are normalised and relative to `/simple/`."""
    links = "\n".join([f'<a href="{_text(names.normalize(name))}/">{_text(name)}</a><br>' for name in project_names])
    return _document("Simple index", links + "\n")


def _document(title: str, body: str, meta: str = "") -> bytes:
    head = f'<meta name="pypi:repository-version" content="{API_VERSION}">\n{meta}<title>{title}</title>\n'
    document = (
        f'<!DOCTYPE html>\n<html>\n<head>\n<meta charset="utf-8">\n{head}</head>\n<body>\n{body}</body>\n</html>\n'
    )
    return document.encode("utf-8", "replace")


def _text(text: str) -> str:
    """Inert in text and in double-quoted attributes; NUL, which HTML cannot escape, becomes U+FFFD."""
    return escape(text.replace("\0", "\ufffd"))


@dataclass(frozen=True, slots=True)
class Negotiated:
    """Which rendering was asked for, and the Content-Type to send it with (a charset goes with HTML)."""

    format: Format
    content_type: str


# In the order of our preference among equals. PEP 691: `latest` is answered with the version it stands for.
_OFFERS: tuple[tuple[str, Negotiated], ...] = (
    (JSON, Negotiated("json", JSON)),
    ("application/vnd.pypi.simple.latest+json", Negotiated("json", JSON)),
    (HTML, Negotiated("html", HTML)),
    ("application/vnd.pypi.simple.latest+html", Negotiated("html", HTML)),
    (LEGACY_HTML, Negotiated("html", LEGACY_HTML)),
)
_DEFAULT = Negotiated("html", LEGACY_HTML)

ACCEPT_MAX_CHARS = 4096
ACCEPT_MAX_ENTRIES = 64
"""Browsers send 8, installers 3. Longer headers are refused unread, as if they asked for nothing we have (A71)."""

_QUALITY = re.compile(r"(?:0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?)")


def negotiate(accept: str | None) -> Format | None:
    """`json` or `html`, or None when neither is acceptable (answer 406). See `negotiate_type`."""
    answer = negotiate_type(accept)
    return None if answer is None else answer.format


def negotiate_type(accept: str | None) -> Negotiated | None:
    """
    What to answer a request with this `Accept` header; None means 406.

    No header, or an empty one, means HTML as before PEP 691. The highest quality wins; among equals a type named in the
    header beats a wildcard, then JSON beats HTML; wildcards alone give `text/html`. Malformed entries are not counted.

    Source: PEP 691, "Version + Format Selection"; RFC 9110, 12.5.1.
    """
    if accept is None or not accept.strip():
        return _DEFAULT
    if len(accept) > ACCEPT_MAX_CHARS or accept.count(",") >= ACCEPT_MAX_ENTRIES:
        return None
    return _best(_ranges(accept))


def _ranges(accept: str) -> dict[str, float]:
    """Media range in lower case to its quality; the first of equal ranges counts."""
    ranges: dict[str, float] = {}
    for entry in accept.split(","):
        media_range, *parameters = (part.strip().lower() for part in entry.split(";"))
        quality = _quality(parameters)
        if quality is not None:
            ranges.setdefault(media_range, quality)
    return ranges


def _quality(parameters: list[str]) -> float | None:
    for parameter in parameters:
        key, _, value = (part.strip() for part in parameter.partition("="))
        if key == "q":
            return float(value) if _QUALITY.fullmatch(value) else None
    return 1.0


def _best(ranges: dict[str, float]) -> Negotiated | None:
    best, best_rank = None, (0.0, 0)
    for media_type, answer in _OFFERS:
        specificity, quality = _match(media_type, ranges)
        # A wildcard means "whatever you like": that is text/html, which every client since 2003 can read.
        likes = 2 if specificity == 2 else int(media_type == LEGACY_HTML)
        rank = (quality, likes)
        if quality > 0 and rank > best_rank:
            best, best_rank = answer, rank
    return best


def _match(media_type: str, ranges: dict[str, float]) -> tuple[int, float]:
    """How exactly the header names the type (2, 1, 0) and its quality there; the most exact range decides."""
    for specificity, media_range in ((2, media_type), (1, media_type.split("/")[0] + "/*"), (0, "*/*")):
        if media_range in ranges:
            return specificity, ranges[media_range]
    return 0, 0.0
