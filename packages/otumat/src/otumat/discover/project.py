"""What an index says about one project: `GET {index}/pypi/NAME/json`, the form that every index of today answers in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote

from otumat.errors import NotFound, Refused, Unauthenticated, Unreachable
from otumat.transport import Request, basic_auth

if TYPE_CHECKING:
    from otumat.settings import Credentials, Index
    from otumat.transport import Transport

MAX_LISTED = 10_000


@dataclass(frozen=True)
class ProjectFile:
    """One file of the release. `size_bytes` is 0 when the index does not tell."""

    filename: str
    size_bytes: int
    sha256: str
    uploaded: str
    yanked: bool


@dataclass(frozen=True)
class ProjectInfo:
    """
    A project as its latest release (or the one asked for) describes it.

    Attributes:
        links: (label, address) pairs: the project's addresses, then its page on the index.
        requires: Requires-Dist lines.
    """

    name: str
    version: str
    summary: str
    author: str
    license: str
    requires_python: str
    links: tuple[tuple[str, str], ...]
    classifiers: tuple[str, ...]
    requires: tuple[str, ...]
    files: tuple[ProjectFile, ...]


def find_project(name: str, *, version: str = "", on: Index, by: Credentials | None, over: Transport) -> ProjectInfo:
    """
    Ask an index about a project.

    Args:
        version: One release; empty for the latest.
        by: Sent when there are any, for private projects.

    Errors:
        NotFound: no such project or release, or none that may be seen. Unauthenticated, Refused, Unreachable.
    """
    wanted = f"{name} {version}".strip()
    path = "/".join(quote(part, safe="") for part in (name, version) if part)
    headers = {"Accept": "application/json"}
    if by is not None:
        headers["Authorization"] = basic_auth(by.username, by.password)
    response = over.send(Request("GET", f"{on.url}/pypi/{path}/json", headers))
    match response.status:
        case 200:
            return _read(response.body, on)
        case 404:
            hint = "Check the spelling; a private project is shown only to those who have a role in it."
            raise NotFound(f"{on.url} shows no {wanted}.", code="project.unknown", hint=hint)
        case 401:
            raise Unauthenticated(
                f"{on.url} does not accept these credentials.", hint="Check them, or ask without any."
            )
        case 403:
            raise Refused(f"{on.url} refuses to tell about {wanted}.")
        case status:
            raise Unreachable(f"{on.url} answered with status {status} {response.reason}".rstrip() + ".")


def _read(body: bytes, index: Index) -> ProjectInfo:
    from json import loads

    try:
        answer = loads(body)
        info, files = answer["info"], answer.get("urls") or []
        return ProjectInfo(
            name=_text(info, "name"),
            version=_text(info, "version"),
            summary=_text(info, "summary"),
            author=_text(info, "author") or _text(info, "author_email"),
            license=_text(info, "license_expression") or _text(info, "license"),
            requires_python=_text(info, "requires_python"),
            links=_links(info),
            classifiers=_texts(info.get("classifiers")),
            requires=_texts(info.get("requires_dist")),
            files=tuple(_file(each) for each in files[:MAX_LISTED]),
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as exc:
        raise Unreachable(
            f"{index.url} answered in another form than expected.",
            code="unreachable.form",
            hint="Is this the root address of the index?",
        ) from exc


def _links(info: dict[str, object]) -> tuple[tuple[str, str], ...]:
    project_urls = info.get("project_urls")
    told = list(project_urls.items()) if isinstance(project_urls, dict) else []
    told += [
        ("Homepage", info.get("home_page")),
        ("Download", info.get("download_url")),
        ("Page", info.get("package_url")),
    ]
    links: dict[str, str] = {}  # by address: the first label wins
    for label, address in told[:MAX_LISTED]:
        if isinstance(address, str) and address:
            links.setdefault(address, str(label))
    return tuple((label, address) for address, label in links.items())


def _file(told: dict[str, object]) -> ProjectFile:
    digests, size = told.get("digests"), told.get("size")
    return ProjectFile(
        filename=_text(told, "filename"),
        size_bytes=size if isinstance(size, int) else 0,
        sha256=_text(digests, "sha256") if isinstance(digests, dict) else "",
        uploaded=_text(told, "upload_time_iso_8601") or _text(told, "upload_time"),
        yanked=bool(told.get("yanked")),
    )


def _text(told: dict[str, object], key: str) -> str:
    value = told.get(key)
    return value if isinstance(value, str) else ""


def _texts(told: object) -> tuple[str, ...]:
    return tuple(each for each in told[:MAX_LISTED] if isinstance(each, str)) if isinstance(told, list) else ()
