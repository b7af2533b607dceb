"""One question to an index's API about what it has: `GET {index}/api/v1/…`, answered by one JSON object."""

from __future__ import annotations

from typing import TYPE_CHECKING

from otumat.errors import NotFound, Refused, Unauthenticated, Unreachable
from otumat.transport import Request, basic_auth

if TYPE_CHECKING:
    from collections.abc import Sequence

    from otumat.settings import Credentials, Index
    from otumat.transport import Response, Transport

MAX_LISTED = 20_000


def ask(
    what: str, query: Sequence[tuple[str, str]], *, on: Index, by: Credentials | None, over: Transport
) -> dict[str, object]:
    """
    Ask and read the answer.

    Args:
        what: `search` or `browse`.
        query: Names and values of what follows the question mark; those without a value are left out.
        by: Sent when there are any, for private projects.

    Errors:
        NotFound: this index is too old to be asked so. Unauthenticated, Refused. Unreachable: no answer, or none in the
        expected form.
    """
    from urllib.parse import urlencode

    headers = {"Accept": "application/json"}
    if by is not None:
        headers["Authorization"] = basic_auth(by.username, by.password)
    url = f"{on.url}/api/v1/{what}?{urlencode([(name, value) for name, value in query if value])}"
    response = over.send(Request("GET", url, headers))
    match response.status:
        case 200:
            return _object(response, on)
        case 404 | 405:
            raise NotFound(
                f"{on.url} cannot be asked to {what} from here: it has no /api/v1/{what}.",
                code=f"{what}.none",
                hint=f"An older or another kind of index, perhaps. Its own page may help: {on.url}/{what}",
            )
        case 401:
            raise Unauthenticated(
                f"{on.url} does not accept these credentials.", hint="Check them, or ask without any."
            )
        case 403 | 429:
            raise Refused(f"{on.url} refuses to {what} now. {_message(response)}".rstrip(), hint="Try again later.")
        case status:
            told = _message(response) or f"It answered with status {status} {response.reason}".rstrip() + "."
            raise Unreachable(f"{on.url} cannot answer that. {told}")


def _object(response: Response, index: Index) -> dict[str, object]:
    from json import loads

    try:
        answer = loads(response.body)
    except (ValueError, RecursionError):
        answer = None
    if not isinstance(answer, dict):
        raise Unreachable(
            f"{index.url} answered in another form than expected.",
            code="unreachable.form",
            hint="Is this the root address of the index?",
        )
    return answer


def _message(response: Response) -> str:
    """What an index that refuses says, if it says it as ours do."""
    from json import loads

    try:
        return str(loads(response.body)["error"]["message"])[:500]
    except (ValueError, KeyError, TypeError, RecursionError):
        return ""


def rows(value: object) -> list[dict[str, object]]:
    """A list of objects, bounded."""
    return [each for each in value[:MAX_LISTED] if isinstance(each, dict)] if isinstance(value, list) else []


def text(value: object) -> str:
    return value if isinstance(value, str) else ""


def number(value: object) -> int:
    return value if isinstance(value, int) and value >= 0 else 0
