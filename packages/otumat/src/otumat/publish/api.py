"""The management API of an index, `/api/v1/`: one question, one JSON object."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote

from otumat.errors import Unreachable
from otumat.publish import reply
from otumat.transport import Request, basic_auth

if TYPE_CHECKING:
    from collections.abc import Mapping

    from otumat.settings import Credentials, Index
    from otumat.transport import Transport

MAX_LISTED = 10_000


@dataclass(frozen=True)
class Api:
    """An index's management API, asked by somebody over some transport."""

    index: Index
    by: Credentials
    over: Transport

    def ask(
        self, method: str, *path: str, body: Mapping[str, object] | None = None, query: str = ""
    ) -> dict[str, object]:
        """
        Ask and read the answer.

        Args:
            path: The parts of the address below `/api/v1/`, as plain text.
            body: Sent as JSON.
            query: What follows the question mark, encoded.

        Errors:
            Unauthenticated, Refused, NotFound, Conflict, Invalid: in the index's own words. Unreachable: no answer, or
            none in JSON.
        """
        import json

        url = "/".join([self.index.url, "api/v1", *(quote(part, safe=":@") for part in path)])
        url += f"?{query}" if query else ""
        headers = {"Accept": "application/json", "Authorization": basic_auth(self.by.username, self.by.password)}
        if body is not None:
            headers["Content-Type"] = "application/json"
        data = None if body is None else json.dumps(body).encode()
        response = self.over.send(Request(method, url, headers, data))
        answer = reply.accepted(response, asked=url)
        if not answer and response.status != 204:
            raise Unreachable(
                f"{url} answered in another form than expected.",
                code="unreachable.form",
                hint="Is this the root address of the index?",
            )
        return answer


def rows(answer: Mapping[str, object], key: str) -> list[dict[str, object]]:
    """A list of objects out of an answer, bounded; empty when there is none."""
    found = answer.get(key)
    return [each for each in found[:MAX_LISTED] if isinstance(each, dict)] if isinstance(found, list) else []


def texts(value: object) -> tuple[str, ...]:
    """A list of texts out of an answer, bounded."""
    return tuple(reply.text(each) for each in value[:MAX_LISTED]) if isinstance(value, list) else ()
