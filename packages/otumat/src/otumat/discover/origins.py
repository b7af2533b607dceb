"""Which releases of an index a file is from: asked by its SHA-256."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from otumat.errors import NotFound, Refused, Unauthenticated, Unreachable
from otumat.transport import Request, basic_auth

if TYPE_CHECKING:
    from otumat.settings import Credentials, Index
    from otumat.transport import Response, Transport

MAX_LISTED = 1_000


@dataclass(frozen=True)
class Origin:
    """A release that a file is from: the published file `filename`, or what lies at `path` in it."""

    project: str
    version: str
    filename: str
    path: str
    url: str


def origins(digest: str, *, on: Index, by: Credentials | None, over: Transport) -> list[Origin]:
    """
    The releases of a file, newest first; none where the index knows of none, or shows none to whoever asks.

    Args:
        digest: SHA-256 in hexadecimal.
        by: Sent when there are any, for private projects.

    Errors:
        NotFound: the index cannot be asked so. Unauthenticated, Refused. Unreachable: no answer, or none as expected.
    """
    headers = {"Accept": "application/json"}
    if by is not None:
        headers["Authorization"] = basic_auth(by.username, by.password)
    response = over.send(Request("GET", f"{on.url}/trust/sha256/{digest}", headers))
    answer = _object(response)
    if response.status == 404 and isinstance(answer.get("error"), dict):
        return []
    if response.status != 200:
        raise _refusal(response, on)
    found = answer.get("found")
    if not isinstance(found, list):
        raise Unreachable(f"{on.url} answered in another form than expected.", code="unreachable.form")
    return [_origin(each) for each in found[:MAX_LISTED] if isinstance(each, dict)]


def _origin(told: dict[str, object]) -> Origin:
    return Origin(*(str(told.get(name, ""))[:1_024] for name in ("project", "version", "filename", "path", "url")))


def _object(response: Response) -> dict[str, object]:
    from json import loads

    try:
        answer = loads(response.body)
    except (ValueError, RecursionError):
        answer = None
    return answer if isinstance(answer, dict) else {}


def _refusal(response: Response, index: Index) -> Exception:
    if response.status in (404, 405):
        hint = "An older or another kind of index, perhaps."
        return NotFound(f"{index.url} cannot be asked where a file is from.", code="origins.none", hint=hint)
    if response.status == 401:
        return Unauthenticated(f"{index.url} does not accept these credentials.", hint="Check them, or ask without.")
    if response.status in (403, 429):
        return Refused(f"{index.url} refuses to tell that now.", hint="Try again later.")
    return Unreachable(f"{index.url} answered with status {response.status} {response.reason}".rstrip() + ".")
