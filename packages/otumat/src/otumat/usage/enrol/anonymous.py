"""An install without a person: one request, repeated with the same key if its answer was lost."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

from otumat.errors import Conflict, Refused, Unreachable
from otumat.transport import Request
from otumat.usage import answers, changing, tokens, tombstones
from otumat.usage.enrol.asked import Asked
from otumat.usage.files import read_json, write_json
from otumat.usage.held import remove
from otumat.usage.hosts import discover

if TYPE_CHECKING:
    from otumat.transport import Response, Transport
    from otumat.usage.hosts import Host
    from otumat.usage.tokens import Credential


def enrol_anonymously(folder: str, *, over: Transport, host: Host | None = None, release: str = "") -> Credential:
    """
    Make an anonymous install and store its credential.

    Errors:
        Conflict: this package or host wants a person; `otumat usage on` is for that.
        Refused: the host does not want this project's uses. Unreachable: no answer.
    """
    answer, before = answers.read(folder), tombstones.current_install(folder)
    host = host or discover(answer.host, over=over)
    if answer.account == "required" or host.dialect != "1.0" or not host.anonymous:
        wanted = f", and {answer.project} wants an account" if answer.account == "required" else ""
        raise Conflict(
            f"This machine is not enrolled yet{wanted}.",
            code="enrol.person",
            hint=f"'otumat usage on {answer.project}' opens the page for it.",
        )
    asked = Asked(answer.project, release, answer.manifest, int(answer.wording or 1))
    place = os.path.join(folder, "enrolling.json")
    key = read_json(place).get("key") or os.urandom(16).hex()
    write_json(place, {"key": key})
    response = over.send(_request(host, asked, key, since=answer.since[:10]))
    if response.status not in (200, 201):
        raise _refusal(host, response)
    credential = tokens.from_answer(response, host=host.url, endpoints=host.endpoints)
    stored = changing.enrolled(folder, answer, credential, instead_of=before, over=over)
    remove(place)
    return stored


def _request(host: Host, asked: Asked, key: str, *, since: str) -> Request:
    headers = {"Content-Type": "application/json", "Idempotency-Key": key, "Accept": "application/json"}
    body = json.dumps({**asked.as_form(), "wording": asked.wording, "since": since}).encode()
    return Request("POST", host.endpoints["install"], headers, body)


def _refusal(host: Host, response: Response) -> Refused | Unreachable:
    error = tokens.json_of(response).get("error")
    told = str(error.get("message", ""))[:200] if isinstance(error, dict) else ""
    if response.status in (400, 403, 404, 410):
        return Refused(told or f"{host.url} does not want an install.", code="enrol.refused")
    return Unreachable(f"{host.url} answered {response.status}.", code="enrol.status")
